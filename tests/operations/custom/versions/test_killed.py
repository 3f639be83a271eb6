"""Workers that are killed at any moment of a training or a copying: each version ends once, as if undisturbed."""

from __future__ import annotations

import random
import time
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
from regard.operations.custom.versions import looking, teaching
from tests.helpers.custom import custom_rooms, described, project_of, unrelated
from tests.helpers.databases import database_url, keys_url
from tests.helpers.fakes import Client, Clock
from tests.helpers.killed import started
from tests.helpers.stores import store_client
from tests.helpers.working import work_off, worker
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_policies import copied
from tests.operations.custom.versions.test_training import begin

KILLS = 50
MOST_SECONDS, PATIENCE = 1.0, 120.0
# Of a step: more moments to be killed at.
PICTURES = 4
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


def _work_until_killed(places: Places, report: Connection) -> None:
    # It may be killed many times before its first step: it is not what ends its workers.
    working.MOST_TRIES = 1000
    looking.PICTURES = PICTURES
    setattr(teaching, "background", unrelated)  # noqa: B010
    rooms = rooms_at(places)
    assert rooms.jobs is not None
    report.send("works")
    while True:
        for job in reversed([each for each in rooms.jobs.all() if each.state.open]):
            worker(rooms).run(job.id, job.round)
        time.sleep(0.01)


@pytest.mark.slow("each kill takes a process")
def test_every_version_ends_once_however_often_its_worker_is_killed(
    tmp_path: Path, shop: Shop, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PICTURES", PICTURES)
    places = tmp_path, database_url(tmp_path), keys_url(tmp_path), shop.endpoint
    # The shop has what other tests left.
    to = {"S3Bucket": "results", "S3KeyPrefix": tmp_path.name}
    rooms, chance = rooms_at(places), random.Random(25)
    client, projects = Client(rooms), [project_of(rooms, name) for name in ("trained", "copied")]
    first = begin(client, shop, projects[0], "undisturbed", OutputConfig=to)
    work_off(rooms)
    expected = described(client, projects[0])
    names: list[str] = []
    for number in range(round(KILLS * scale)):
        if len(names) < 2 or not any(_open(client, project) for project in projects):
            names.append(f"v{number}")
            begin(client, shop, projects[0], names[-1], OutputConfig=to)
            copied(client, projects[0], first, projects[1], names[-1])
        process, ours = started(_work_until_killed, places)
        assert ours.poll(PATIENCE)
        time.sleep(chance.uniform(0, MOST_SECONDS))
        process.kill()
        process.join()
        ours.close()
    _finish(places, client, projects)
    for project, state in zip(projects, ("TRAINING_COMPLETED", "COPYING_COMPLETED"), strict=True):
        for name in names:
            told = described(client, project, name)
            assert told["Status"] == state
            assert told["EvaluationResult"]["F1Score"] == expected["EvaluationResult"]["F1Score"]
    digests = _told(rooms)
    assert (len(digests), set(digests)) == (1 + 2 * len(names), {digests[0]})
    kept = store_client(shop.endpoint).list_objects_v2(Bucket="results", Prefix=f"{tmp_path.name}/")["Contents"]
    assert len(kept) == 6 * (1 + len(names))


def _open(client: Client, project: str) -> bool:
    found: list[dict[str, Any]] = client("DescribeProjectVersions", ProjectArn=project)["ProjectVersionDescriptions"]
    return any(each["Status"].endswith("_IN_PROGRESS") for each in found)


def _finish(places: Places, client: Client, projects: list[str]) -> None:
    process, ours = started(_work_until_killed, places)
    until = time.monotonic() + PATIENCE
    try:
        while any(_open(client, project) for project in projects):
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
