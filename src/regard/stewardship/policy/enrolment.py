"""An enrolment: one person in one collection, which is what a consent is given for. A `call` may ask for one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who is in which collection, or would be.

    `organization` is a 12-digit account id, `collection` a CollectionId of it, `person` the ExternalImageId that the
    faces carry; empty where a call names nobody.
    """

    organization: str
    collection: str
    person: str
