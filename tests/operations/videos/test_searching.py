"""StartFaceSearch and GetFaceSearch: what may be told of people in a film is what may be told of people in pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, cast
from unittest.mock import patch
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PIL import Image

from regard.jobs.desk import DAY, Desk
from regard.jobs.scratch import Scratch
from regard.jobs.working import queue_again
from regard.operations.common.errors import ApiError
from regard.operations.common.pictures import PictureReader
from regard.operations.common.rooms import Rooms
from regard.operations.service import Service
from regard.operations.videos import frames, searching
from regard.sealing import master_key
from regard.stewardship.logbook.ends import record_end
from regard.stewardship.people.reviewers import Reviewer
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Frame, Limits
from regard.vision.video.messages import About, Ended
from tests.helpers.fakes import Clock, as_botocore_reads_it, picture_of
from tests.helpers.films import LIMITS
from tests.helpers.peopled import House
from tests.helpers.working import Shelf, work_off

VIDEO = {"S3Object": {"Bucket": "films", "Name": "film"}}
START, GET = "StartFaceSearch", "GetFaceSearch"
ALICE, BOB, CAROL = 1, 2, 3
# A frame each half second: Alice with a stranger, Alice, after a cut Alice again, and nobody.
SHOTS: list[Sequence[int]] = [(ALICE, 9), (ALICE,), (), (ALICE, BOB), ()]


@dataclass
class Reel:
    """One film that is a list of pictures, one each half second: no codec comes between."""

    film: Path
    interval: int = 500
    limits: Limits = LIMITS

    def sampled(self, _fetched: object) -> Reeled:
        with np.load(self.film) as kept:
            return Reeled([kept[name] for name in sorted(kept.files)])


class Reeled:
    """That film, as it is looked at."""

    def __init__(self, pictures: list[Any]) -> None:
        self._pictures = pictures
        self.about = About("made", "none", 2.0, 500 * len(pictures), 64, 64, False)
        self.ended = Ended(len(pictures), 500 * len(pictures), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        for number, pixels in enumerate(self._pictures):
            yield Frame(number, 500 * number, Picture(pixels, "PNG"))


def reel(path: Path, shots: list[Sequence[int]]) -> None:
    """Write a film whose frames show these persons."""
    pictures = [np.asarray(Image.open(io.BytesIO(picture_of(*persons)))) for persons in shots]
    named: dict[str, Any] = {f"{number:06}": each for number, each in enumerate(pictures)}
    with path.open("wb") as file:
        np.savez(file, **named)


class Cinema(House):
    """A house that searches films, under a purpose with rights at stake or without."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.desk = Desk(self.engine, self.gallery, master_key(folder / "master.key"), clock)
        self.desk.at_end.append(lambda connection, job, outcome: record_end(self.logbook, connection, job, outcome))
        self.rooms: Rooms = replace(
            self.service.rooms,
            jobs=self.desk,
            films=cast(Any, Reel(folder / "film")),
            scratch=Scratch(folder, 1 << 30),
            pictures=PictureReader(cast(Any, Shelf(folder))),
        )
        self.service = Service(self.service.gate, self.rooms)
        self.own = self.caller

    def as_of(self, purpose: str) -> None:
        self.caller = self.organizations.issue_key(self.organization, purpose).caller

    def start(self, **given: Any) -> str:
        return str(self.ask(START, Video=VIDEO, CollectionId="staff", **given)[0]["JobId"])

    def get(self, job: str, **given: Any) -> dict[str, Any]:
        answer, _ = self.ask(GET, JobId=job, **given)
        return as_botocore_reads_it(GET, answer)

    def matches(self, job: str) -> list[tuple[int, str]]:
        """When who was seen, by ExternalImageId."""
        return [
            (each["Timestamp"], match["Face"].get("ExternalImageId", ""))
            for each in self.get(job)["Persons"]
            for match in each.get("FaceMatches", [])
        ]

    def told(self, name: str) -> list[dict[str, Any]]:
        self.logbook.take_over()
        found = self.logbook.payloads.about(self.organization, f"external/{name}").values()
        return [each for each in found if "similarity" in each]

    def confirm(self, same: bool = True) -> int:
        """Two people decide on all that waits; how many that is."""
        reviewers = [self._reviewer(name) for name in ("ada", "ben")]
        waiting = self.reviews.pending(reviewers[0])
        for candidate in waiting:
            assert self.reviews.picture(reviewers[0], candidate.id).startswith(b"\xff\xd8")
        for reviewer in reviewers:
            for candidate in self.reviews.pending(reviewer):
                self.reviews.decide(reviewer, candidate.id, same=same)
        return len(waiting)

    def _reviewer(self, name: str) -> Reviewer:
        unique = f"{name}-{uuid4().hex[:6]}"
        secret = self.reviews.reviewers.appoint(self.organization, unique, ())
        return self.reviews.reviewers.log_in(self.organization, unique, secret)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cinema(tmp_path: Path, clock: Clock) -> Iterator[Cinema]:
    cinema = Cinema(tmp_path / "data", clock)
    cinema.collection("staff")
    for number, name in ((ALICE, "alice"), (BOB, "bob")):
        cinema.index("staff", number, name=name)
    reel(cinema.folder / "film", SHOTS)
    yield cinema
    cinema.close()


