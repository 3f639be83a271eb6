"""Objectors: people who were erased and are not to be enrolled again, compared before anything is kept. Entries are
:mod:`regard.gallery.objections`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from regard.gallery.faces import subject
from regard.gallery.objections import Objection
from regard.operations.common.rooms import Rooms
from regard.stewardship.people.erasure import SUPPRESSED_AT
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.vision.faces.faces import Face, UnknownVersion
from regard.vision.pictures.findings import SAME_FACE, Box, overlap

_HEADER = "x-regard-suppressed"


def without_objectors(
    call: Call, rooms: Rooms, data: bytes, faces: list[Face], embedded: Callable[[str], NDArray[np.float32]]
) -> list[int]:
    """The places of the faces that may be enrolled; a header counts the others. Raises Denied by name.

    Refused are the name of a person who was erased, their face in an exact copy of a picture that was enrolled, and
    where they agreed that a template is kept against enrolment, whoever is as like it as one person is. `embedded`
    gives the faces by a FaceModelVersion: that of a template need not be the one of the collection.
    """
    organization, objections = call.caller.organization, rooms.gallery.objections
    if not objections.any(organization):
        return list(range(len(faces)))
    _check_name(call, rooms)
    boxes = objections.pictured(organization, rooms.gallery.digest(organization, data))
    scores = [_likeness(rooms, organization, face_model, embedded) for face_model in objections.models(organization)]
    stay = [
        place
        for place, face in enumerate(faces)
        if not any(overlap(face.box, Box(*box)) >= SAME_FACE for box in boxes)
        and all(found is None or found[place] < SUPPRESSED_AT for found in scores)
    ]
    if refused := len(faces) - len(stay):
        call.remarks[_HEADER] = str(refused)
    return stay


def _likeness(
    rooms: Rooms, organization: str, face_model: str, embedded: Callable[[str], NDArray[np.float32]]
) -> NDArray[np.float32] | None:
    try:
        return rooms.gallery.objections.likeness(organization, face_model, embedded(face_model))
    except UnknownVersion:
        return None  # The template came from weights that are not here any more.


def objection(rooms: Rooms, organization: str, name: str) -> Objection | None:
    """What keeps this name, an ExternalImageId, from being enrolled; a consent of a later day takes it away."""
    found = rooms.gallery.objections.find(organization, subject(name, ""))
    if found and rooms.consents and rooms.consents.given_since(organization, name, found.at):
        rooms.gallery.objections.lift(organization, subject(name, ""))
        return None
    return found


def _check_name(call: Call, rooms: Rooms) -> None:
    name = call.parameters.get("ExternalImageId")
    found = None if name is None else objection(rooms, call.caller.organization, name)
    if found is None:
        return
    on = time.strftime("%Y-%m-%d", time.gmtime(found.at))
    raise Denied(
        "suppressed",
        f"{name} was erased on {on} and is not enrolled again.",
        appeal=f"a consent of a later day lets them in: `regard consent add {name} …`, docs/people.md.",
    )
