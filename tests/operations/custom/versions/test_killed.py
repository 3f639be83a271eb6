"""Workers that are killed at any moment of a training, a copying or an import: each ends once, as if undisturbed."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
import sqlalchemy
from sqlalchemy import insert, select

from regard.custom.versions.workshop import Made
from regard.database import reading
from regard.jobs import tables, working
from regard.operations.common.rooms import Rooms
from regard.operations.custom import importing
from regard.operations.custom.versions import looking, teaching
from tests.helpers.custom import custom_rooms, described, project_of, put_manifest, unrelated
from tests.helpers.customs import box, boxed, picture
from tests.helpers.databases import database_url, keys_url
from tests.helpers.fakes import Client, Clock
from tests.helpers.killed import started
from tests.helpers.stores import store_client
from tests.helpers.working import work_off, worker
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_policies import copied
from tests.operations.custom.versions.test_training import begin

KILLS, PATIENCE = 50, 120.0
# Of a step: more moments to be killed at.
PICTURES, LINES = 4, 4
# The files that a copy has.
COPIED = 2
LISTED: list[Any] = [*(picture("Sea", "Sun", key=str(number)) for number in range(60)), boxed(box(), key="b"), ""]
TRAINING, COPYING, IMPORTING = "CreateProjectVersion", "CopyProjectVersion", "CreateDataset"
KINDS = (TRAINING, COPYING, IMPORTING)
Places = tuple[Path, str, str | None, str]


def rooms_at(places: Places) -> Rooms:
    """The rooms of a process of its own, with a clock that is right, on the databases of the test."""
    folder, url, keys, endpoint = places
    with (
        patch("tests.helpers.fakes.database_url", lambda _: url),
        patch("tests.helpers.fakes.keys_url", lambda _: keys),
    ):
        rooms = custom_rooms(folder, cast(Clock, time.time), endpoint)
    assert rooms.workshop is not None
    rooms.workshop.tell = _note
    return rooms


def _note(connection: sqlalchemy.Connection, made: Made) -> None:
    """Keep that a version was told of, in the transaction that ends it."""
    row = {"job": made.job.id, "kind": "test", "sealed": b"", "error": made.digest, "given_up": False}
    connection.execute(insert(tables.job_notices).values(**row, created_at=0.0, tries=0, next_at=0.0))


def _work_until_killed(places: Places, kind: str, report: Connection) -> None:
    """Work on what there is, the jobs of this kind first."""
    # It may be killed many times before its first step: it is not what ends its workers.
    working.MOST_TRIES = 1000
    looking.PICTURES, importing.LINES = PICTURES, LINES
    setattr(teaching, "background", unrelated)  # noqa: B010
    rooms = rooms_at(places)
    assert rooms.jobs is not None
    report.send("works")
    while True:
        waiting = [each for each in rooms.jobs.all() if each.state.open]
        for job in sorted(waiting, key=lambda each: (each.operation != kind, each.created_at)):
            worker(rooms).run(job.id, job.round)
        time.sleep(0.01)


@dataclass
class Yard:
    """What is trained, copied and imported, over and over; `to` is where results go."""

    rooms: Rooms
    shop: Shop
    to: dict[str, str]
    names: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def __post_init__(self) -> None:
        self.client = Client(self.rooms)
        self.trained, self.copies = (project_of(self.rooms, name) for name in ("trained", "copied"))
        self.first = begin(self.client, self.shop, self.trained, "undisturbed", OutputConfig=self.to)
        work_off(self.rooms)
        self.expected = described(self.client, self.trained)
        self.listed = put_manifest(self.shop.endpoint, f"{self.to['S3KeyPrefix']}.manifest", LISTED)

    def begin(self, kind: str) -> None:
        """Hand in a job of a kind, unless one is not over yet."""
        assert self.rooms.jobs is not None
        if any(each.state.open and each.operation == kind for each in self.rooms.jobs.all()):
            return
        name = f"v{len(self.names[kind])}"
        self.names[kind].append(name)
        if kind == TRAINING:
            begin(self.client, self.shop, self.trained, name, OutputConfig=self.to)
        elif kind == COPYING:
            copied(self.client, self.trained, self.first, self.copies, name, OutputConfig=self.to)
        else:
            given: dict[str, Any] = {"DatasetType": "TRAIN", "DatasetSource": self.listed}
            self.client("CreateDataset", ProjectArn=project_of(self.rooms, name), **given)

    def datasets(self) -> list[tuple[str, list[str]]]:
        """Each dataset: where it stands, and its entries."""
        found = self.client("DescribeProjects", ProjectNames=self.names[IMPORTING])["ProjectDescriptions"]
        told = []
        for (dataset,) in (each["Datasets"] for each in found):
            given = {"DatasetArn": dataset["DatasetArn"], "MaxResults": 100}
            told.append((dataset["Status"], self.client("ListDatasetEntries", **given)["DatasetEntries"]))
        return told


@pytest.mark.long
@pytest.mark.slow("each kill takes a process")
def test_all_comes_to_an_end_once_however_often_its_worker_is_killed(
    tmp_path: Path, shop: Shop, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PICTURES", PICTURES)
    places = tmp_path, database_url(tmp_path), keys_url(tmp_path), shop.endpoint
    # The shop has what other tests left.
    yard = Yard(rooms_at(places), shop, {"S3Bucket": "results", "S3KeyPrefix": tmp_path.name})
    chance, seconds = random.Random(25), {TRAINING: 1.0, COPYING: 0.1, IMPORTING: 0.4}
    for number in range(round(KILLS * scale)):
        kind = KINDS[number % len(KINDS)]
        for each in KINDS:
            yard.begin(each)
        process, ours = started(_work_until_killed, places, kind)
        assert ours.poll(PATIENCE)
        time.sleep(chance.uniform(0, seconds[kind]))
        process.kill()
        process.join()
        ours.close()
    _finish(places, yard)
    made = {TRAINING: (yard.trained, "TRAINING_COMPLETED"), COPYING: (yard.copies, "COPYING_COMPLETED")}
    for kind, (project, state) in made.items():
        for name in yard.names[kind]:
            told = described(yard.client, project, name)
            assert told["Status"] == state
            assert told["EvaluationResult"]["F1Score"] == yard.expected["EvaluationResult"]["F1Score"]
    digests = _told(yard.rooms)
    versions = 1 + len(yard.names[TRAINING]) + len(yard.names[COPYING])
    assert (len(digests), set(digests)) == (versions, {digests[0]})
    kept = store_client(shop.endpoint).list_objects_v2(Bucket="results", Prefix=f"{tmp_path.name}/")["Contents"]
    assert len(kept) == 6 * (1 + len(yard.names[TRAINING])) + COPIED * len(yard.names[COPYING])
    for status, entries in yard.datasets():
        assert status == "CREATE_COMPLETE"
        assert [json.loads(each)["source-ref"] for each in entries] == [each["source-ref"] for each in LISTED[:-1]]


def _finish(places: Places, yard: Yard) -> None:
    assert yard.rooms.jobs is not None
    process, ours = started(_work_until_killed, places, TRAINING)
    until = time.monotonic() + PATIENCE
    try:
        while any(each.state.open for each in yard.rooms.jobs.all()):
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        process.kill()
        process.join()
        ours.close()


def _told(rooms: Rooms) -> list[str]:
    assert rooms.jobs is not None
    with reading(rooms.jobs.engine) as connection:
        return list(connection.execute(select(tables.job_notices.c.error)).scalars())
