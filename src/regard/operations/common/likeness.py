"""How alike faces are, and what of that may be told: the one way from a comparison of faces to an answer.

Every operation that compares faces of different people comes through :func:`told`, whatever its name. It holds the
floor, the review by two people where rights are at stake, and the telling of whoever was found. No other file of these
rooms turns a cosine into a similarity, and a test reads that (`tests/operations/common/test_likeness.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from regard.gallery.faces import KeptFace
from regard.operations.common.cut_outs import cut_out
from regard.operations.common.rooms import Rooms
from regard.stewardship.people import review
from regard.stewardship.people.matches.candidates import Match, Sought, whose_user
from regard.stewardship.policy.call import Call
from regard.vision.faces.faces import Face
from regard.vision.faces.similarity import score, similarity
from regard.vision.pictures.images import Picture, decode

Found = TypeVar("Found")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Compared:
    """What the found were compared with: `by` are the same bytes each time. `face` in `picture` is for reviewers.

    `by` may stand for one face alone, wherever it is in a picture: `alone`. Where nothing is left to show to reviewers,
    nothing is `open` to review any more: who was not held for it then is not told of. A face of the collection has no
    picture: `whose` it is then.
    """

    by: bytes
    picture: Picture | None = None
    face: Face | None = None
    alone: bool = False
    open: bool = True
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Like(Generic[Found]):
    """Somebody who may be the one, at a cosine of `score`; `found` is what the operation answers of them.

    `whose` is the subject that a review is about, and `name` the id that it shows. `people` are the subjects who are
    told, each with the details that are sealed. Of a face that stands for nobody known, `whose` is empty: there is
    nobody to review, and nobody to tell. One that was `held` for review stays so, whoever asks.
    """

    score: float
    found: Found
    whose: str = ""
    name: str = ""
    people: tuple[tuple[str, dict[str, str]], ...] = ()
    held: bool = False


@dataclass(frozen=True, slots=True)
class Told(Generic[Found]):
    """Somebody who may be told of, with the similarity, 0 to 100."""

    similarity: float
    found: Found


def told(
    call: Call, rooms: Rooms, face_model: str | None, compared: Compared, found: Sequence[Like[Found]], at_least: float
) -> list[Told[Found]]:
    """Of the found, those who may be told of, in the order given; they are entered in the log as told.

    Nobody below a cosine of `at_least`, or below the floor that the gate set. Where rights are at stake nobody whom two
    people have not confirmed: those wait, which `call.remarks` says, and nobody who was called false.
    """
    least = max(at_least, floor_score(call, face_model))
    high = [each for each in found if each.score >= least]
    known = [each for each in high if each.whose]
    others: dict[str, dict[str, str]] = {}
    if known and rooms.reviews is not None:
        matches = [
            Match(
                each.whose,
                each.name[:_LONGEST_NAME],
                similarity(each.score, face_model),
                tuple(whose for whose, _ in each.people),
                each.score,
                each.held,
            )
            for each in known
        ]
        sought = _sought(call, rooms, face_model, compared)
        named = rooms.reviews.mismatches.others(call.caller.organization, sought, matches)
        confirmed = rooms.reviews.shown(call, sought, matches, named)
        high = [each for each in high if not each.whose or each.whose in confirmed]
        others = {whose: {"other": name.hex()} for whose, name in named.items()}
    answered = [Told(similarity(each.score, face_model), each.found) for each in high]
    searched = {"probe": call.probe} if call.probe else {}
    for each, alike in zip(high, answered, strict=True):
        also = searched | others.get(each.whose, {}) | {"similarity": f"{alike.similarity:.4f}"}
        call.people += [(whose, details | also) for whose, details in each.people]
    return answered


def reviewed(call: Call, rooms: Rooms) -> bool:
    """Whether two people confirm what the call finds."""
    return rooms.reviews is not None and review.needed(call)


def least_score(call: Call, face_model: str | None, threshold: float) -> float:
    """The least cosine that counts where a similarity of `threshold`, 0 to 100, is asked for: no lower than the floor.

    The inverse of what :func:`told` answers, for searches that find nothing below.
    """
    return max(score(threshold, face_model), floor_score(call, face_model))


def floor_score(call: Call, face_model: str | None) -> float:
    """The cosine that has the similarity of the floor that the gate set; −1 where there is none."""
    return score(call.floor, face_model)


def like_face(near: float, kept: KeptFace, found: Found) -> Like[Found]:
    """A face of a collection that was found at a cosine of `near`."""
    return Like(near, found, kept.subject, kept.face_id, ((kept.subject, {"face_id": kept.face_id}),))


def like_user(near: float, user_id: str, subjects: Sequence[str], found: Found) -> Like[Found]:
    """A user of a collection, made of the faces of these subjects, who was found at a cosine of `near`.

    What two people confirm is about whoever was first among them: a user of the same name made of others is another.
    """
    people = tuple((whose, {"user_id": user_id}) for whose in subjects)
    return Like(near, found, whose_user(user_id, next(iter(subjects), "")), user_id, people)


def _sought(call: Call, rooms: Rooms, face_model: str | None, compared: Compared) -> Sought:
    """What was searched with, for whoever looks at a match."""
    own: list[NDArray[np.float32]] = []

    def alike(jpeg: bytes) -> float | None:
        """How like the face that was searched with the one in another picture is, as a cosine."""
        picture = decode(jpeg)
        faces = rooms.faces.detect(picture)[:1]
        if not faces:
            return None
        other = rooms.faces.embed(picture, faces, face_model)
        if compared.picture is not None and compared.face is not None:
            if not own:
                own.append(rooms.faces.embed(compared.picture, [compared.face], face_model)[0])
            return float(other[0] @ own[0])
        if not compared.whose:
            return None
        where = call.caller.organization, call.parameters["CollectionId"]
        with rooms.gallery.reading() as connection:
            collection = rooms.gallery.collections.find(connection, *where)
            scores = rooms.gallery.faces.likeness(connection, collection, compared.whose, other)
        return None if scores is None else float(scores[0])

    face = compared.face.box if compared.face and not compared.alone else None
    return Sought(compared.by, lambda: _cut_out(compared), face, compared.whose, alike, compared.open)


def _cut_out(compared: Compared) -> bytes:
    """The face with some margin, as JPEG; empty where there is no picture of it."""
    if compared.picture is None or compared.face is None:
        return b""
    return cut_out(compared.picture, compared.face.box)
