"""ExportCollection, ImportFaces and CopyFaces, our own operations: collections that move.

A collection keeps what it stands on: faces are taken in only where the reserved tags say the same as where they come
from. Who was erased here is not let in again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from regard.gallery.bulk import Arrival
from regard.gallery.faces import MOST_FACES, subject
from regard.gallery.transfer import NotForUs
from regard.operations.errors import invalid_parameter
from regard.operations.registry import Answer, operation
from regard.operations.rooms import Rooms
from regard.stewardship.call import Call, Capability, DataClass
from regard.stewardship.collections import PREFIX
from regard.stewardship.erasure import SUPPRESSED_AT

_HEADER = "x-regard-suppressed"


@operation("ExportCollection", Capability.MANAGE, DataClass.TEMPLATES, ours=True)
def export_collection(call: Call, rooms: Rooms) -> Answer:
    """Write a collection to a file that only the recipient's service opens."""
    file = Path(call.parameters["File"])
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with rooms.gallery.reading() as connection, unfinished.open("wb") as target:
            faces = rooms.gallery.transfer.write(
                connection,
                call.caller.organization,
                call.parameters["CollectionId"],
                target,
                call.parameters["Recipient"],
            )
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    call.account["counts"] = {"found": faces}
    return {"Faces": faces}


@operation("ImportFaces", Capability.ENROL, DataClass.TEMPLATES, ours=True)
def import_faces(call: Call, rooms: Rooms) -> Answer:
    """Take the faces of a file into a collection, all or none."""
    with Path(call.parameters["File"]).open("rb") as file:
        try:
            head, batches = rooms.gallery.transfer.read(file)
            return _taken_in(call, rooms, head.face_model, head.tags, batches)
        except NotForUs as error:
            raise invalid_parameter(str(error)) from error


@operation("CopyFaces", Capability.ENROL, DataClass.TEMPLATES, ours=True)
def copy_faces(call: Call, rooms: Rooms) -> Answer:
    """Take the faces of another collection of the organization into a collection, all or none."""
    organization, source = call.caller.organization, call.parameters["Source"]
    with rooms.gallery.reading() as connection:
        kept = rooms.gallery.collections.find(connection, organization, source)
        tags = rooms.gallery.collections.tags(connection, organization, source)
        batches = rooms.gallery.transfer.arrivals(connection, kept)
        return _taken_in(call, rooms, kept.face_model, tags, batches)


def _taken_in(
    call: Call, rooms: Rooms, face_model: str, tags: Mapping[str, str], batches: Iterable[list[Arrival]]
) -> Answer:
    organization, name = call.caller.organization, call.parameters["CollectionId"]
    taken = refused = 0
    with rooms.writing(call) as connection:
        if _terms(rooms.gallery.collections.tags(connection, organization, name)) != _terms(tags):
            raise invalid_parameter(
                f"{name} stands on other terms than what the faces come from: give it the same {PREFIX} tags."
            )
        for arrivals in batches:
            welcome = _welcome(rooms, organization, face_model, arrivals)
            most = MOST_FACES if call.caller.most_faces is None else min(MOST_FACES, call.caller.most_faces)
            rooms.gallery.bulk.enrol(connection, organization, name, welcome, face_model, most)
            taken += len(welcome)
            refused += len(arrivals) - len(welcome)
        call.account["counts"] = {"found": taken + refused, "enrolled": taken}
    if refused:
        call.remarks[_HEADER] = str(refused)
    return {"Faces": taken, "Refused": refused}


def _welcome(rooms: Rooms, organization: str, face_model: str, arrivals: list[Arrival]) -> list[Arrival]:
    """The arrivals without people who were erased here and are not to be enrolled again."""
    objections = rooms.gallery.objections
    if not any(objections.counts()):
        return arrivals
    names = {arrival.external_image_id for arrival in arrivals if arrival.external_image_id is not None}
    unwanted = {name for name in names if objections.find(organization, subject(name, ""))}
    stay = [arrival for arrival in arrivals if arrival.external_image_id not in unwanted]
    scores = objections.likeness(organization, face_model, np.stack([arrival.face.template for arrival in stay]))
    return [each for place, each in enumerate(stay) if scores is None or scores[place] < SUPPRESSED_AT]


def _terms(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.startswith(PREFIX)}
