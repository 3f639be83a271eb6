"""The page for outside auditors: batches of blinded pictures in, scores and rates out. `gate.auditors` counts them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.routing import Route

from regard.operations.service import Service
from regard.pages.own import own_page
from regard.wire.callers import Callers
from regard.wire.pool import Pool

PATH = "/stewardship/v1/audit/batches"
# 19,900 comparisons, and about five seconds of one worker.
MOST_PICTURES = 200

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Similarity = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Blinded(msgspec.Struct, forbid_unknown_fields=True):
    """A JPEG or PNG file in base64, whom it shows and in which groups, in words that are the auditor's own."""

    image: bytes
    subject: Name
    groups: dict[Name, Name] = {}


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Pictures that are compared with each other, and the similarities at which rates are measured."""

    pictures: Annotated[list[Blinded], msgspec.Meta(min_length=2, max_length=MOST_PICTURES)]
    similarities: Annotated[list[Similarity], msgspec.Meta(min_length=1, max_length=10)] = msgspec.field(
        default_factory=lambda: [80.0, 90.0, 99.0]
    )


def audit_page(service: Service, callers: Callers, pool: Pool) -> Route:
    """The route."""
    return own_page(PATH, Batch, _parameters, service, callers, pool)


def _parameters(asked: Batch) -> tuple[str, dict[str, Any]]:
    pictures = [{"Bytes": each.image, "Subject": each.subject, "Groups": each.groups} for each in asked.pictures]
    return "AuditBatch", {"Pictures": pictures, "Similarities": asked.similarities}
