"""RecognizeCelebrities and GetCelebrityInfo, on public figures that the operator enrolled; there are none else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.gallery.collections.errors import NoSuchCollection
from regard.gallery.faces import KeptFace
from regard.gallery.figures import COLLECTION, Figure
from regard.gallery.search import Probe
from regard.operations.common.likeness import Compared, Like, least_score, like_face, reviewed, told
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import compared_face
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.faces.faces import Face
from regard.vision.pictures.images import Picture

MOST_FACES = 64
# Whoever is taken for somebody known is named to others: what Amazon advises where it matters.
LEAST_SIMILARITY = 99.0
_DEFAULT = frozenset({"DEFAULT"})


@operation(
    "RecognizeCelebrities",
    Capability.IDENTIFY,
    DataClass.TEMPLATES,
    collection=COLLECTION,
    lacks=(
        "Nobody is recognised but public figures whom the operator enrolled (`regard figures import`), from a "
        "similarity of 99 on. Smile and Emotions are absent."
    ),
)
def recognize_celebrities(call: Call, rooms: Rooms) -> Answer:
    """Which enrolled public figures a picture shows; everybody else is an unrecognised face."""
    data = rooms.pictures.data(call, call.parameters["Image"])
    picture = rooms.pictures.decoded(call, data)
    faces = rooms.faces.detect(picture)[:MOST_FACES]
    known = _known(call, rooms, data, picture, faces)
    with rooms.gallery.reading() as connection:
        wanted = {str(kept.external_image_id) for _, kept in known.values()}
        figures = {each.id: each for each in rooms.gallery.figures.all(connection, call.caller.organization, wanted)}
    recognised, others = [], []
    for number, face in enumerate(faces):
        shown = compared_face(face, rooms.faces.describe(picture, face, _DEFAULT))
        alike, kept = known.get(number, (0.0, None))
        figure = figures.get(str(kept.external_image_id)) if kept else None
        if kept is None or figure is None:
            others.append(shown)
            continue
        recognised.append({**info_of(figure), "Id": figure.id, "Face": shown, "MatchConfidence": alike})
    return {"CelebrityFaces": recognised, "UnrecognizedFaces": others}


@operation(
    "GetCelebrityInfo",
    Capability.READ,
    DataClass.TEMPLATES,
    collection=COLLECTION,
    lacks="Public figures whom the operator enrolled.",
)
def get_celebrityinfo_of(call: Call, rooms: Rooms) -> Answer:
    """Name and links of an enrolled public figure."""
    with rooms.gallery.reading() as connection:
        return info_of(rooms.gallery.figures.get(connection, call.caller.organization, call.parameters["Id"]))


@operation("AddFigure", Capability.MANAGE, DataClass.SETTINGS, ours=True, collection=COLLECTION)
def add_figure(call: Call, rooms: Rooms) -> Answer:
    """Keep a public figure, without a face yet; faces are enrolled under the id that is answered."""
    given = call.parameters
    with rooms.writing(call) as connection:
        made = rooms.gallery.figures.add(
            connection, call.caller.organization, given["Name"], given["Urls"], given.get("KnownGender"), given["Basis"]
        )
    return {"Id": made.id}


@operation("ListFigures", Capability.READ, DataClass.TEMPLATES, ours=True, collection=COLLECTION)
def list_figures(call: Call, rooms: Rooms) -> Answer:
    """Every enrolled public figure."""
    with rooms.gallery.reading() as connection:
        found = rooms.gallery.figures.all(connection, call.caller.organization)
    return {"Figures": [{"Id": figure.id, "Basis": figure.basis, **info_of(figure)} for figure in found]}


@operation("RemoveFigure", Capability.MANAGE, DataClass.SETTINGS, ours=True, collection=COLLECTION)
def remove_figure(call: Call, rooms: Rooms) -> Answer:
    """Forget a public figure. Their faces are deleted with DeleteFaces."""
    with rooms.writing(call) as connection:
        rooms.gallery.figures.remove(connection, call.caller.organization, call.parameters["Id"])
    return {}


def _known(
    call: Call, rooms: Rooms, data: bytes, picture: Picture, faces: list[Face]
) -> dict[int, tuple[float, KeptFace]]:
    """By number of the face, who it is and how alike; nobody where nobody is enrolled."""
    known: dict[int, tuple[float, KeptFace]] = {}
    where = call.caller.organization, COLLECTION
    try:
        with rooms.gallery.asking() as connection:
            face_model = rooms.gallery.collections.find(connection, *where).face_model
    except NoSuchCollection:
        return {}
    call.account["models"] = {"FaceModelVersion": face_model}
    at_least = least_score(call, face_model, LEAST_SIMILARITY)
    likes: list[Like[tuple[int, KeptFace]]] = []
    for number, embedding in enumerate(rooms.faces.embed(picture, faces, face_model)):
        found, _ = rooms.gallery.search.faces(*where, Probe(embedding=embedding, face_model=face_model), 1, at_least)
        likes += [like_face(near, kept, (number, kept)) for near, kept in found]
    # What two people confirm is one face of the picture: no other may be named by it.
    once = _most_alike(likes) if reviewed(call, rooms) else likes
    for like in once:
        compared = Compared(data, picture, faces[like.found[0]])
        for each in told(call, rooms, face_model, compared, [like], at_least):
            known[each.found[0]] = (each.similarity, each.found[1])
    return known


def _most_alike(likes: Sequence[Like[tuple[int, KeptFace]]]) -> list[Like[tuple[int, KeptFace]]]:
    """Of each person the face most like theirs."""
    best: dict[str, Like[tuple[int, KeptFace]]] = {}
    for like in likes:
        if like.whose not in best or like.score > best[like.whose].score:
            best[like.whose] = like
    return list(best.values())


def info_of(figure: Figure) -> dict[str, Any]:
    """The name, the links and the gender of a figure, in the words of the API."""
    told = {"Name": figure.name, "Urls": list(figure.links)}
    return told | ({"KnownGender": {"Type": figure.gender}} if figure.gender else {})
