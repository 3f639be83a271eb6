"""The four searches, SearchFaces to SearchUsersByImage; the searching itself is :mod:`regard.gallery.search`'s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from regard.gallery.search import Probe
from regard.operations.common.errors import ApiError, invalid_parameter
from regard.operations.common.likeness import Compared, least_score, like_face, like_user, told
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import bounding_box, face_detail
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.kept import kept_face, kept_user
from regard.stewardship.people.matches.candidates import whose_user
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.faces import quality
from regard.vision.faces.faces import Face
from regard.vision.pictures.images import Picture

DEFAULT_THRESHOLD = 80.0
# A search that names no number gets these many at most.
MOST_FACES, MOST_USERS = 80, 100
_NO_FACE = "There are no faces in the image. Should be at least 1."
_DEFAULT = frozenset({"DEFAULT"})


@operation("SearchFaces", Capability.IDENTIFY, DataClass.TEMPLATES)
def search_faces(call: Call, rooms: Rooms) -> Answer:
    """The faces like one of the collection, without that face itself."""
    face_model = _face_model(call, rooms)
    searched = call.parameters["FaceId"]
    compared = Compared(searched.encode())
    matches = _faces_like(call, rooms, face_model, Probe(face_id=searched), compared)
    return {"SearchedFaceId": searched, "FaceMatches": matches, "FaceModelVersion": face_model}


@operation("SearchFacesByImage", Capability.IDENTIFY, DataClass.TEMPLATES)
def search_faces_by_image(call: Call, rooms: Rooms) -> Answer:
    """The faces like the largest face of a picture; a picture without faces is an error."""
    face_model = _face_model(call, rooms)
    data = rooms.pictures.data(call, call.parameters["Image"])
    picture = rooms.pictures.decoded(call, data)
    faces = rooms.faces.detect(picture)
    level = call.parameters.get("QualityFilter", "NONE")
    searched = next((face for face in faces if not _rejections(rooms, picture, face, level)), None)
    if searched is None:
        cause = f" None of the {len(faces)} faces found passes QualityFilter {level}." if faces else ""
        raise ApiError("InvalidParameterException", _NO_FACE + cause)
    _remark(call, faces, searched)
    probe = _embedded(rooms, face_model, picture, searched)
    matches = _faces_like(call, rooms, face_model, probe, Compared(data, picture, searched))
    return {
        "SearchedFaceBoundingBox": bounding_box(searched.box),
        "SearchedFaceConfidence": searched.confidence,
        "FaceMatches": matches,
        "FaceModelVersion": face_model,
    }


@operation("SearchUsers", Capability.IDENTIFY, DataClass.TEMPLATES)
def search_users(call: Call, rooms: Rooms) -> Answer:
    """The users like a face of the collection, or like another of its users.

    A user is searched with as whoever was first among those that it is made of: made of others it is another probe.
    """
    face_id, user_id = call.parameters.get("FaceId"), call.parameters.get("UserId")
    if (face_id is None) == (user_id is None):
        raise invalid_parameter("exactly one of FaceId and UserId must be given.")
    face_model = _face_model(call, rooms)
    if user_id is None:
        compared = Compared(str(face_id).encode())
    else:
        first = _first_of(call, rooms, user_id)
        compared = Compared(whose_user(user_id, first).encode(), whose=first)
    matches = _users_like(call, rooms, face_model, Probe(face_id=face_id, user_id=user_id), compared)
    searched = {"SearchedFace": {"FaceId": face_id}} if user_id is None else {"SearchedUser": {"UserId": user_id}}
    return {"UserMatches": matches, "FaceModelVersion": face_model, **searched}


@operation("SearchUsersByImage", Capability.IDENTIFY, DataClass.TEMPLATES)
def search_users_by_image(call: Call, rooms: Rooms) -> Answer:
    """The users like the largest face of a picture; a picture without faces finds nobody."""
    face_model = _face_model(call, rooms)
    data = rooms.pictures.data(call, call.parameters["Image"])
    picture = rooms.pictures.decoded(call, data)
    level = call.parameters.get("QualityFilter", "NONE")
    searched: dict[str, Any] = {}
    matches: list[dict[str, Any]] = []
    unsearched: list[dict[str, Any]] = []
    for face in rooms.faces.detect(picture):
        description = rooms.faces.describe(picture, face, _DEFAULT)
        detail = face_detail(face, description)
        reasons = list(quality.rejections(face, description, level, picture))
        if searched:
            reasons.insert(0, "FACE_NOT_LARGEST")
        if reasons:
            unsearched.append({"FaceDetails": detail, "Reasons": reasons})
        else:
            searched = {"SearchedFace": {"FaceDetail": detail}}
            probe = _embedded(rooms, face_model, picture, face)
            matches = _users_like(call, rooms, face_model, probe, Compared(data, picture, face))
    return {"UserMatches": matches, "FaceModelVersion": face_model, "UnsearchedFaces": unsearched, **searched}


def _faces_like(call: Call, rooms: Rooms, face_model: str, probe: Probe, compared: Compared) -> list[dict[str, Any]]:
    at_least = least_score(call, face_model, call.parameters.get("FaceMatchThreshold", DEFAULT_THRESHOLD))
    most = call.parameters.get("MaxFaces", MOST_FACES)
    found, whose = rooms.gallery.search.faces(*_where(call), probe, most, at_least)
    compared = replace(compared, whose=whose)
    likes = [like_face(near, face, face) for near, face in found]
    return [
        {"Similarity": each.similarity, "Face": kept_face(each.found)}
        for each in told(call, rooms, face_model, compared, likes, at_least)
    ]


def _users_like(call: Call, rooms: Rooms, face_model: str, probe: Probe, compared: Compared) -> list[dict[str, Any]]:
    at_least = least_score(call, face_model, call.parameters.get("UserMatchThreshold", DEFAULT_THRESHOLD))
    most = call.parameters.get("MaxUsers", MOST_USERS)
    found, whose = rooms.gallery.search.users(*_where(call), probe, most, at_least)
    # Who is searched with as a user is known already.
    compared = replace(compared, whose=compared.whose or whose)
    made = _made_of(call, rooms, [user.user_id for _, user in found])
    likes = [like_user(near, user.user_id, made.get(user.user_id, []), user) for near, user in found]
    return [
        {"Similarity": each.similarity, "User": kept_user(each.found)}
        for each in told(call, rooms, face_model, compared, likes, at_least)
    ]


def _first_of(call: Call, rooms: Rooms, user_id: str) -> str:
    return next(iter(_made_of(call, rooms, [user_id]).get(user_id, [])), "")


def _made_of(call: Call, rooms: Rooms, user_ids: list[str]) -> dict[str, list[str]]:
    """Of whose faces users are made: subjects by UserId."""
    made: dict[str, list[str]] = {}
    if user_ids:
        with rooms.gallery.reading() as connection:
            collection = rooms.gallery.collections.find(connection, *_where(call))
            for name, whose in rooms.gallery.users.subjects(connection, collection, user_ids):
                made.setdefault(name, []).append(whose)
    return made


def _where(call: Call) -> tuple[str, str]:
    return call.caller.organization, call.parameters["CollectionId"]


def _face_model(call: Call, rooms: Rooms) -> str:
    """The face model of the collection. A missing one is said before any picture is looked at."""
    with rooms.gallery.asking() as connection:
        return rooms.gallery.collections.find(connection, *_where(call)).face_model


def _embedded(rooms: Rooms, face_model: str, picture: Picture, face: Face) -> Probe:
    return Probe(embedding=rooms.faces.embed(picture, [face], face_model)[0], face_model=face_model)


def _rejections(rooms: Rooms, picture: Picture, face: Face, level: str) -> tuple[str, ...]:
    # Describing costs as much as embedding: without a filter there is no need.
    if level == "NONE" and not face.doubtful:
        return ()
    return quality.rejections(face, rooms.faces.describe(picture, face, _DEFAULT), level, picture)


def _remark(call: Call, faces: list[Face], searched: Face) -> None:
    if len(faces) > 1:
        box = " ".join(f"{side}={ratio:.4f}" for side, ratio in bounding_box(searched.box).items())
        call.remarks["x-regard-faces-in-picture"] = str(len(faces))
        call.remarks["x-regard-searched-face"] = box
