"""StartCelebrityRecognition and GetCelebrityRecognition: which enrolled public figures a stored film shows, and when.

As a search of faces (:mod:`.searching`) in the collection of figures, from the similarity that pictures are named from.
"""

from __future__ import annotations

from typing import Any

from regard.gallery.collections.errors import NoSuchCollection
from regard.gallery.figures import COLLECTION, Figure
from regard.jobs.job import Job, Outcome
from regard.jobs.working import Task
from regard.operations.common.likeness import least_score
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import work
from regard.operations.gallery.figures import LEAST_SIMILARITY, info_of
from regard.operations.videos.frames import VIDEO, fetched, looked_at, metadata, stepwise
from regard.operations.videos.questions import Question
from regard.operations.videos.searching import LIKES, Searching, persons, tell_likes
from regard.operations.videos.starting import started
from regard.operations.videos.telling import Element, job_of, told
from regard.stewardship.policy.call import Call, Capability, DataClass

START, MEMBER = "StartCelebrityRecognition", "Celebrities"


@operation(
    START,
    Capability.IDENTIFY,
    DataClass.TEMPLATES,
    collection=COLLECTION,
    blind="It begins a search and tells of nobody: its Get operation does.",
)
def start_celebrity_recognition(call: Call, rooms: Rooms) -> Answer:
    """Begin to look for public figures in a film."""
    face_model = _face_model(call.caller.organization, rooms)
    at_least = least_score(call, face_model, LEAST_SIMILARITY)
    return started(call, rooms, {"face_model": face_model, "at_least": at_least, "floor": call.floor})


@work(START)
def celebrity_recognition(task: Task, rooms: Rooms) -> Outcome:
    """Whom of the figures the faces of each frame are like, one at most; nobody where nobody was enrolled."""
    if task.job.beside["face_model"] is None:
        return looked_at(task, rooms, Question(MEMBER, lambda pictures: [[] for _ in pictures]))
    searching = Searching(task, rooms, most=1)
    with fetched(task, rooms) as path, rooms.films.sampled(path) as film:
        frames = stepwise(task, film, rooms.films.interval, searching.frames, searching.passed)
    counts = {"frames": frames, "found": searching.faces, "matched": searching.matched}
    return Outcome({VIDEO: metadata(film)}, counts, tuple(searching.people()))


@operation(
    "GetCelebrityRecognition",
    Capability.IDENTIFY,
    DataClass.TEMPLATES,
    collection=COLLECTION,
    lacks=(
        "Nobody is recognised but public figures whom the operator enrolled (`regard figures import`), from a "
        "similarity of 99 on. BoundingBox is the face's."
    ),
)
def get_celebrity_recognition(call: Call, rooms: Rooms) -> Answer:
    """The public figures of a film, by time or by Id; everybody else is left out."""
    job = job_of(call, rooms, START)
    by_id = call.parameters.get("SortBy") == "ID"
    answer = told(call, rooms, job, MEMBER, _by_id if by_id else None, _likely)
    figures = {each: figure for each, figure in _figures(job, rooms).items() if answer[MEMBER]}
    if answer[MEMBER]:
        tell_likes(call, rooms, job, answer[MEMBER])
    answer[MEMBER] = [_told(each, figures) for each in answer[MEMBER] if each.get("FaceMatches")]
    call.account["counts"] = {"matched": len(answer[MEMBER])}
    return answer


def _face_model(organization: str, rooms: Rooms) -> str | None:
    try:
        with rooms.gallery.reading() as connection:
            return rooms.gallery.collections.find(connection, organization, COLLECTION).face_model
    except NoSuchCollection:
        return None


def _likely(rooms: Rooms, job: Job) -> list[Element]:
    """The elements that are like a figure who is still enrolled, each with the figure's id."""
    found = [each for each in persons(rooms, job) if LIKES in each]
    if not found:
        return []
    with rooms.gallery.reading() as connection:
        collection = rooms.gallery.collections.find(connection, job.organization, COLLECTION)
        faces = {face_id for each in found for _, face_id, _ in each[LIKES]}
        kept = rooms.gallery.faces.with_ids(connection, collection, faces)
    figures = _figures(job, rooms)
    for each in found:
        ((_, face_id, _),) = each[LIKES]
        each["Id"] = str(kept[face_id].external_image_id) if face_id in kept else ""
    return [each for each in found if each["Id"] in figures]


def _figures(job: Job, rooms: Rooms) -> dict[str, Figure]:
    with rooms.gallery.reading() as connection:
        return {each.id: each for each in rooms.gallery.figures.all(connection, job.organization)}


def _told(element: Element, figures: dict[str, Figure]) -> Element:
    person, (match,) = element["Person"], element["FaceMatches"]
    told: dict[str, Any] = {
        **info_of(figures[element["Id"]]),
        "Id": element["Id"],
        "Confidence": match["Similarity"],
        "BoundingBox": person["BoundingBox"],
        "Face": person["Face"],
    }
    return {"Timestamp": element["Timestamp"], "Celebrity": told}


def _by_id(elements: list[Element]) -> list[Element]:
    return sorted(elements, key=lambda each: (each["Id"], each["Timestamp"]))
