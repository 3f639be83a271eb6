"""ExportCollection, ImportFaces and CopyFaces, our own operations: collections that move.

A collection keeps what it stands on: faces are taken in only where the reserved tags say the same as where they come
from; by the rules of IndexFaces, so that nobody is let in who was erased here, or whom no receipt covers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from regard.gallery.bulk import Arrival
from regard.gallery.collections.errors import OtherModel
from regard.gallery.faces import MOST_FACES
from regard.gallery.transfer import Along, NotForUs
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.arrivals import welcome
from regard.stewardship.council.collections import BASIS, PREFIX, PURPOSE, RETENTION
from regard.stewardship.policy.call import Call, Capability, DataClass

_HEADER = "x-regard-refused"
_NOTHING: Mapping[str, int] = {}


@operation("ExportCollection", Capability.READ, DataClass.TEMPLATES, ours=True)
def export_collection(call: Call, rooms: Rooms) -> Answer:
    """Write a collection to a file that only the recipient's service opens, with the consents of who is in it.

    Templates that are kept against enrolment go along, so that who is not enrolled again here is not enrolled there.
    """
    organization, name = call.caller.organization, call.parameters["CollectionId"]
    file = Path(call.parameters["File"])
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with rooms.gallery.reading() as connection, unfinished.open("wb") as target:
            receipts = rooms.consents.carried(connection, organization, name) if rooms.consents else []
            along = Along(receipts, rooms.gallery.objections.carried(organization))
            recipient = call.parameters["Recipient"]
            faces = rooms.gallery.transfer.write(connection, organization, name, target, recipient, along)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    counts = {"receipts": len(along.receipts), "suppressions": len(along.objections)}
    call.account["counts"] = {"found": faces, **counts}
    return {"Faces": faces, "Receipts": counts["receipts"], "Suppressions": counts["suppressions"]}


@operation("ImportFaces", Capability.ENROL, DataClass.TEMPLATES, ours=True, compares=True)
def import_faces(call: Call, rooms: Rooms) -> Answer:
    """Take the faces of a file into a collection, all or none.

    What goes along comes first, and stays whatever becomes of the faces: consents, and templates against enrolment.
    """
    organization, name = call.caller.organization, call.parameters["CollectionId"]
    with Path(call.parameters["File"]).open("rb") as file:
        try:
            head, along, batches = rooms.gallery.transfer.read(file)
            with rooms.gallery.reading() as connection:
                require_same_terms(rooms.gallery.collections.tags(connection, organization, name), head.tags, name)
            counts = _entered(call, rooms, along)
            answer = _taken_in(call, rooms, head.face_model, head.tags, batches, counts)
            return answer | {"Receipts": counts["receipts"], "Suppressions": counts["suppressions"]}
        except NotForUs as error:
            raise invalid_parameter(str(error)) from error


@operation("CopyFaces", Capability.ENROL, DataClass.TEMPLATES, ours=True, compares=True)
def copy_faces(call: Call, rooms: Rooms) -> Answer:
    """Take the faces of another collection of the organization into a collection, all or none."""
    organization, source = call.caller.organization, call.parameters["Source"]
    with rooms.gallery.reading() as connection:
        kept = rooms.gallery.collections.find(connection, organization, source)
        tags = rooms.gallery.collections.tags(connection, organization, source)
        batches = rooms.gallery.transfer.arrivals(connection, kept)
        return _taken_in(call, rooms, kept.face_model, tags, batches)


def _entered(call: Call, rooms: Rooms, along: Along) -> dict[str, int]:
    """Enter what came along with faces, and count it: of the receipts, those that count here."""
    rooms.gallery.objections.take(call.caller.organization, along.objections)
    enter, name = rooms.consents.enter if rooms.consents else None, call.parameters["CollectionId"]
    counting = sum(enter(call.caller, receipt, name) for receipt in along.receipts) if enter else 0
    return {"receipts": counting, "suppressions": len(along.objections)}


def _taken_in(
    call: Call,
    rooms: Rooms,
    face_model: str,
    tags: Mapping[str, str],
    batches: Iterable[list[Arrival]],
    also: Mapping[str, int] = _NOTHING,
) -> Answer:
    organization, name = call.caller.organization, call.parameters["CollectionId"]
    taken = refused = 0
    with rooms.writing(call) as connection:
        require_same_terms(rooms.gallery.collections.tags(connection, organization, name), tags, name)
        collection = rooms.gallery.collections.find(connection, organization, name)
        if collection.face_model != face_model:
            raise OtherModel(name, collection.face_model, face_model)
        for arrivals in batches:
            let_in = welcome(call, rooms, connection, collection, name, arrivals)
            most = MOST_FACES if call.caller.most_faces is None else min(MOST_FACES, call.caller.most_faces)
            rooms.gallery.bulk.enrol(connection, organization, name, let_in, face_model, most)
            taken += len(let_in)
            refused += len(arrivals) - len(let_in)
        call.account["counts"] = {"found": taken + refused, "enrolled": taken, **also}
    if refused:
        call.remarks[_HEADER] = str(refused)
    return {"Faces": taken, "Refused": refused}


def require_same_terms(tags: Mapping[str, str], source: Mapping[str, str], name: str) -> None:
    """Refuse, as the API does, that faces go from a collection to one that stands on something else."""
    if _terms(tags) != _terms(source):
        raise invalid_parameter(
            f"{name} stands on other terms than what the faces come from: give it the same {PREFIX} tags."
        )


def _terms(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: tags[key] for key in (BASIS, PURPOSE, RETENTION) if key in tags}
