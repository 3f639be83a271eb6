from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import cedarpy
import pytest

from regard.gallery.gallery import open_gallery
from regard.settings import Settings
from regard.stewardship.council.collections import KeptCollections, Terms
from regard.stewardship.council.motions import BadMotion, Kind, Vote
from regard.stewardship.gate.gate import Denied, Gate
from regard.stewardship.records import records
from tests.helpers.databases import keys_url
from tests.helpers.stewarding import Stewardship


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


def test_the_terms_of_a_collection_are_its_tags_and_are_read_anew(room: Stewardship) -> None:
    gallery = open_gallery(room.engine, room.folder / "keys.db", room.key, keys_url=keys_url(room.folder))
    collections = KeptCollections(room.engine)
    assert collections.terms("1", "friends") is None
    with gallery.writing() as connection:
        gallery.collections.create(connection, "1", "friends", "1.0", {"a": "b"})
        gallery.collections.create(connection, "2", "friends", "1.0", {})
    assert collections.terms("1", "friends") == Terms({"a": "b"}, 0, "1.0")
    assert collections.terms("2", "friends") == Terms({}, 0, "1.0")
    with gallery.writing() as connection:
        gallery.collections.tag(connection, "1", "friends", {"regard:basis": "consent"})
    assert collections.terms("1", "friends") == Terms({"a": "b", "regard:basis": "consent"}, 0, "1.0")


def test_the_gate_asks_the_gallery_what_a_collection_stands_on(room: Stewardship) -> None:
    gallery = open_gallery(room.engine, room.folder / "keys.db", room.key, keys_url=keys_url(room.folder))
    caller = room.caller()
    with gallery.writing() as connection:
        tags = {"regard:basis": "none"}
        gallery.collections.create(connection, caller.organization, "crowd", "1.0", tags)
    gate = Gate(room.engine, Settings(data_dir=room.folder), room.logbook, clock=lambda: room.now)
    with pytest.raises(Denied, match="identification-needs-basis"):
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="crowd"))


def test_a_decision_that_was_made_before_is_not_made_again(room: Stewardship) -> None:
    caller = room.caller()
    gate = Gate(room.engine, Settings(data_dir=room.folder), room.logbook, clock=lambda: room.now)
    with patch.object(cedarpy, "is_authorized", wraps=cedarpy.is_authorized) as asked:
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="friends"))
        assert (once := asked.call_count)
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="friends"))
        assert asked.call_count == once
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="strangers"))
        assert asked.call_count > once


def test_a_motion_loosens_what_a_collection_stands_on_once(room: Stewardship) -> None:
    gallery = open_gallery(room.engine, room.folder / "keys.db", room.key, keys_url=keys_url(room.folder))
    caller, collections = room.caller(), KeptCollections(room.engine)
    with gallery.writing() as connection:
        tags = {"regard:basis": "consent", "regard:retention-days": "30", "colour": "blue"}
        gallery.collections.create(connection, caller.organization, "staff", "1.0", tags)
    looser = {"regard:basis": "attested", "regard:purpose": "research"}
    payload = {"organization": caller.organization, "collection": "staff", "tags": looser}
    motion = room.council.draft(Kind.TAGS, "they signed on paper", payload, "operator")
    room.council.propose(motion.signed(room.signer))
    assert collections.terms(caller.organization, "staff") == Terms(tags, 0, "1.0")
    room.council.vote(motion, Vote.APPROVE, "", room.signer)
    assert collections.terms(caller.organization, "staff") == Terms(tags | looser, 0, "1.0")
    assert room.council.law().head == motion.hash


@pytest.mark.parametrize(
    ("collection", "tags"),
    [
        ("nothing", {"regard:basis": "attested"}),
        ("staff", {"regard:basis": "a whim"}),
        ("staff", {"regard:retention-days": "5000"}),
        ("staff", {"colour": "blue"}),
        ("staff", {}),
    ],
)
def test_nobody_votes_on_tags_that_could_not_be_set(room: Stewardship, collection: str, tags: dict[str, str]) -> None:
    gallery = open_gallery(room.engine, room.folder / "keys.db", room.key, keys_url=keys_url(room.folder))
    with gallery.writing() as connection:
        gallery.collections.create(connection, "1", "staff", "1.0", {"regard:basis": "consent"})
    payload = {"organization": "1", "collection": collection, "tags": tags}
    motion = room.council.draft(Kind.TAGS, "a change", payload, "operator")
    with pytest.raises(BadMotion):
        room.council.propose(motion.signed(room.signer))


def test_a_collection_from_before_the_policy_is_recorded_once(room: Stewardship) -> None:
    caller = room.caller(purpose="photo-library")
    room.gallery.kept["old"] = {"colour": "blue"}
    for gate in (room.gate, room.gate, room.another_gate()):
        gate.before(room.call(caller, "SearchFacesByImage", CollectionId="old"))
    said = [record.body for record in records.read(room.engine, "collection-defaults")]
    assert said == [{"organization": caller.organization, "collection": "old"}]


def test_a_collection_that_says_what_it_stands_on_is_not_recorded(room: Stewardship) -> None:
    caller = room.caller(purpose="photo-library")
    room.gallery.kept["new"] = {"regard:basis": "attested", "regard:purpose": "photo-library"}
    room.ask(caller, "SearchFacesByImage", CollectionId="new")
    assert not list(records.read(room.engine, "collection-defaults"))
