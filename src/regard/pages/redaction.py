"""The page for redaction: a picture in, the same with faces and words covered out, and a report of what was."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.routing import Route

from regard.operations.common.registry import ours
from regard.operations.images.redaction import DEFAULT_THRESHOLD
from regard.operations.service import Service
from regard.pages.own import own_page
from regard.pages.people_api import ROOT, Elsewhere
from regard.stewardship.people.consent import CollectionId
from regard.vision.pictures.redaction import Style
from regard.wire.callers import Callers
from regard.wire.pool import Pool

PATH = f"{ROOT}/redact"


class Redaction(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked: a JPEG or PNG file in base64, and how to cover.

    With a `collection`, persons in it whose consent counts stay open where they are found with a similarity of
    `at_least`. Words of which a regular expression in `text` matches a part are covered too.
    """

    image: bytes
    style: Style = Style.FILL
    collection: CollectionId | None = None
    at_least: Annotated[float, msgspec.Meta(ge=0, le=100)] = DEFAULT_THRESHOLD
    text: Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=200)]], msgspec.Meta(max_length=20)] = []


def parameters(asked: Redaction) -> tuple[str, dict[str, Any]]:
    """The operation that answers what is asked, and its parameters."""
    given: dict[str, Any] = {"Image": {"Bytes": asked.image}, "Style": asked.style, "TextPatterns": asked.text}
    if asked.collection is None:
        return "Redact", given
    return "RedactOthers", given | {"CollectionId": asked.collection, "FaceMatchThreshold": asked.at_least}


def described() -> Elsewhere:
    """The page, for the description of the API."""
    summary = "Cover the faces of a picture, all or all but those whose consent counts, and words by pattern."
    return Elsewhere("POST", PATH.removeprefix(ROOT), ours()["Redact"], Redaction, summary)


def redaction_page(service: Service, callers: Callers, pool: Pool) -> Route:
    """The route."""
    return own_page(PATH, Redaction, parameters, service, callers, pool)
