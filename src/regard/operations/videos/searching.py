"""StartFaceSearch and GetFaceSearch: who of a collection is seen in a stored film, and when.

Everybody who is seen is listed; who matches nobody has no FaceMatches, and leaves no template: faces are embedded in
memory. An Index numbers a face inside one shot of one film (:mod:`regard.vision.video.tracks`) and ends with the job.
Who was found is kept by subject, under their key. What may be told of it is decided at each Get: the floor, the review
by two people, and whether the face is still in the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from regard.gallery.faces import KeptFace
from regard.gallery.search import Probe
from regard.jobs.errors import JobChanged, NoSuchJob
from regard.jobs.job import Job, Outcome, Part
from regard.jobs.working import Task
from regard.operations.common.likeness import Compared, Like, least_score, like_face
from regard.operations.common.likeness import told as told_of_likes
from regard.operations.common.registry import Answer, answered, operation
from regard.operations.common.rendering import face_detail, wanted_attributes
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import require_standing, work
from regard.operations.gallery.kept import kept_face
from regard.operations.gallery.search import DEFAULT_THRESHOLD, MOST_FACES
from regard.operations.videos.frames import VIDEO, fetched, metadata, part, stepwise
from regard.operations.videos.starting import desk_of, started
from regard.operations.videos.telling import Element, job_of, told
from regard.stewardship.policy.call import Call, Caller, Capability, DataClass
from regard.vision.faces.faces import Face
from regard.vision.pictures.findings import Box
from regard.vision.video.film import Frame
from regard.vision.video.tracks import Tracks

START = "StartFaceSearch"
# Beside an element, until it is told: whom it is like, as cosine, FaceId, and whether it was held for review.
LIKES = "likes"
_DEFAULT = wanted_attributes(None)
# In the part of a subject: which element of the step, how like, which FaceId, and whether it was held for review.
Row = tuple[int, float, str, bool]


def _collection_of_job(call: Call, rooms: Rooms) -> str | None:
    """The collection that a job searches. Of a job that is not there nothing is told, which the operation says."""
    if rooms.jobs is None:
        return None
    try:
        job = rooms.jobs.get(call.caller.organization, START, str(call.parameters.get("JobId")))
    except (NoSuchJob, JobChanged):
        return None
    return str(job.given["CollectionId"])


@operation(
    START,
    Capability.IDENTIFY,
    DataClass.TEMPLATES,
    blind="It begins a search and tells of nobody: GetFaceSearch does.",
)
def start_face_search(call: Call, rooms: Rooms) -> Answer:
    """Begin to look for the people of a collection in a film."""
    with rooms.gallery.reading() as connection:
        where = call.caller.organization, call.parameters["CollectionId"]
        face_model = rooms.gallery.collections.find(connection, *where).face_model
    at_least = least_score(call, face_model, call.parameters.get("FaceMatchThreshold", DEFAULT_THRESHOLD))
    return started(call, rooms, {"face_model": face_model, "at_least": at_least, "floor": call.floor})


@work(START)
def face_search(task: Task, rooms: Rooms) -> Outcome:
    """The faces of each frame, numbered within their shot, and whom of the collection they are like.

    Where two people are to confirm a match, it is held for them here: after the job there is no picture to show.
    """
    searching = Searching(task, rooms)
    with fetched(task, rooms) as path, rooms.films.sampled(path) as film:
        interval = rooms.films.interval
        frames = stepwise(task, film, interval, searching.frames, searching.passed)
    counts = {"frames": frames, "found": searching.faces, "matched": searching.matched}
    return Outcome({VIDEO: metadata(film)}, counts, tuple(searching.people()))


@operation(
    "GetFaceSearch",
    Capability.IDENTIFY,
    DataClass.TEMPLATES,
    collection=_collection_of_job,
    lacks="An Index numbers a face inside one shot: whoever is seen again after a cut has another one.",
)
def get_face_search(call: Call, rooms: Rooms) -> Answer:
    """Who is seen in a film, by time or by Index."""
    job = job_of(call, rooms, START)
    by_index = call.parameters.get("SortBy") == "INDEX"
    answer = told(call, rooms, job, "Persons", _by_index if by_index else None, persons)
    tell_likes(call, rooms, job, answer["Persons"])
    call.account["counts"] = {"found": len(answer["Persons"])}
    return answer


class Searching:
    """The work on the frames of one job. What an earlier worker found is read before the first new frame."""

    def __init__(self, task: Task, rooms: Rooms, most: int = MOST_FACES) -> None:
        """`most` is whom one face is said to be like at most."""
        self._task = task
        self._most = most
        self._rooms = rooms
        self._call = _call_of(task.job)
        self._tracks: Tracks | None = None
        self._before: Frame | None = None
        # Whether a number that is like somebody waits for review.
        self._held: dict[tuple[int, str], bool] = {}
        self.faces = self.matched = 0
        for _, whose, data in task.found():
            self.faces += 0 if whose else len(msgspec.json.decode(data))
            self.matched += len(msgspec.json.decode(data)) if whose else 0

    def passed(self, frame: Frame) -> None:
        """Told of the last frame of a step that was done before."""
        self._before = frame

    def frames(self, some: Sequence[Frame]) -> tuple[Part, ...]:
        """What some frames show: the persons, and of each subject a part of its own."""
        require_standing(self._task, self._rooms)
        if self._tracks is None:
            self._tracks = self._numbering()
        elements: list[Element] = []
        by_subject: dict[str, list[Row]] = {}
        every = self._rooms.faces.detect_each([frame.picture for frame in some])
        for frame, faces in zip(some, every, strict=True):
            numbers = self._tracks.numbered(frame.picture, [face.box for face in faces])
            for face, number, likes in zip(faces, numbers, self._likes(frame, faces), strict=True):
                self._hold(frame, face, number, likes)
                for like in likes:
                    row = len(elements), float(like.score), like.found.face_id, self._held[number, like.whose]
                    by_subject.setdefault(like.whose, []).append(row)
                elements.append(self._element(frame, face, number))
        self.faces += len(elements)
        self.matched += sum(map(len, by_subject.values()))
        # No element of the answer is in the parts of subjects: they are read with the element that they belong to.
        subjects = (Part(msgspec.json.encode(rows), 0, whose) for whose, rows in sorted(by_subject.items()))
        return part(elements), *subjects

    def people(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Who was told of, once each, with the details that are sealed."""
        collection, seen = self._task.job.given["CollectionId"], set[str]()
        for whose, details in self._call.people:
            if whose not in seen:
                seen.add(whose)
                job = self._task.job
                told = {"operation": job.operation, "request_id": job.id, "collection": collection}
                yield f"{collection}/{whose}", told | {"purpose": job.purpose} | details

    def _numbering(self) -> Tracks:
        """The numbering, as it stood at the end of the last step that was done before."""
        if self._before is None:
            return Tracks()
        earlier = [each for _, whose, data in self._task.found() if not whose for each in msgspec.json.decode(data)]
        last = [each["Person"] for each in earlier if each["Timestamp"] == self._before.milliseconds]
        first = 1 + max((each["Person"]["Index"] for each in earlier), default=-1)
        return Tracks(self._before.picture, [(each["Index"], _box(each["BoundingBox"])) for each in last], first)

    def _likes(self, frame: Frame, faces: Sequence[Face]) -> list[list[Like[KeptFace]]]:
        """Whom each face is like, the most alike first. One whose upright is doubtful is like nobody."""
        job, likes = self._task.job, [list[Like[KeptFace]]() for _ in faces]
        sure = [at for at, face in enumerate(faces) if not face.doubtful]
        if not sure:
            return likes
        face_model, at_least = job.beside["face_model"], job.beside["at_least"]
        embeddings = self._rooms.faces.embed(frame.picture, [faces[at] for at in sure], face_model)
        for at, embedding in zip(sure, embeddings, strict=True):
            probe = Probe(embedding=embedding, face_model=face_model)
            found, _ = self._rooms.gallery.search.faces(
                job.organization, job.given["CollectionId"], probe, self._most, at_least
            )
            likes[at] = [like_face(near, kept, kept) for near, kept in found]
        return likes

    def _hold(self, frame: Frame, face: Face, number: int, likes: Sequence[Like[KeptFace]]) -> None:
        """Hold a match for review, and tell who may be told of, the first time that a number is like somebody."""
        new = [like for like in likes if (number, like.whose) not in self._held]
        if new:
            beside = self._task.job.beside
            compared = Compared(_probe(self._task.job, number), frame.picture, face, alone=True)
            told = told_of_likes(self._call, self._rooms, beside["face_model"], compared, new, beside["at_least"])
            known = {each.found.subject for each in told}
            self._held |= {(number, like.whose): like.whose not in known for like in new}

    def _element(self, frame: Frame, face: Face, number: int) -> Element:
        detail = face_detail(face, self._rooms.faces.describe(frame.picture, face, _DEFAULT))
        person = {"Index": number, "BoundingBox": detail["BoundingBox"], "Face": detail}
        return {"Timestamp": frame.milliseconds, "Person": person}


