"""Killed at any moment, the gallery keeps what it acknowledged and nothing in halves."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from regard.gallery.collections import tables
from regard.gallery.templates.vault import open_vault
from regard.sealing import master_key
from tests.helpers.fakes import Client, ask_ours, open_rooms, picture_of
from tests.helpers.killed import rest, started

KILLS = 100
THREADS = 4
MOST_SECONDS = 0.3

# What there is of a person after each step: faces, faces associated, users.
NOTHING, INDEXED, NAMED, ASSOCIATED, HALVED = (0, 0, 0), (2, 0, 0), (2, 0, 1), (2, 1, 1), (1, 1, 1)
STATES = (NOTHING, INDEXED, NAMED, ASSOCIATED, HALVED)


def _work_until_killed(folder: Path, report: Connection) -> None:
    """Take one person after the other through all steps; say before and after each step which it is."""
    client = Client(open_rooms(folder))
    # What is loaded with the first call is not part of the load.
    client("SearchFacesByImage", CollectionId="a", Image={"Bytes": picture_of(1)})
    lock = Lock()

    def tell(*what: object) -> None:
        with lock:
            report.send(what)

    def live(name: str) -> None:
        faces: list[str] = []
        steps: tuple[Callable[[], Any], ...] = (
            lambda: faces.extend(client.index("a", 1, 2, ExternalImageId=name)),
            lambda: client("CreateUser", CollectionId="a", UserId=name),
            lambda: client("AssociateFaces", CollectionId="a", UserId=name, FaceIds=faces[:1]),
            lambda: client("DeleteFaces", CollectionId="a", FaceIds=faces[1:]),
        )
        for number, step in enumerate(steps, 1):
            tell(name, "asked", number)
            step()
            tell(name, "answered", number)

    def loop() -> None:
        while True:
            live(str(uuid4()))

    for thread in [Thread(target=loop) for _ in range(THREADS)]:
        thread.start()


def _killed_under_load(folder: Path, told: dict[str, dict[str, int]], chance: random.Random) -> None:
    process, ours = started(_work_until_killed, folder)
    end: float | None = None
    try:
        while end is None or time.monotonic() < end:
            if ours.poll(end and max(0.0, end - time.monotonic())):
                name, kind, number = ours.recv()
                told[name][kind] = number
                end = end or time.monotonic() + chance.uniform(0, MOST_SECONDS)
    finally:
        process.kill()
        process.join()
    for name, kind, number in rest(ours):
        told[name][kind] = number


@pytest.mark.slow("each kill takes a process, and a gallery opened after it")
def test_what_was_acknowledged_survives_kill_9_and_nothing_is_half_there(tmp_path: Path, scale: float) -> None:
    Client(open_rooms(tmp_path))("CreateCollection", CollectionId="a")
    told: dict[str, dict[str, int]] = defaultdict(lambda: {"asked": 0, "answered": 0})
    chance = random.Random(0)
    for _ in range(round(KILLS * scale)):
        _killed_under_load(tmp_path, told, chance)
        _check(tmp_path, told)
    assert sum(steps["answered"] for steps in told.values()) >= KILLS * scale


def _check(folder: Path, told: dict[str, dict[str, int]]) -> None:
    rooms = open_rooms(folder)
    # Thousands of faces: as answers go over the wire they would be written and read 100 times over.
    ask = partial(ask_ours, rooms, CollectionId="a")
    faces = _all(ask, "ListFaces", "Faces")
    users = {user["UserId"] for user in _all(ask, "ListUsers", "Users")}
    of_person: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for face in faces:
        of_person[face["ExternalImageId"]].append(face)
    assert of_person.keys() <= told.keys()
    for name, steps in told.items():
        associated = sum(face.get("UserId") is not None for face in of_person[name])
        found = (len(of_person[name]), associated, int(name in users))
        assert found in STATES[steps["answered"] : steps["asked"] + 1], name

    described = ask("DescribeCollection")
    assert (described["FaceCount"], described["UserCount"]) == (len(faces), len(users))
    everybody = ask("SearchFacesByImage", Image={"Bytes": picture_of(1)}, FaceMatchThreshold=0, MaxFaces=4096)
    assert {match["Face"]["FaceId"] for match in everybody["FaceMatches"]} == {face["FaceId"] for face in faces}
    _check_keys(folder, rooms.gallery.writing)


def _check_keys(folder: Path, writing: Callable[[], Any]) -> None:
    vault = open_vault(folder / "keys.db", master_key(folder / "master.key"))
    with writing() as connection:
        subjects = set(connection.execute(select(tables.faces.c.subject)).scalars())
    for holders in vault.keys.holders().values():
        assert holders - {""} == subjects


def _all(ask: Callable[..., dict[str, Any]], operation: str, member: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = ask(operation, **token)
        found += answer[member]
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}
