"""The whole service over HTTP, without models: killed at any moment, and asked by many at once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from regard.ledger.tree.tiles import read_entries
from regard.settings import Settings
from regard.stewardship.office import open_office
from tests.helpers.fakes import picture_of
from tests.helpers.running import Running
from tests.helpers.served_fakes import running_fakes

KILLS, MOST_SECONDS = 10, 0.3
CLIENTS = 32


@pytest.mark.slow("each kill takes a start of the whole service")
def test_a_face_and_its_entry_in_the_log_survive_kill_9_together(
    tmp_path: Path, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    chance = random.Random(0)
    acknowledged: list[str] = []
    first: Running | None = None
    for number in range(max(2, round(KILLS * scale))):
        with running_fakes(tmp_path, first) as service, ThreadPoolExecutor(4) as callers:
            if first is None:
                service.client().create_collection(CollectionId="a")
            first = first or service
            answered: SimpleQueue[str] = SimpleQueue()
            for place in range(4):
                callers.submit(_index_until_killed, service, number * 4 + place, answered)
            acknowledged.append(answered.get(timeout=60))
            time.sleep(chance.uniform(0, MOST_SECONDS))
            service.process.kill()
        while not answered.empty():
            acknowledged.append(answered.get())
    assert first
    with running_fakes(tmp_path, first) as service:
        kept = [face["FaceId"] for face in service.client().list_faces(CollectionId="a", MaxResults=4096)["Faces"]]
    assert {*acknowledged} <= {*kept}
    entries = [entry for entry in _entries(tmp_path) if entry.get("operation") == "IndexFaces"]
    assert sum(entry["counts"]["enrolled"] for entry in entries if entry["outcome"] == "answered") == len(kept)


@pytest.mark.long
@pytest.mark.slow("32 clients of boto3 call some hundred times")
def test_32_clients_over_http_each_see_what_they_did_and_nothing_is_lost(tmp_path: Path) -> None:
    with running_fakes(tmp_path, REGARD_QUEUE="64") as service, ThreadPoolExecutor(CLIENTS) as callers:
        client = service.client()
        client.create_collection(CollectionId="a")

        def work(number: int) -> None:
            own = service.client()
            own.create_user(CollectionId="a", UserId=f"user-{number}")
            kept, dropped = (_index(own, number, mark) for mark in (0, 1))
            assert dropped in _found(own, kept)
            own.associate_faces(CollectionId="a", UserId=f"user-{number}", FaceIds=[kept])
            own.delete_faces(CollectionId="a", FaceIds=[dropped])
            assert dropped not in _found(own, kept)

        list(callers.map(work, range(CLIENTS)))
        described = client.describe_collection(CollectionId="a")
        assert (described["FaceCount"], described["UserCount"]) == (CLIENTS, CLIENTS)
        listed = client.list_faces(CollectionId="a", MaxResults=4096)["Faces"]
    assert {(face["UserId"], face["ExternalImageId"]) for face in listed} == {
        (f"user-{number}", f"person-{number}") for number in range(CLIENTS)
    }


def _index_until_killed(service: Running, person: int, answered: SimpleQueue[str]) -> None:
    client = service.client()
    with suppress(BotoCoreError):
        for mark in range(256):
            answered.put(_index(client, person, mark))


def _index(client: Any, person: int, mark: int) -> str:
    answer = client.index_faces(
        CollectionId="a", Image={"Bytes": picture_of(person, mark=mark)}, ExternalImageId=f"person-{person}"
    )
    face: str = answer["FaceRecords"][0]["Face"]["FaceId"]
    return face


def _found(client: Any, face: str) -> set[str]:
    matches = client.search_faces(CollectionId="a", FaceId=face, MaxFaces=4096)["FaceMatches"]
    return {match["Face"]["FaceId"] for match in matches}


def _entries(data_dir: Path) -> Iterator[dict[str, Any]]:
    logbook = open_office(Settings(data_dir=data_dir)).logbook
    # What was recorded by a process that was killed before it logged it, the next one logs within a second.
    logbook.take_over()
    _, log = logbook.shards.current()
    size = log.publish().checkpoint.size
    yield from map(json.loads, read_entries(size, log.fetch))
