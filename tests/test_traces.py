"""What was erased is nowhere in the data folder: names are planted, erased, and looked for in every file."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from regard.database import open_database, sqlite_url, writing
from regard.gallery.templates.vault import open_vault
from regard.sealing import master_key
from regard.traces import Traces, owe
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.own_client import OwnClient
from tests.helpers.peopled import House
from tests.helpers.running import Running
from tests.helpers.served_fakes import running_fakes

ALICE, BOB = 1, 2
SECONDS = 20


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _settled(file: Path) -> None:
    """Wait until nothing is owed in this file."""
    end = time.monotonic() + SECONDS
    with closing(sqlite3.connect(file)) as connection:
        while connection.execute("PRAGMA application_id").fetchone()[0]:
            assert time.monotonic() < end
            time.sleep(0.05)


def _found(folder: Path, planted: Iterable[str]) -> set[tuple[str, str]]:
    """The planted values that are there, each with the file."""
    found = set()
    for path in _files(folder):
        data = path.read_bytes()
        found |= {(value, path.name) for value in planted if value.encode() in data}
    return found


def _soon_gone(folder: Path, planted: Iterable[str]) -> None:
    """In a service that runs what could not be done at once is done soon."""
    end = time.monotonic() + SECONDS
    while left := _found(folder, planted):
        assert time.monotonic() < end, left
        time.sleep(0.1)


def _fill(house: House, name: str, collection: str = "a") -> None:
    """Have everything kept on a person that the house keeps of one."""
    house.consent(name, collection)
    faces = house.index(collection, ALICE, name=name)
    house.ask("CreateUser", CollectionId=collection, UserId=f"user-{name}")
    token = f"token-{name}-{collection}"
    named = {"CollectionId": collection, "UserId": f"user-{name}", "ClientRequestToken": token}
    house.ask("AssociateFaces", FaceIds=faces, **named)
    house.search(collection, ALICE)


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "data", Clock())
    for name in ("a", "b"):
        house.collection(name)
    return house


def test_an_erasure_leaves_the_name_in_no_file(house: House) -> None:
    for name in ("planted-alice-417", "planted-bob-418"):
        _fill(house, name)
        _fill(house, name, "b") if name.startswith("planted-bob") else house.index("b", ALICE, name=name)
    house.clock.now += 10
    planted = ["planted-alice-417", "user-planted-alice-417", "token-planted-alice-417"]
    assert {value for value, _ in _found(house.folder, planted)} == {*planted}
    house.erase("planted-alice-417")
    assert not _found(house.folder, planted)
    # The other one is where they were: what was looked through is not empty.
    assert {"regard.db", "keys.db"} <= {file for _, file in _found(house.folder, ["planted-bob-418"])}


def test_a_collection_that_is_deleted_leaves_no_name_of_it_or_of_anybody_in_it(house: House) -> None:
    house.collection("planted-collection-419")
    for number in range(20):
        house.index("planted-collection-419", number, name=f"planted-person-{number}")
    house.ask("DeleteCollection", CollectionId="planted-collection-419")
    assert not _found(house.folder, ["planted-collection-419", "planted-person-"])


def test_what_retention_lets_go_of_leaves_no_name(house: House) -> None:
    house.collection("c", **{"regard:retention-days": "1"})
    for number in range(20):
        house.index("c", number, name=f"planted-person-{number}")
    house.clock.now += 2 * 86_400
    assert sum(swept.faces for swept in house.retention.sweep()) == 20
    assert not _found(house.folder, ["planted-person-"])


def test_a_backup_from_before_leaves_no_name_once_it_is_restored(house: House) -> None:
    house.index("a", ALICE, name="planted-alice-417")
    house.clock.now += 10
    backup = house.folder.with_name("backup")
    house.back_up(backup)
    house = House(house.folder, house.clock)
    house.erase("planted-alice-417")
    restored = house.restore(backup)
    assert restored.replayed == 1
    assert not _found(restored.folder, ["planted-alice-417"])


def test_of_thousands_who_go_one_by_one_no_page_keeps_a_copy(tmp_path: Path, scale: float) -> None:
    """Rows move as pages fill: what is deleted later may have left a copy where it was."""
    chance = random.Random(0)
    # As long as names are: of different length.
    named = [f"planted-{chance.getrandbits(60):015x}{'-' * chance.randrange(100)}" for _ in range(100_000)]
    names = named[: round(len(named) * scale)]
    keys = open_vault(tmp_path / "keys.db", master_key(tmp_path / "master.key")).keys
    for start in range(0, len(names), 500):
        keys.make(1, set(names[start : start + 500]))
    gone = names[::2]
    with keys.traces.together():
        for start in range(0, len(gone), 50):
            keys.destroy(1, gone[start : start + 50])
    # A large file is written anew in the background.
    keys.traces.start()
    _settled(tmp_path / "keys.db")
    keys.traces.close()
    data = b"".join(path.read_bytes() for path in _files(tmp_path))
    left = {found.decode() for found in re.findall(rb"planted-[0-9a-f]{15}", data)}
    assert left == {name[:23] for name in names[1::2]}


@pytest.mark.long
@pytest.mark.slow("a service is started twice")
def test_a_service_that_runs_stops_or_is_killed_leaves_no_name(tmp_path: Path) -> None:
    folder, names = tmp_path / "data", [f"planted-person-{number}" for number in range(3)]
    with running_fakes(folder) as first:
        _create(first, "members")
        _create(first, "planted-collection")
        _enrol(first, names[0], "members", ALICE)
        _erase(first, names[0])
        _soon_gone(folder, names)
        # As a backup copies it.
        shutil.copytree(folder, tmp_path / "backup")
        assert not _found(tmp_path / "backup", names)
        _enrol(first, names[1], "planted-collection", BOB)
        first.client().delete_collection(CollectionId="planted-collection")
    assert not _found(folder, [*names, "planted-collection"])
    with running_fakes(folder, first) as second:
        _enrol(second, names[2], "members", BOB)
        _erase(second, names[2])
        second.process.kill()
        second.process.wait()
    assert not _found(folder, names)


def _create(service: Running, collection: str) -> None:
    service.client().create_collection(CollectionId=collection)


def _enrol(service: Running, name: str, collection: str, person: int) -> None:
    client, image = service.client(), {"Bytes": picture_of(person)}
    assert client.index_faces(CollectionId=collection, Image=image, ExternalImageId=name)["FaceRecords"]
    assert client.search_faces_by_image(CollectionId=collection, Image=image)["FaceMatches"]


def _erase(service: Running, name: str) -> None:
    known = service.environment
    own = OwnClient(service.url, known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"])
    assert own("POST", f"/subjects/{name}/erasure").status_code == 200


def _rows(folder: Path) -> tuple[Engine, Callable[[str], None]]:
    engine = open_database(sqlite_url(folder / "regard.db"))
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE people (name TEXT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO people VALUES ('planted-one'), ('planted-two')"))

    def forget(name: str) -> None:
        with writing(engine) as connection:
            connection.execute(text("DELETE FROM people WHERE name = :name"), {"name": name})
            owe(connection)

    return engine, forget


@pytest.mark.long
def test_who_reads_all_the_while_delays_it_and_nobody_waits_long(tmp_path: Path) -> None:
    engine, forget = _rows(tmp_path)
    traces = Traces(engine)
    traces.start()
    with engine.connect().execution_options(read_only=True) as reader:
        assert len(reader.execute(text("SELECT name FROM people")).all()) == 2
        forget("planted-one")
        begun = time.monotonic()
        assert not traces.overwrite()
        assert time.monotonic() - begun < 5
        # Others write meanwhile.
        forget("planted-two")
        assert _found(tmp_path, ["planted-one"])
    _soon_gone(tmp_path, ["planted-one", "planted-two"])
    traces.close()


def test_who_was_killed_leaves_it_to_the_next_start(tmp_path: Path) -> None:
    folder, killed = tmp_path / "data", tmp_path / "killed"
    _, forget = _rows(folder)
    forget("planted-one")
    # As the disk is at the moment in which a process is killed.
    shutil.copytree(folder, killed)
    assert _found(killed, ["planted-one"])
    traces = Traces(open_database(sqlite_url(killed / "regard.db")))
    traces.start()
    _soon_gone(killed, ["planted-one"])
    traces.close()
    assert (killed / "regard.db-wal").stat().st_size == 0


def test_a_file_is_written_anew_once_for_many_and_seldom(tmp_path: Path) -> None:
    now = [0.0]
    engine, forget = _rows(tmp_path)
    written: list[str] = []

    def clock() -> float:
        # To write it anew takes a second, each time.
        now[0] += 0.5
        return now[0]

    traces = Traces(engine, clock=clock)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(written.append)
    with traces.together():
        for _ in range(100):
            forget("planted-one")
            traces.overwrite()
    assert written.count("VACUUM") == 1
    for _ in range(50):
        forget("planted-two")
        traces.overwrite()
    # A hundredth of the time at most is spent on it.
    assert written.count("VACUUM") == 1
    now[0] += 1_000
    assert traces.overwrite()
    assert written.count("VACUUM") == 2
