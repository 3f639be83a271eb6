from __future__ import annotations

import time
from pathlib import Path

import pytest

from regard.gallery.gallery import open_gallery
from regard.settings import Settings
from regard.stewardship.collections import KeptCollections, Terms
from regard.stewardship.gate import Denied, Gate
from tests.stewarding import Stewardship


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


def test_the_terms_of_a_collection_are_its_tags_and_are_read_anew(room: Stewardship) -> None:
    gallery = open_gallery(room.engine, room.folder / "keys.db", room.key)
    collections = KeptCollections(room.engine)
    assert collections.terms("1", "friends") is None
    with gallery.writing() as connection:
        gallery.collections.create(connection, "1", "friends", "1.0", {"a": "b"})
        gallery.collections.create(connection, "2", "friends", "1.0", {})
    assert collections.terms("1", "friends") == Terms({"a": "b"}, 0)
    assert collections.terms("2", "friends") == Terms({}, 0)
    with gallery.writing() as connection:
        gallery.collections.tag(connection, "1", "friends", {"regard:basis": "consent"})
    assert collections.terms("1", "friends") == Terms({"a": "b", "regard:basis": "consent"}, 0)


def test_the_gate_asks_the_gallery_what_a_collection_stands_on(room: Stewardship) -> None:
    gallery = open_gallery(room.engine, room.folder / "keys.db", room.key)
    caller = room.caller()
    with gallery.writing() as connection:
        tags = {"regard:basis": "none"}
        gallery.collections.create(connection, caller.organization, "crowd", "1.0", tags)
    gate = Gate(room.engine, Settings(data_dir=room.folder))
    with pytest.raises(Denied, match="identification-needs-basis"):
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="crowd"))


def test_a_decision_that_was_made_before_costs_little(room: Stewardship) -> None:
    caller, gate, took = room.caller(), Gate(room.engine, Settings(data_dir=room.folder)), []
    for _ in range(300):
        start = time.perf_counter()
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="friends"))
        took.append(time.perf_counter() - start)
    assert sorted(took)[150] < 3e-4
