"""Faces that arrive many at a time, by import, copy or re-embedding: let in by the rules of IndexFaces, which
:mod:`.enrolment` answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from regard.gallery.bulk import Arrival
from regard.gallery.collections.collections import Kept
from regard.gallery.faces import subject
from regard.operations.common.likeness import floor_score, reviewed
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.bystanders import AT_LEAST
from regard.operations.gallery.objectors import objection
from regard.stewardship.council.collections import BASIS
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.erasure import SUPPRESSED_AT
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.enrolment import Enrolment
from regard.vision.pictures.findings import SAME_FACE, Box, overlap


def welcome(
    call: Call, rooms: Rooms, connection: Connection, collection: Kept, receipts: str, arrivals: Sequence[Arrival]
) -> list[Arrival]:
    """The arrivals that may be enrolled in a collection, where consents to the collection `receipts` count.

    Nobody who was erased and is not to be enrolled again. Where the collection stands on consent nobody without a
    receipt, and from each picture the person alone whom the receipt is of. So many are not shown to two people: where
    rights are at stake nobody is compared, and who the person is follows from a receipt's box or from nobody else being
    there.
    """
    stay = _without_objectors(rooms, collection, arrivals)
    tags = rooms.gallery.collections.tags(connection, collection.organization, collection.collection_id)
    if tags.get(BASIS, call.caller.basis) != "consent":
        return stay
    named: dict[str, list[Arrival]] = {}
    for arrival in stay:
        if arrival.external_image_id is not None:
            named.setdefault(arrival.external_image_id, []).append(arrival)
    consents = rooms.consents
    return [
        arrival
        for name, some in named.items()
        if consents and consents.covers(agreed := Enrolment(collection.organization, receipts, name))
        for arrival in _of_the_person(call, rooms, connection, collection, consents, agreed, some)
    ]


def _without_objectors(rooms: Rooms, collection: Kept, arrivals: Sequence[Arrival]) -> list[Arrival]:
    organization, objections = collection.organization, rooms.gallery.objections
    if not arrivals or not any(objections.counts()):
        return list(arrivals)
    names = {arrival.external_image_id for arrival in arrivals} - {None}
    unwanted = {name for name in names if objection(rooms, organization, str(name))}
    embeddings = np.stack([arrival.face.template for arrival in arrivals])
    scores = objections.likeness(organization, collection.face_model, embeddings)
    return [
        arrival
        for place, arrival in enumerate(arrivals)
        if arrival.external_image_id not in unwanted and (scores is None or scores[place] < SUPPRESSED_AT)
    ]


def _of_the_person(
    call: Call,
    rooms: Rooms,
    connection: Connection,
    collection: Kept,
    consents: Consents,
    agreed: Enrolment,
    arrivals: Sequence[Arrival],
) -> list[Arrival]:
    """From each picture the face of the person: in the box on the receipt, most like those there, or the only one.

    Where rights are at stake none is taken for being like another. Faces of the same collection made anew need no more
    than their name and nobody beside them; those from elsewhere need a box, once somebody of that name is there.
    """
    unseen, renewed = reviewed(call, rooms), agreed.collection != collection.collection_id
    embeddings = np.stack([arrival.face.template for arrival in arrivals])
    there = rooms.gallery.faces.likeness(connection, collection, subject(agreed.person, ""), embeddings)
    pictures: dict[str, list[int]] = {}
    for place, arrival in enumerate(arrivals):
        pictures.setdefault(arrival.image_id or str(place), []).append(place)
    taken: list[int] = []
    # Whoever is alone in a picture shows who the person is in the others.
    for places in sorted(pictures.values(), key=len):
        shown = arrivals[places[0]].picture
        box = shown and consents.reference(agreed, shown.hex())
        if box:
            scores, at_least = [overlap(Box(*arrivals[place].face.box), Box(*box)) for place in places], SAME_FACE
        elif unseen:
            alone = len(places) == 1 and (renewed or there is None)
            scores, at_least = [float(alone)] * len(places), 1.0
        elif there is None and not taken:
            scores, at_least = [float(len(places) == 1)] * len(places), 1.0
        else:
            alike = (embeddings[places] @ embeddings[taken].T).max(axis=1, initial=-1.0)
            scores = np.maximum(alike, -1.0 if there is None else there[places]).tolist()
            at_least = max(AT_LEAST, floor_score(call, collection.face_model))
        best = int(np.argmax(scores))
        if scores[best] >= at_least:
            taken.append(places[best])
    return [arrivals[place] for place in sorted(taken)]
