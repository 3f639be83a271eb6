"""Media analysis jobs: manifests from a bucket, results into it, by a real S3 server."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from regard.jobs.working import waiting
from regard.operations.bulk import looking
from regard.operations.common.pictures import PictureReader
from regard.operations.common.rooms import Rooms
from regard.settings import Settings
from regard.stores.buckets import Buckets
from tests.helpers.fakes import ORGANIZATION, Client, Clock, FakeModerator, open_rooms, picture_of
from tests.helpers.stores import KEY_ID, SECRET, store, store_client
from tests.helpers.working import with_jobs, work_off, worker

MANIFEST = {"S3Object": {"Bucket": "pictures", "Name": "list.jsonl"}}
OUTPUT = {"S3Bucket": "results", "S3KeyPrefix": "moderation"}
MODERATION: dict[str, Any] = {"DetectModerationLabels": {"MinConfidence": 60}}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with store() as address:
        client = store_client(address)
        for bucket in ("pictures", "results"):
            client.create_bucket(Bucket=bucket)
        for number in range(3):
            client.put_object(Bucket="pictures", Key=f"{number}.png", Body=picture_of(number))
        client.put_object(Bucket="pictures", Key="none.png", Body=b"no picture")
        small = io.BytesIO()
        Image.new("RGB", (20, 20)).save(small, "PNG")
        client.put_object(Bucket="pictures", Key="small.png", Body=small.getvalue())
        yield address


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock, endpoint: str) -> Rooms:
    return _rooms(tmp_path, clock, endpoint)


def _rooms(folder: Path, clock: Clock, endpoint: str) -> Rooms:
    settings = Settings(
        s3_endpoint=endpoint,
        s3_region="us-east-1",
        s3_access_key_id=KEY_ID,
        s3_secret_access_key=SECRET,
        s3_allowed=(f"{ORGANIZATION}=pictures/",),
        s3_writable=(f"{ORGANIZATION}=results/moderation/",),
    )
    rooms = replace(with_jobs(open_rooms(folder, clock), folder, clock), pictures=PictureReader(Buckets(settings)))
    cast(FakeModerator, rooms.moderator).confidence = 70.0
    return rooms


@pytest.fixture
def client(rooms: Rooms) -> Client:
    return Client(rooms)


def _list(endpoint: str, *names: str) -> None:
    lines = [name if name.startswith(("{", "[")) else json.dumps({"source-ref": f"s3://{name}"}) for name in names]
    store_client(endpoint).put_object(Bucket="pictures", Key="list.jsonl", Body="\n".join(lines).encode())


def _start(client: Client, **given: Any) -> str:
    asked = {"OperationsConfig": MODERATION, "Input": MANIFEST, "OutputConfig": OUTPUT} | given
    return str(client("StartMediaAnalysisJob", **asked)["JobId"])


def _read(endpoint: str, place: dict[str, Any]) -> bytes:
    found: bytes = store_client(endpoint).get_object(Bucket=place["Bucket"], Key=place["Name"])["Body"].read()
    return found


def test_a_job_goes_from_its_manifest_to_its_results(client: Client, rooms: Rooms, endpoint: str) -> None:
    _list(endpoint, "pictures/0.png", "pictures/1.png", "pictures/0.png")
    job = _start(client, JobName="party")
    queued = client("GetMediaAnalysisJob", JobId=job)
    assert (queued["Status"], queued["JobName"], queued["Input"]) == ("QUEUED", "party", MANIFEST)
    assert (queued["OperationsConfig"], queued["OutputConfig"]) == (MODERATION, OUTPUT)
    assert not {"Results", "ManifestSummary", "CompletionTimestamp", "FailureDetails"} & queued.keys()
    assert work_off(rooms) == 1
    done = client("GetMediaAnalysisJob", JobId=job)
    assert done["Status"] == "SUCCEEDED"
    assert done["CompletionTimestamp"] >= done["CreationTimestamp"]
    assert done["Results"]["ModelVersions"] == {"Moderation": "7.0"}
    lines = [json.loads(line) for line in _read(endpoint, done["Results"]["S3Object"]).splitlines()]
    assert [line["source-ref"] for line in lines] == [f"s3://pictures/{name}.png" for name in (0, 1, 0)]
    for line in lines:
        told = line["detect-moderation-labels"]
        assert [label["Name"] for label in told["ModerationLabels"]] == ["Explicit", "Explicit Nudity"]
        assert (told["ModerationModelVersion"], told["ContentTypes"]) == ("7.0", [])
    summary = json.loads(_read(endpoint, done["ManifestSummary"]["S3Object"]))
    assert summary["statistics"] == {"total-json-lines": 3, "valid-json-lines": 3, "invalid-json-lines": 0}
    assert summary["errors"] == []


def test_labels_below_the_confidence_are_left_out(client: Client, rooms: Rooms, endpoint: str) -> None:
    _list(endpoint, "pictures/0.png")
    jobs = [
        _start(client, OperationsConfig={"DetectModerationLabels": config})
        for config in ({}, {"MinConfidence": 71}, {"MinConfidence": 70})
    ]
    work_off(rooms)
    found = []
    for job in jobs:
        (line,) = _read(endpoint, client("GetMediaAnalysisJob", JobId=job)["Results"]["S3Object"]).splitlines()
        found.append(len(json.loads(line)["detect-moderation-labels"]["ModerationLabels"]))
    assert found == [2, 0, 2]


def test_a_line_or_a_picture_that_is_wrong_is_an_error_of_its_own(client: Client, rooms: Rooms, endpoint: str) -> None:
    _list(
        endpoint,
        *("pictures/0.png", "{}", "pictures/none.png", "pictures/gone.png", "others/1.png", "pictures/small.png"),
        *('{"source-ref": "https://host/1.png"}', "pictures/2.png"),
    )
    job = _start(client)
    work_off(rooms)
    done = client("GetMediaAnalysisJob", JobId=job)
    assert done["Status"] == "SUCCEEDED"
    summary = json.loads(_read(endpoint, done["ManifestSummary"]["S3Object"]))
    assert summary["statistics"] == {"total-json-lines": 8, "valid-json-lines": 6, "invalid-json-lines": 2}
    assert [(each["line-numer"], each["code"]) for each in summary["errors"]] == [
        (2, "INVALID_JSON_LINE"),
        (3, "INVALID_IMAGE_FORMAT"),
        (4, "INVALID_S3_OBJECT"),
        (5, "ACCESS_DENIED"),
        (6, "INVALID_IMAGE"),
        (7, "INVALID_JSON_LINE"),
    ]
    assert "REGARD_S3_ALLOWED" in summary["errors"][3]["message"]
    lines = _read(endpoint, done["Results"]["S3Object"]).splitlines()
    assert [json.loads(line)["source-ref"] for line in lines] == ["s3://pictures/0.png", "s3://pictures/2.png"]


def test_a_manifest_that_names_no_picture_fails_with_its_summary(client: Client, rooms: Rooms, endpoint: str) -> None:
    _list(endpoint, "{}", "[1]")
    job = _start(client)
    work_off(rooms)
    failed = client("GetMediaAnalysisJob", JobId=job)
    assert (failed["Status"], failed["FailureDetails"]["Code"]) == ("FAILED", "INVALID_MANIFEST")
    assert "Results" not in failed
    summary = json.loads(_read(endpoint, failed["ManifestSummary"]["S3Object"]))
    assert summary["statistics"]["invalid-json-lines"] == 2


def test_a_manifest_that_is_empty_or_too_large_starts_no_job(
    client: Client, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_client(endpoint).put_object(Bucket="pictures", Key="list.jsonl", Body=b"")
    asked = {"OperationsConfig": MODERATION, "Input": MANIFEST, "OutputConfig": OUTPUT}
    assert client.refusal("StartMediaAnalysisJob", **asked)[0] == "InvalidManifestException"
    _list(endpoint, "pictures/0.png")
    monkeypatch.setattr("regard.operations.bulk.analysis.MOST_BYTES", 10)
    code, text = client.refusal("StartMediaAnalysisJob", **asked)
    assert (code, "more than 10 bytes" in text) == ("InvalidManifestException", True)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({"OutputConfig": {"S3Bucket": "results"}}, "InvalidParameterException", "REGARD_S3_WRITABLE"),
        ({"OutputConfig": {"S3Bucket": "pictures"}}, "InvalidParameterException", "REGARD_S3_WRITABLE"),
        ({"KmsKeyId": "alias/mine"}, "InvalidParameterException", "KmsKeyId"),
        ({"OperationsConfig": {}}, "InvalidParameterException", "DetectModerationLabels"),
        (
            {"Input": {"S3Object": {"Bucket": "secrets", "Name": "list"}}},
            "InvalidS3ObjectException",
            "REGARD_S3_ALLOWED",
        ),
        ({"Input": {"S3Object": {"Bucket": "pictures", "Name": "none"}}}, "InvalidS3ObjectException", "NoSuchKey"),
        (
            {
                "OperationsConfig": {
                    "DetectModerationLabels": {
                        "ProjectVersion": "arn:aws:rekognition:us-east-1:111122223333:project/a/version/b/1"
                    }
                }
            },
            "ResourceNotFoundException",
            "adapter",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_at_the_start(
    client: Client, endpoint: str, given: dict[str, Any], code: str, said: str
) -> None:
    _list(endpoint, "pictures/0.png")
    asked = {"OperationsConfig": MODERATION, "Input": MANIFEST, "OutputConfig": OUTPUT} | given
    found, text = client.refusal("StartMediaAnalysisJob", **asked)
    assert (found, said in text) == (code, True)
    assert client("ListMediaAnalysisJobs")["MediaAnalysisJobs"] == []


def test_a_manifest_of_too_many_lines_fails_and_nothing_is_looked_at(
    client: Client, rooms: Rooms, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MOST_LINES", 2)
    _list(endpoint, *("pictures/0.png",) * 3)
    job = _start(client)
    work_off(rooms)
    failed = client("GetMediaAnalysisJob", JobId=job)
    assert failed["FailureDetails"] == {
        "Code": "INVALID_MANIFEST",
        "Message": "The manifest s3://pictures/list.jsonl has more than 2 lines.",
    }
    assert not _desk(rooms).find(job).done


def test_a_manifest_that_was_replaced_meanwhile_is_not_taken_for_the_first(
    client: Client, rooms: Rooms, endpoint: str
) -> None:
    _list(endpoint, "pictures/0.png")
    job = _start(client)
    _list(endpoint, "pictures/1.png")
    work_off(rooms)
    failed = client("GetMediaAnalysisJob", JobId=job)
    assert failed["FailureDetails"]["Code"] == "INVALID_MANIFEST"
    assert "replaced" in failed["FailureDetails"]["Message"]


def test_the_same_token_is_the_same_job_and_another_input_a_mismatch(
    client: Client, rooms: Rooms, endpoint: str
) -> None:
    _list(endpoint, "pictures/0.png")
    job = _start(client, ClientRequestToken="one")
    assert _start(client, ClientRequestToken="one") == job
    asked = {"OperationsConfig": {"DetectModerationLabels": {}}, "Input": MANIFEST, "OutputConfig": OUTPUT}
    code, _ = client.refusal("StartMediaAnalysisJob", **asked, ClientRequestToken="one")
    assert code == "IdempotentParameterMismatchException"
    assert work_off(rooms) == 1


def test_jobs_are_listed_the_newest_first_and_none_twice_while_more_come(
    client: Client, rooms: Rooms, clock: Clock, endpoint: str
) -> None:
    _list(endpoint, "pictures/0.png")
    started = []
    for number in range(5):
        # Two are of the same moment.
        clock.now += number % 2
        started.append(_start(client))
    first = client("ListMediaAnalysisJobs", MaxResults=2, NextToken="")
    clock.now += 1
    started.append(_start(client))
    second = client("ListMediaAnalysisJobs", MaxResults=2, NextToken=first["NextToken"])
    third = client("ListMediaAnalysisJobs", MaxResults=2, NextToken=second["NextToken"])
    assert "NextToken" not in third
    seen = [each["JobId"] for page in (first, second, third) for each in page["MediaAnalysisJobs"]]
    assert sorted(seen) == sorted(started[:5])
    times = [each["CreationTimestamp"] for page in (first, second, third) for each in page["MediaAnalysisJobs"]]
    assert times == sorted(times, reverse=True)
    assert client.refusal("ListMediaAnalysisJobs", NextToken="none")[0] == "InvalidPaginationTokenException"
    assert Client(rooms, "999999999999")("ListMediaAnalysisJobs")["MediaAnalysisJobs"] == []


def test_nobody_else_hears_of_a_job(client: Client, rooms: Rooms, endpoint: str) -> None:
    _list(endpoint, "pictures/0.png")
    job = _start(client)
    assert Client(rooms, "999999999999").refusal("GetMediaAnalysisJob", JobId=job)[0] == "ResourceNotFoundException"
    assert client.refusal("GetMediaAnalysisJob", JobId="none")[0] == "ResourceNotFoundException"


def test_one_that_is_killed_goes_on_where_it_was_and_comes_to_the_same(
    client: Client, rooms: Rooms, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LINES", 1)
    _list(endpoint, "pictures/0.png", "pictures/1.png", "pictures/2.png", "{}")
    moderator = cast(FakeModerator, rooms.moderator)
    looked: list[int] = []

    class Dying:
        def __call__(self, picture: Any) -> Any:
            looked.append(int(picture.pixels[50, 50, 0]))
            if len(looked) == 2:
                raise SystemExit
            return moderator(picture)

    dying = replace(rooms, moderator=cast(Any, Dying()))
    job = _start(client)
    ((_, number),) = waiting(_desk(rooms))
    with pytest.raises(SystemExit):
        worker(dying).run(job, number)
    worker(dying, "test-1").run(job, number)
    assert looked == [0, 1, 1, 2]
    undisturbed = _start(client)
    work_off(rooms)
    both = [client("GetMediaAnalysisJob", JobId=each)["Results"]["S3Object"] for each in (job, undisturbed)]
    assert _read(endpoint, both[0]) == _read(endpoint, both[1])


def test_a_store_that_is_away_fails_the_job_and_spoils_no_line(
    client: Client, rooms: Rooms, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.stores.patience.PAUSES", ())
    monkeypatch.setattr(looking, "LINES", 1)
    _list(endpoint, "pictures/0.png", "pictures/1.png")
    job = _start(client)
    buckets = rooms.pictures.buckets
    away = Buckets(replace_endpoint(buckets, "http://127.0.0.1:9"))

    class Ending(Buckets):
        def __init__(self) -> None:
            self.reads = 0

        def found(self, *where: Any) -> Any:
            return buckets.found(*where)

        def read(self, *where: Any) -> bytes:
            self.reads += 1
            return (buckets if self.reads == 1 else away).read(*where)

    work_off(replace(rooms, pictures=PictureReader(Ending())))
    failed = client("GetMediaAnalysisJob", JobId=job)
    assert failed["FailureDetails"]["Code"] == "INVALID_S3_OBJECT"
    assert "line 2" in failed["FailureDetails"]["Message"]
    assert _desk(rooms).retry(job)
    work_off(rooms)
    assert client("GetMediaAnalysisJob", JobId=job)["Status"] == "SUCCEEDED"


def replace_endpoint(buckets: Buckets, endpoint: str) -> Settings:
    """The settings of buckets, at another store."""
    values = {name: getattr(buckets._settings, name) for name in Settings.__struct_fields__}
    return Settings(**values | {"s3_endpoint": endpoint})


def test_a_bucket_that_takes_nothing_fails_the_job_with_its_cause(client: Client, rooms: Rooms, endpoint: str) -> None:
    _list(endpoint, "pictures/0.png")
    job = _start(client)
    forbidding = Buckets(
        Settings(
            **{name: getattr(rooms.pictures.buckets._settings, name) for name in Settings.__struct_fields__}
            | {"s3_writable": ()}
        )
    )
    work_off(replace(rooms, pictures=PictureReader(forbidding)))
    failed = client("GetMediaAnalysisJob", JobId=job)
    assert failed["FailureDetails"]["Code"] == "INVALID_OUTPUT_CONFIG"
    assert "REGARD_S3_WRITABLE" in failed["FailureDetails"]["Message"]


def _desk(rooms: Rooms) -> Any:
    assert rooms.jobs is not None
    return rooms.jobs