def test_everybody_is_listed_and_whom_nobody_knows_has_no_matches(cinema: Cinema) -> None:
    job = cinema.start(JobTag="tag")
    before = cinema.get(job)
    assert (before["JobStatus"], before["Persons"]) == ("IN_PROGRESS", [])
    work_off(cinema.rooms)
    answer = cinema.get(job, NextToken="")
    assert (answer["JobStatus"], answer["JobTag"]) == ("SUCCEEDED", "tag")
    assert answer["VideoMetadata"]["DurationMillis"] == 2500
    persons = [(each["Timestamp"], each["Person"]["Index"], "FaceMatches" in each) for each in answer["Persons"]]
    # After a frame without her she is somebody new.
    assert persons == [(0, 0, True), (0, 1, False), (500, 0, True), (1500, 2, True), (1500, 3, True)]
    match = answer["Persons"][0]["FaceMatches"][0]
    assert match["Similarity"] > 99
    assert match["Face"]["ExternalImageId"] == "alice"
    assert set(answer["Persons"][0]["Person"]["Face"]) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def test_persons_are_sorted_by_index_where_asked_and_paged_as_they_are_sorted(cinema: Cinema) -> None:
    reel(cinema.folder / "film", [(ALICE, BOB), (ALICE, BOB), (ALICE, BOB)])
    job = cinema.start()
    work_off(cinema.rooms)
    whole = cinema.get(job, SortBy="INDEX")["Persons"]
    assert [each["Person"]["Index"] for each in whole] == [0, 0, 0, 1, 1, 1]
    paged, token = [], ""
    while True:
        answer = cinema.get(job, SortBy="INDEX", MaxResults=4, NextToken=token)
        paged += answer["Persons"]
        token = answer.get("NextToken", "")
        if not token:
            break
    assert paged == whole


