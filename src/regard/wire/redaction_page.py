"""Redaction over HTTP: a picture in, the same picture with its faces covered out, and a report of what was covered."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.routing import Route

from regard.operations.redaction import DEFAULT_THRESHOLD
from regard.operations.service import Service
from regard.stewardship.consent import CollectionId
from regard.vision.redaction import Style
from regard.wire.callers import Callers
from regard.wire.own_page import own_page
from regard.wire.pool import Pool

PATH = "/stewardship/v1/redact"


class Redaction(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked: a JPEG or PNG file in base64, and how to cover.

    With a `collection`, persons in it whose consent counts stay open where they are found with a similarity of
    `at_least`.
    """

    image: bytes
    style: Style = Style.FILL
    collection: CollectionId | None = None
    at_least: Annotated[float, msgspec.Meta(ge=0, le=100)] = DEFAULT_THRESHOLD


def parameters(asked: Redaction) -> tuple[str, dict[str, Any]]:
    """The operation that answers what is asked, and its parameters."""
    given: dict[str, Any] = {"Image": {"Bytes": asked.image}, "Style": asked.style}
    if asked.collection is None:
        return "Redact", given
    return "RedactOthers", given | {"CollectionId": asked.collection, "FaceMatchThreshold": asked.at_least}


def redaction_page(service: Service, callers: Callers, pool: Pool) -> Route:
    """The route."""
    return own_page(PATH, Redaction, parameters, service, callers, pool)
