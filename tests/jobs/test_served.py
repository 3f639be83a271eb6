"""A service, a store and boto3, unchanged: a film in a bucket is looked at by a worker of the service's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.films import film_of, numbered
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

PATIENCE = 120.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose organizations may read the bucket `films`."""
    folder = tmp_path_factory.mktemp("jobs")
    with store() as address:
        _filled(address, folder)
        settings = store_settings(address, "*=films/") | {"REGARD_JOBS_WORKERS": "1"}
        with running(folder / "data", **settings) as started:
            yield started


def _filled(address: str, folder: Path) -> None:
    bucket = store_client(address)
    bucket.create_bucket(Bucket="films")
    film_of(folder / "film.mp4", numbered(50, (96, 96)))
    bucket.put_object(Bucket="films", Key="film.mp4", Body=(folder / "film.mp4").read_bytes())
    bucket.put_object(Bucket="films", Key="none.mp4", Body=b"no film")


def ended(client: Any, job: str, get: str = "get_label_detection") -> dict[str, Any]:
    """The answer about a job that is over, as a client that polls gets it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer: dict[str, Any] = getattr(client, get)(JobId=job, NextToken="")
        if answer["JobStatus"] != "IN_PROGRESS":
            return answer
        time.sleep(0.2)
    raise TimeoutError(job)


def _start(client: Any, name: str, **given: Any) -> str:
    return str(client.start_label_detection(Video={"S3Object": {"Bucket": "films", "Name": name}}, **given)["JobId"])


@pytest.mark.slow("starts a service and a worker, which loads its models")
def test_a_client_that_polls_gets_the_labels_of_a_film(service: Running) -> None:
    client = service.client()
    answer = ended(client, _start(client, "film.mp4", MinConfidence=1))
    assert answer["JobStatus"] == "SUCCEEDED", answer
    assert answer["VideoMetadata"]["Codec"] == "h264"
    assert {each["Timestamp"] for each in answer["Labels"]} <= {0, 480, 1000, 1480}


@pytest.mark.slow("waits for the worker of the service")
def test_what_is_no_film_fails_in_the_words_that_clients_look_for(service: Running) -> None:
    client = service.client()
    answer = ended(client, _start(client, "none.mp4"))
    assert answer["JobStatus"] == "FAILED"
    assert answer["StatusMessage"].startswith("Unsupported codec/format. ")
    assert answer["Labels"] == []


def test_a_film_that_is_not_there_starts_no_job(service: Running) -> None:
    client = service.client()
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        _start(client, "other.mp4")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are read from /proc")
def test_the_worker_waits_behind_the_service_and_listens_to_nobody(service: Running) -> None:
    (worker,) = workers_of(service.process.pid)
    # After the name in brackets: state, parent, …, and as the 17th nice.
    status = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    assert int(status[16]) >= 10
    sockets = {each.readlink().name for each in Path(f"/proc/{worker}/fd").iterdir() if each.is_symlink()}
    listening = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    assert not sockets & listening


@pytest.mark.long
@pytest.mark.slow("starts a service twice, and kills it")
def test_a_service_that_is_killed_leaves_no_worker_and_its_jobs_are_gone_on_with(tmp_path: Path) -> None:
    with store() as address:
        _filled(address, tmp_path)
        settings = store_settings(address, "*=films/")
        with running(tmp_path / "data", **settings) as first:
            job = _start(first.client(), "film.mp4")
            _until(lambda: bool(workers_of(first.process.pid)))
            (worker,) = workers_of(first.process.pid)
            first.process.kill()
            first.process.wait()
            _until(lambda: not Path(f"/proc/{worker}").exists())
        with running(tmp_path / "data", first.environment, **settings) as second:
            assert ended(second.client(), job)["JobStatus"] == "SUCCEEDED"
            metrics = httpx.get(f"{second.url}/metrics").text
            assert "regard_jobs_waiting 0.0" in metrics
            assert "regard_jobs_frames_per_second 0.0" in metrics


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def workers_of(service: int) -> list[int]:
    """The workers that a service started, as processes."""
    started = set[int]()
    for task in Path(f"/proc/{service}/task").iterdir():
        # A thread that just ended has no children.
        with suppress(FileNotFoundError, ProcessLookupError):
            started |= set(map(int, (task / "children").read_text().split()))
    return [each for each in started if b"--while-open" in _command_of(each)]


def _command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