def test_nobody_is_told_of_but_by_the_one_function(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    job = cinema.start()
    work_off(cinema.rooms)
    assert cinema.matches(job)
    monkeypatch.setattr(searching, "told_of_likes", lambda *_: [])
    assert len(cinema.get(job)["Persons"]) == 5
    assert cinema.matches(job) == []


def test_who_matches_nobody_leaves_no_template_and_is_named_in_no_row(cinema: Cinema) -> None:
    reel(cinema.folder / "film", [(CAROL, 9)] * 3)
    keys = cinema.keys()
    job = cinema.start()
    work_off(cinema.rooms)
    assert len(cinema.get(job)["Persons"]) == 6
    assert cinema.keys() == keys
    assert [whose for _, whose, _ in cinema.desk.found(cinema.desk.find(job))] == [""]


def test_a_job_that_was_killed_goes_on_numbering_and_finds_the_same(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "FRAMES", 2)
    reel(cinema.folder / "film", [(ALICE, BOB), (ALICE, BOB), (ALICE, BOB), (BOB,), (BOB,), (ALICE,)])
    whole = cinema.start()
    work_off(cinema.rooms)
    for done in (1, 2):
        job = cinema.start(JobTag=str(done))
        steps = 0

        def once(step: Any, done: int = done) -> int:
            nonlocal steps
            if steps == done:
                raise KeyboardInterrupt
            steps += 1
            return int(step())

        with pytest.raises(KeyboardInterrupt):
            work_off(cinema.rooms, once)
        assert queue_again(cinema.desk, job, 1)
        assert work_off(cinema.rooms) == 1
        assert cinema.get(job)["Persons"] == cinema.get(whole)["Persons"]


def test_where_rights_are_at_stake_nobody_is_named_before_two_people_confirmed_it(cinema: Cinema, clock: Clock) -> None:
    cinema.as_of("access-control")
    cinema.collection("doors", "attested")
    cinema.index("doors", ALICE, name="alice")
    reel(cinema.folder / "film", [(ALICE,), (ALICE,), (9,)])
    job = str(cinema.ask(START, Video=VIDEO, CollectionId="doors")[0]["JobId"])
    work_off(cinema.rooms)
    answer, remarks = cinema.ask(GET, JobId=job)
    assert len(answer["Persons"]) == 3
    assert not any("FaceMatches" in each for each in answer["Persons"])
    assert remarks["x-regard-review"] == "1 pending; two reviewers confirm within 48 hours"
    assert cinema.told("alice") == []
    assert cinema.confirm() == 1
    assert cinema.matches(job) == [(0, "alice"), (500, "alice")]
    assert [each["operation"] for each in cinema.told("alice")] == [GET]


def test_what_nobody_confirmed_in_time_is_not_held_again_without_a_picture(cinema: Cinema, clock: Clock) -> None:
    cinema.as_of("access-control")
    cinema.collection("doors", "attested")
    cinema.index("doors", ALICE, name="alice")
    job = str(cinema.ask(START, Video=VIDEO, CollectionId="doors")[0]["JobId"])
    work_off(cinema.rooms)
    clock.now += 49 * 3600
    assert cinema.matches(job) == []
    assert cinema.confirm() == 0


def test_whom_somebody_like_this_was_told_apart_from_waits_whenever_it_is_asked(
    cinema: Cinema, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cinema.start()
    with monkeypatch.context() as patched:
        patched.setattr(cinema.reviews.mismatches, "are_any", lambda *_: True)
        patched.setattr(cinema.reviews.mismatches, "doubted", lambda *_: {"external/alice"})
        work_off(cinema.rooms)
    # Later there is no picture any more to know it by.
    assert cinema.matches(job) == [(1500, "bob")]
    assert cinema.confirm() == 2
    assert [name for _, name in cinema.matches(job)] == ["alice", "alice", "alice", "bob"]
    clock.now += 49 * 3600
    another = cinema.start()
    with monkeypatch.context() as patched:
        patched.setattr(cinema.reviews.mismatches, "are_any", lambda *_: True)
        patched.setattr(cinema.reviews.mismatches, "doubted", lambda *_: {"external/alice"})
        work_off(cinema.rooms)
    clock.now += 49 * 3600
    assert cinema.matches(another) == [(1500, "bob")]


def test_who_is_found_is_told_of_the_job_and_of_each_look(cinema: Cinema) -> None:
    job = cinema.start()
    work_off(cinema.rooms)
    assert [each["operation"] for each in cinema.told("alice")] == [START]
    cinema.get(job)
    # Two of her numbers are like her: each is a probe that she may call false.
    assert [each["operation"] for each in cinema.told("alice")] == [START, GET, GET]
    assert cinema.told("carol") == []


def test_what_she_calls_false_comes_no_more(cinema: Cinema) -> None:
    job = cinema.start()
    work_off(cinema.rooms)
    before = cinema.matches(job)
    told = cinema.told("bob")[0]
    cinema.reviews.false_match(cinema.organization, "external/bob", told["request_id"])
    assert [each for each in before if each[1] != "bob"] == cinema.matches(job)


def test_a_collection_that_is_gone_or_sealed_tells_nothing_of_earlier_jobs(cinema: Cinema) -> None:
    job = cinema.start()
    work_off(cinema.rooms)
    cinema.ask("DeleteCollection", CollectionId="staff")
    with pytest.raises(ApiError) as refused:
        cinema.get(job)
    assert refused.value.code == "ResourceNotFoundException"


def test_the_gate_decides_at_each_get(cinema: Cinema) -> None:
    job = cinema.start()
    work_off(cinema.rooms)
    assert cinema.matches(job)
    stranger = cinema.organizations.register("Somebody", "law-enforcement")
    cinema.caller = replace(cinema.caller, organization=stranger.id)
    with pytest.raises(ApiError) as refused:
        cinema.get(job)
    assert refused.value.code == "AccessDeniedException"


def test_a_threshold_below_the_floor_is_refused_at_the_start(cinema: Cinema) -> None:
    cinema.as_of("access-control")
    cinema.collection("doors", "attested")
    with pytest.raises(ApiError) as refused:
        cinema.ask(START, Video=VIDEO, CollectionId="doors", FaceMatchThreshold=10)
    assert refused.value.code == "AccessDeniedException"


class ErasedMeanwhile(RuleBasedStateMachine):
    """People come, consent, withdraw, are erased and come back, before, while and after jobs look for them."""

    @initialize()
    def open(self) -> None:
        self._folder = TemporaryDirectory()
        self.cinema = Cinema(Path(self._folder.name) / "data", Clock())
        self.cinema.collection("staff", "consent")
        reel(self.cinema.folder / "film", SHOTS)
        self.jobs: list[str] = []
        self.consents: dict[str, str] = {}

    @rule(name=st.sampled_from(["alice", "bob"]))
    def consent_and_enrol(self, name: str) -> None:
        if name not in self.consents:
            # Who was erased consents on a later day.
            self.cinema.clock.now += DAY
            self.consents[name] = self.cinema.consent(name, "staff")
            self.cinema.index("staff", {"alice": ALICE, "bob": BOB}[name], name=name, mark=len(self.jobs))

    @rule()
    def start(self) -> None:
        if len(self.jobs) < 4:
            self.jobs.append(self.cinema.start())

    @precondition(lambda self: self.consents)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.consents)))
        consent = self.consents.pop(name)
        if data.draw(st.booleans(), "erased"):
            self.cinema.erase(name)
        else:
            self.cinema.consents.withdraw(self.cinema.organization, consent)

    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        def once(step: Any) -> int:
            done = int(step())
            leaves = data.draw(st.booleans(), "somebody leaves behind the step")
            if leaves and self.consents:
                self.leave(data)
            return done

        with patch.object(frames, "FRAMES", 2):
            work_off(self.cinema.rooms, once)

    @invariant()
    def nobody_is_shown_whom_no_receipt_covers(self) -> None:
        for job in getattr(self, "jobs", []):
            shown = {name for _, name in self.cinema.matches(job)}
            assert shown <= self.consents.keys()

    def teardown(self) -> None:
        if hasattr(self, "cinema"):
            self.cinema.close()
            self._folder.cleanup()


TestErasedMeanwhile = ErasedMeanwhile.TestCase
TestErasedMeanwhile.settings = settings(max_examples=6, stateful_step_count=8, deadline=None)