def persons(rooms: Rooms, job: Job) -> list[Element]:
    """All elements of a job, each with whom it is like, of those who were not erased."""
    elements: list[Element] = []
    start = 0
    for _, whose, data in desk_of(rooms).found(job):
        if not whose:
            start = len(elements)
            elements += msgspec.json.decode(data)
            continue
        for at, near, face_id, held in msgspec.json.decode(data, type=list[Row]):
            elements[start + at].setdefault(LIKES, []).append((near, face_id, held))
    return elements


def tell_likes(call: Call, rooms: Rooms, job: Job, elements: list[Element]) -> None:
    """Put FaceMatches in the place of likes, of those who may be told of now; without any there is no such member."""
    rows = [(each, each.pop(LIKES)) for each in elements if LIKES in each]
    with rooms.gallery.reading() as connection:
        collection = rooms.gallery.collections.find(connection, job.organization, job.given["CollectionId"])
        ids = {face_id for _, likes in rows for _, face_id, _ in likes}
        kept = rooms.gallery.faces.with_ids(connection, collection, ids)
    by_number: dict[int, list[Like[tuple[Element, KeptFace]]]] = {}
    for element, likes in rows:
        found = [
            replace(like_face(near, kept[face_id], (element, kept[face_id])), held=held)
            for near, face_id, held in sorted(likes, reverse=True)
            if face_id in kept
        ]
        by_number.setdefault(element["Person"]["Index"], []).extend(found)
    for number, found in by_number.items():
        compared = Compared(_probe(job, number), alone=True, open=False)
        for each in told_of_likes(call, rooms, job.beside["face_model"], compared, found, job.beside["at_least"]):
            element, face = each.found
            match = {"Similarity": each.similarity, "Face": kept_face(face)}
            element.setdefault("FaceMatches", []).append(match)
    # A person is told once of a call, however often they are seen.
    call.people = list({(whose, details.get("probe")): (whose, details) for whose, details in call.people}.values())


def _call_of(job: Job) -> Call:
    """A call as whoever started the job made it: what the work compares is told by the same rules."""
    caller = Caller(job.access_key, job.organization, job.purpose)
    return Call(caller, answered()[job.operation], dict(job.given), "", job.id, floor=job.beside["floor"])


def _probe(job: Job, number: int) -> bytes:
    """What the face of this number was compared with, the same bytes each time."""
    return f"{job.id}/{number}".encode()


def _box(told: dict[str, float]) -> Box:
    return Box(told["Left"], told["Top"], told["Width"], told["Height"])


def _by_index(elements: list[Element]) -> list[Element]:
    return sorted(elements, key=lambda each: (each["Person"]["Index"], each["Timestamp"]))
