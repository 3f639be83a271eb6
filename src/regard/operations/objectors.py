"""People who were erased and are not to be enrolled again: compared here, before anything is kept."""

from __future__ import annotations

import time
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from regard.gallery.faces import subject
from regard.operations.bystanders import SAME_FACE, overlap
from regard.operations.rooms import Rooms
from regard.stewardship.call import Call
from regard.stewardship.denied import Denied
from regard.stewardship.erasure import SUPPRESSED_AT
from regard.vision.faces import Face

_HEADER = "x-regard-suppressed"


def without_objectors(
    call: Call, rooms: Rooms, data: bytes, faces: list[Face], embeddings: NDArray[np.float32]
) -> list[int]:
    """The places of the faces that may be enrolled; a header counts the others. Raises Denied by name.

    Refused are the name of a person who was erased, their face in an exact copy of a picture that was enrolled, and
    where they agreed that a template is kept against enrolment, whoever is as like it as one person is.
    """
    _check_name(call, rooms)
    organization, objections = call.caller.organization, rooms.gallery.objections
    boxes = objections.pictured(organization, rooms.gallery.digest(organization, data))
    scores = objections.likeness(organization, rooms.faces.version, embeddings) if faces else None
    stay = [
        place
        for place, face in enumerate(faces)
        if not any(overlap(astuple(face.box), box) >= SAME_FACE for box in boxes)
        and (scores is None or scores[place] < SUPPRESSED_AT)
    ]
    if refused := len(faces) - len(stay):
        call.remarks[_HEADER] = str(refused)
    return stay


def _check_name(call: Call, rooms: Rooms) -> None:
    name, organization = call.parameters.get("ExternalImageId"), call.caller.organization
    if name is None:
        return
    found = rooms.gallery.objections.find(organization, subject(name, ""))
    if found is None:
        return
    if rooms.consents and rooms.consents.given_since(organization, name, found.at):
        rooms.gallery.objections.lift(organization, subject(name, ""))
        return
    on = time.strftime("%Y-%m-%d", time.gmtime(found.at))
    raise Denied(
        "suppressed",
        f"{name} was erased on {on} and is not enrolled again.",
        appeal=f"a consent of a later day lets them in: `regard consent add {name} …`, docs/people.md.",
    )
