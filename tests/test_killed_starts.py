"""Killed at any moment of a first start, of migrations or of a renewal of keys, the next start goes on from there."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from regard.sealing import root_key
from regard.settings import Settings
from regard.stewardship.door import open_audits, open_gate
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import Office, start_office
from regard.stewardship.root_key import renew_master_key
from tests.helpers.fakes import ORGANIZATION, Client, open_rooms, picture_of
from tests.helpers.killed import started

KILLS = 100


def _open(folder: Path) -> Office:
    """What a service does before it listens."""
    office = start_office(Settings(data_dir=folder))
    holdings = open_holdings(office)
    open_gate(office, holdings, open_audits(office))
    office.organizations.first_start()
    assert office.logbook.trouble is None
    return office


def _begin(folder: Path, report: Connection) -> None:
    report.send("begun")
    _open(folder)
    report.send("open")


def _renew_master(folder: Path, report: Connection) -> None:
    report.send("begun")
    while True:
        renew_master_key(Settings(data_dir=folder), None)


def _renew_collection(folder: Path, report: Connection) -> None:
    gallery = open_rooms(folder).gallery
    report.send("begun")
    while True:
        gallery.renew_keys(ORGANIZATION, "a")


def _tell_what_is_loaded(report: Connection) -> None:
    report.send("tests.helpers.warmed" in sys.modules)


def test_what_is_killed_was_forked_from_a_process_that_had_loaded_everything() -> None:
    """Where it had not, because something of it cannot be imported, nothing else would say so: it is only slower."""
    process, ours = started(_tell_what_is_loaded)
    assert ours.recv()
    process.join()


def _killed(work: Callable[..., None], folder: Path, seconds: float) -> None:
    process, ours = started(work, folder)
    try:
        assert ours.recv() == "begun"
        time.sleep(seconds)
    finally:
        process.kill()
        process.join()
        ours.close()


@pytest.mark.slow("each kill takes a process, and a start after it")
def test_a_first_start_killed_at_any_moment_is_gone_on_with(tmp_path: Path, scale: float) -> None:
    chance, folder = random.Random(0), tmp_path / "warm"
    begun = time.monotonic()
    _open(folder).logbook.close()
    most = time.monotonic() - begun
    for number in range(round(KILLS * scale)):
        folder = tmp_path / str(number)
        _killed(_begin, folder, chance.uniform(0, most))
        office = _open(folder)
        (operator,) = office.organizations.all()
        assert {key.caller.organization for key in office.organizations.keys.all()} == {operator.id}
        office.logbook.close()
        _open(folder).logbook.close()


@pytest.mark.slow("each kill takes a process, and a start after it")
def test_a_renewal_of_the_master_key_killed_at_any_moment_leaves_what_opens(tmp_path: Path, scale: float) -> None:
    chance, sealed = random.Random(1), root_key(tmp_path).seal(b"clear", b"")
    for _ in range(round(KILLS * scale)):
        _killed(_renew_master, tmp_path, chance.uniform(0, 0.05))
        assert root_key(tmp_path).open(sealed, b"") == b"clear"
    renew_master_key(Settings(data_dir=tmp_path), None)
    assert root_key(tmp_path).open(sealed, b"") == b"clear"


@pytest.mark.slow("each kill takes a process, and a gallery opened after it")
def test_a_renewal_of_a_collection_killed_at_any_moment_leaves_every_face(tmp_path: Path, scale: float) -> None:
    client, chance = Client(open_rooms(tmp_path)), random.Random(2)
    client("CreateCollection", CollectionId="a")
    faces = {face for number in range(20) for face in client.index("a", number)}
    for _ in range(round(KILLS * scale)):
        _killed(_renew_collection, tmp_path, chance.uniform(0, 0.3))
        again = Client(open_rooms(tmp_path))
        found: dict[str, Any] = again(
            "SearchFacesByImage",
            CollectionId="a",
            Image={"Bytes": picture_of(1)},
            FaceMatchThreshold=0,
            MaxFaces=4096,
        )
        assert {match["Face"]["FaceId"] for match in found["FaceMatches"]} == faces
        assert again.rooms.gallery._vault.keys.renewing() == []
