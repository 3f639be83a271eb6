"""Start and Get operations of stored video: as code written for AWS calls them, waits, and pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from regard.jobs.desk import DAY, KEPT_SECONDS, MOST_OPEN
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import function_of
from regard.operations.common.rooms import Rooms
from regard.operations.videos.arranging import segments
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader
from tests.helpers.fakes import Client, Clock, as_botocore_reads_it, open_rooms
from tests.helpers.films import film_of, numbered, spoiled
from tests.helpers.working import with_jobs, work_off
from tests.operations.videos.test_looking import Eyes

SEGMENTS = {"SegmentTypes": ["SHOT", "TECHNICAL_CUE"]}
# What starts, with what it needs; what gets; and the list that is filled.
PAIRS = {
    "StartLabelDetection": ({}, "GetLabelDetection", "Labels"),
    "StartFaceDetection": ({}, "GetFaceDetection", "Faces"),
    "StartTextDetection": ({}, "GetTextDetection", "TextDetections"),
    "StartContentModeration": ({}, "GetContentModeration", "ModerationLabels"),
    "StartSegmentDetection": (SEGMENTS, "GetSegmentDetection", "Segments"),
}
LABELS, GET_LABELS = "StartLabelDetection", "GetLabelDetection"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def eyes() -> Eyes:
    return Eyes()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock, eyes: Eyes) -> Rooms:
    film_of(tmp_path / "film.mp4", numbered(50, (48, 64)))
    rooms = with_jobs(open_rooms(tmp_path, clock), tmp_path, clock)
    return replace(
        rooms,
        faces=cast(Any, eyes),
        labels=cast(LabelFinder, eyes.labels),
        moderator=cast(Moderator, eyes.moderator),
        text=cast(TextReader, eyes.text),
    )


@pytest.fixture
def client(rooms: Rooms) -> Client:
    return Client(rooms)


def video(name: str = "film.mp4") -> dict[str, Any]:
    return {"S3Object": {"Bucket": "films", "Name": name}}


def begun(client: Client, start: str = LABELS, name: str = "film.mp4", **given: Any) -> str:
    return str(client(start, Video=video(name), **(PAIRS[start][0] | given))["JobId"])


@pytest.mark.parametrize("start", PAIRS)
def test_a_job_is_in_progress_until_a_worker_did_it(client: Client, rooms: Rooms, start: str) -> None:
    _, get, member = PAIRS[start]
    job = begun(client, start, JobTag="one")
    assert len(job) == 64
    before = client(get, JobId=job)
    assert before["JobStatus"] == "IN_PROGRESS"
    assert before[member] == []
    assert not before.get("VideoMetadata")
    assert work_off(rooms) == 1
    # AWS's samples begin with an empty token.
    after = client(get, JobId=job, NextToken="")
    assert after["JobStatus"] == "SUCCEEDED"
    assert (after["JobTag"], after["JobId"], after["Video"]) == ("one", job, video())
    told = after["VideoMetadata"]
    assert (told[0] if isinstance(told, list) else told)["DurationMillis"] == 2000
    assert after[member]


@pytest.mark.parametrize("start", PAIRS)
def test_what_is_found_is_what_our_own_operations_find(
    client: Client, rooms: Rooms, start: str, tmp_path: Path
) -> None:
    ours = {
        "StartLabelDetection": "VideoLabels",
        "StartFaceDetection": "VideoFaces",
        "StartTextDetection": "VideoText",
        "StartContentModeration": "VideoModeration",
        "StartSegmentDetection": "VideoSegments",
    }[start]
    given, get, member = PAIRS[start]
    job = begun(client, start)
    work_off(rooms)
    at_once = _asked(client, ours, Video=tmp_path / "film.mp4", **given)
    assert client(get, JobId=job)[member] == at_once(get)[member]


def _asked(client: Client, ours: str, **given: Any) -> Callable[[str], dict[str, Any]]:
    answer = function_of(ours)(client.call(ours, **given), client.rooms)
    return lambda name: as_botocore_reads_it(name, answer)


@pytest.mark.parametrize("start", PAIRS)
@pytest.mark.parametrize("cut", [0, 100, 2000])
def test_a_film_that_is_not_whole_fails_and_is_never_an_empty_success(
    client: Client, rooms: Rooms, start: str, cut: int, tmp_path: Path
) -> None:
    whole = (tmp_path / "film.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) - cut] if cut else b"")
    _, get, member = PAIRS[start]
    job = begun(client, start, "cut.mp4")
    work_off(rooms)
    answer = client(get, JobId=job)
    assert answer["JobStatus"] == "FAILED"
    assert answer["StatusMessage"].startswith("Unsupported codec/format. ")
    assert answer[member] == []
    assert not answer.get("VideoMetadata")


def test_pages_come_one_after_the_other_and_belong_to_their_order(client: Client, rooms: Rooms) -> None:
    job = begun(client, MinConfidence=10)
    work_off(rooms)
    whole = client(GET_LABELS, JobId=job)["Labels"]
    assert len(whole) == 12
    for order in ({}, {"SortBy": "NAME"}, {"AggregateBy": "SEGMENTS"}):
        paged: list[Any] = []
        token = ""
        while True:
            answer = client(GET_LABELS, JobId=job, MaxResults=5, NextToken=token, **order)
            assert len(answer["Labels"]) <= 5
            paged += answer["Labels"]
            if "NextToken" not in answer:
                break
            token = answer["NextToken"]
            assert len(token) <= 255
        assert paged == client(GET_LABELS, JobId=job, **order)["Labels"]
    first = client(GET_LABELS, JobId=job, MaxResults=5)["NextToken"]
    other = begun(client)
    work_off(rooms)
    for wrong in ({"JobId": job, "SortBy": "NAME"}, {"JobId": other}):
        code, _ = client.refusal(GET_LABELS, NextToken=first, **wrong)
        assert code == "InvalidPaginationTokenException"
    assert len(client(GET_LABELS, JobId=job, MaxResults=100_000)["Labels"]) == 12


def test_labels_are_sorted_by_name_and_then_by_confidence(client: Client, rooms: Rooms) -> None:
    job = begun(client, MinConfidence=10)
    work_off(rooms)
    answer = client(GET_LABELS, JobId=job, SortBy="NAME")
    assert answer["GetRequestMetadata"] == {"SortBy": "NAME", "AggregateBy": "TIMESTAMPS"}
    assert [each["Label"]["Name"] for each in answer["Labels"]] == ["Boat"] * 4 + ["Dog"] * 4 + ["Pet"] * 4


def test_stretches_have_a_beginning_an_end_and_no_instances(client: Client, rooms: Rooms) -> None:
    job = begun(client)
    work_off(rooms)
    dog, pet = client(GET_LABELS, JobId=job, AggregateBy="SEGMENTS")["Labels"]
    assert (dog["Label"]["Name"], pet["Label"]["Name"]) == ("Dog", "Pet")
    assert (dog["StartTimestampMillis"], dog["EndTimestampMillis"], dog["DurationMillis"]) == (0, 1480, 1480)
    assert dog["Timestamp"] == 0
    assert "Instances" not in dog["Label"]


def test_the_same_token_is_the_same_job_and_other_input_is_refused(client: Client, rooms: Rooms, clock: Clock) -> None:
    job = begun(client, ClientRequestToken="t", JobTag="a")
    assert begun(client, ClientRequestToken="t", JobTag="a") == job
    work_off(rooms)
    assert begun(client, ClientRequestToken="t", JobTag="a") == job
    assert work_off(rooms) == 0
    with_another = {"Video": video(), "ClientRequestToken": "t", "JobTag": "b"}
    code, _ = client.refusal(LABELS, **with_another)
    assert code == "IdempotentParameterMismatchException"
    # A token is one of its operation, and of its organization.
    assert begun(client, "StartFaceDetection", ClientRequestToken="t") != job
    clock.now += KEPT_SECONDS + 1
    assert begun(client, ClientRequestToken="t", JobTag="b") != job


def test_twenty_jobs_may_be_open(client: Client, rooms: Rooms) -> None:
    jobs = [begun(client) for _ in range(MOST_OPEN)]
    assert len(set(jobs)) == MOST_OPEN
    code, text = client.refusal(LABELS, Video=video())
    assert code == "LimitExceededException"
    assert text.startswith("21  open Jobs for User ")
    assert text.endswith(". Maximum limit: 20")
    assert rooms.jobs is not None
    assert rooms.jobs.cancel(jobs[0])
    begun(client)
    assert client(GET_LABELS, JobId=jobs[0])["StatusMessage"] == "Cancelled by the operator."


def test_an_object_is_looked_at_before_the_job_begins(client: Client, rooms: Rooms, tmp_path: Path) -> None:
    assert client.refusal(LABELS, Video=video("gone.mp4"))[0] == "InvalidS3ObjectException"
    small = replace(rooms.films, limits=replace(rooms.films.limits, size=100))
    code, text = Client(replace(rooms, films=small)).refusal(LABELS, Video=video())
    assert (code, "too large" in text) == ("VideoTooLargeException", True)
    assert client.refusal(LABELS, Video={})[0] == "InvalidParameterException"


def test_a_job_of_another_pair_or_organization_is_not_found(client: Client, rooms: Rooms) -> None:
    job = begun(client)
    assert client.refusal("GetFaceDetection", JobId=job)[0] == "ResourceNotFoundException"
    assert Client(rooms, "999988887777").refusal(GET_LABELS, JobId=job)[0] == "ResourceNotFoundException"
    assert client.refusal(GET_LABELS, JobId="0" * 64)[0] == "ResourceNotFoundException"


def test_results_can_be_read_for_seven_days_and_are_gone_then(client: Client, rooms: Rooms, clock: Clock) -> None:
    assert rooms.jobs is not None
    job = begun(client)
    work_off(rooms)
    clock.now += 7 * DAY - 1
    assert client(GET_LABELS, JobId=job)["Labels"]
    clock.now += 2
    assert client.refusal(GET_LABELS, JobId=job)[0] == "ResourceNotFoundException"
    assert rooms.jobs.expire() == 1
    assert rooms.gallery.house_key(f"job/{job}") is None
    assert rooms.jobs.all() == []


def test_filters_that_are_none_are_refused_at_the_start(client: Client) -> None:
    region: dict[str, Any] = {"RegionsOfInterest": [{}]}
    assert client.refusal("StartTextDetection", Video=video(), Filters=region)[0] == "InvalidParameterException"


def test_emotions_are_worked_out_only_where_the_policy_allows_them(client: Client, rooms: Rooms, eyes: Eyes) -> None:
    for withheld, worked_out in (((), True), (("Emotions",), False)):
        call = client.call("StartFaceDetection", Video=video(), FaceAttributes="ALL")
        call.withheld = withheld
        job = function_of("StartFaceDetection")(call, rooms)["JobId"]
        work_off(rooms)
        assert ("EMOTIONS" in eyes.wanted) is worked_out
        face = client("GetFaceDetection", JobId=job)["Faces"][0]["Face"]
        assert ("Emotions" in face) is not worked_out


def test_labels_that_hang_on_faces_are_told_to_nobody_who_may_not_hear_of_faces_any_more(
    client: Client, rooms: Rooms
) -> None:
    job = begun(client)
    work_off(rooms)
    call = client.call(GET_LABELS, JobId=job)
    call.withheld = ("Faces",)
    with pytest.raises(ApiError, match="start the job again") as refusal:
        function_of(GET_LABELS)(call, rooms)
    assert refusal.value.code == "AccessDeniedException"


def test_a_damaged_packet_is_tolerated(client: Client, rooms: Rooms, tmp_path: Path) -> None:
    (tmp_path / "spoilt.mp4").write_bytes(spoiled((tmp_path / "film.mp4").read_bytes(), [30]))
    job = begun(client, name="spoilt.mp4")
    work_off(rooms)
    assert client(GET_LABELS, JobId=job)["JobStatus"] == "SUCCEEDED"


def test_a_film_that_was_changed_since_is_not_looked_at(client: Client, rooms: Rooms, tmp_path: Path) -> None:
    job = begun(client)
    film_of(tmp_path / "film.mp4", numbered(30, (48, 64)))
    work_off(rooms)
    answer = client(GET_LABELS, JobId=job)
    assert (answer["JobStatus"], "was changed since" in answer["StatusMessage"]) == ("FAILED", True)


@pytest.mark.parametrize("rate", [5, 25, Fraction(30_000, 1001)])
def test_a_frame_without_the_label_ends_a_stretch_at_any_rate(rate: Fraction) -> None:
    times = [int(1000 * int(number * rate / 2) / rate) for number in range(12)]
    label = {"Name": "Dog", "Confidence": 90.0}
    for lacking in range(1, 11):
        seen = [{"Timestamp": at, "Label": dict(label)} for number, at in enumerate(times) if number != lacking]
        first, second = segments("Label", seen, 500)
        assert (first["EndTimestampMillis"], second["StartTimestampMillis"]) == (times[lacking - 1], times[lacking + 1])
    assert len(segments("Label", [{"Timestamp": at, "Label": dict(label)} for at in times], 500)) == 1
