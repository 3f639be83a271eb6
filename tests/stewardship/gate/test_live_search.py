"""Nobody is looked for in live pictures, unless a motion allows this camera, this collection, this place, until then.

Each way round it is asked as the runner asks before a frame: what changed since the last frame counts for this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from regard.stewardship.council.live_search import MOST_SECONDS
from regard.stewardship.council.motions import BadMotion, Kind
from regard.stewardship.gate.gate import Denied
from regard.stewardship.parties.organization import Standing
from regard.stewardship.policy.packs import Pack
from regard.stewardship.policy.vocabulary import purposes
from regard.stewardship.records import records
from regard.streams.cameras.places import camera_of
from tests.helpers.doors import CAMERA, DAY, NOTICE, Door
from tests.helpers.stewarding import Stewardship


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    room = Stewardship(tmp_path)
    yield Door(room)
    room.logbook.close()


def test_without_a_motion_nobody_is_looked_for_whoever_asks_and_the_denial_is_recorded(door: Door) -> None:
    assert door.rule() == "no-live-face-search"
    call = door.room.call(door.caller, "StartStreamProcessor")
    with pytest.raises(Denied, match="No carried motion"):
        door.room.gate.matters.live_search(door.search, call)
    (record,) = records.read(door.room.engine, "denial")
    assert record.body["rule"] == "no-live-face-search"


def test_what_a_motion_allows_goes_on_until_its_end_with_the_text_for_passers_by(door: Door) -> None:
    door.carry()
    assert door.room.gate.matters.live_search(door.search) == NOTICE
    door.room.now += DAY - 1
    assert door.rule() == "goes on"
    door.room.now += 1
    assert door.rule() == "no-live-face-search"


WAYS: dict[str, Callable[[Door], dict[str, Any]]] = {
    "another processor": lambda door: _set(door, arn=door.processor.arn.replace("door", "gate")),
    "a renamed region": lambda door: _set(door, arn=door.processor.arn.replace("us-east-1", "eu-west-1")),
    "another stream": lambda door: _set(door, source="arn:aws:kinesisvideo:b"),
    "the stream's name led to another camera": lambda door: _set(door, camera=camera_of("rtsp://square", b"k" * 32)),
    "the processor updated to another collection": lambda door: _set(door, collection="others"),
    "another collection searched": lambda _: {"collection": "others"},
    "another collection in both": lambda door: _set(door, collection="others") | {"collection": "others"},
}


def _set(door: Door, **other: str) -> dict[str, Any]:
    return {"processor": replace(door.processor, **other)}


@pytest.mark.parametrize("way", WAYS)
def test_what_changed_is_another_search_than_the_motion_allows(door: Door, way: str) -> None:
    door.carry()
    assert door.rule() == "goes on"
    assert door.rule(**WAYS[way](door)) == "no-live-face-search"


def test_the_collection_swapped_under_its_name_counts_with_what_it_stands_on_now(door: Door) -> None:
    door.carry()
    door.room.gallery.kept["staff"] = {"regard:basis": "attested", "regard:purpose": "access-control"}
    assert door.rule() == "live-search-needs-consent"
    door.room.gallery.kept["staff"] = {"regard:basis": "consent", "regard:purpose": "photo-library"}
    assert door.rule() == "purpose-is-bound"
    del door.room.gallery.kept["staff"]
    assert door.rule() != "goes on"


def test_one_consent_taken_back_stops_the_next_frame(door: Door) -> None:
    door.carry()
    door.room.register.lacking = 1
    assert door.rule() == "live-search-needs-consent"


@pytest.mark.parametrize("capability", ["search-live", "identify"])
def test_any_member_stops_it_at_once_and_a_motion_for_good(door: Door, capability: str) -> None:
    door.carry()
    door.room.council.suspend(capability, "it looked at the street", door.room.signer, 100)
    assert door.rule() == "suspended"
    door.room.now += 100
    assert door.rule() == "goes on"
    door.room.carry(Kind.SUSPENSION, capability=capability, suspended=True)
    assert door.rule() == "suspended"


def test_a_motion_ends_it_before_its_time_and_another_allows_it_again(door: Door) -> None:
    door.carry()
    door.room.carry(Kind.LIVE_SEARCH, allowed=False, processor=door.processor.arn)
    assert door.rule() == "no-live-face-search"
    door.carry()
    assert door.rule() == "goes on"


def test_a_motion_that_lapsed_stays_so_whatever_the_clock_is_set_back_to(door: Door) -> None:
    door.carry()
    door.room.now += DAY
    assert door.rule() == "no-live-face-search"
    door.room.now -= DAY / 2
    assert door.rule() == "no-live-face-search"


def test_a_clock_that_is_behind_the_record_brings_no_motion_back_at_the_next_start(door: Door) -> None:
    door.carry()
    assert list(door.room.gate.matters.searches()) == [door.processor.arn]
    with door.room.engine.begin() as connection:
        records.append(connection, "regard/test", door.room.now + DAY, {})
    door.room.gate = door.room.another_gate()
    with pytest.raises(Denied, match=r"lapsed.*clock is behind the record"):
        door.room.gate.matters.live_search(door.search)
    assert door.room.gate.matters.searches() == {}


def test_another_organization_does_not_use_the_motion_of_one(door: Door) -> None:
    door.carry()
    other = door.room.caller(purpose="access-control")
    assert door.rule(caller=other) == "no-live-face-search"
    with pytest.raises(BadMotion, match="another organization"):
        door.carry(organization=other.organization)


def test_an_organization_that_was_refused_or_supplies_police_is_stopped(door: Door) -> None:
    door.carry()
    door.room.organizations.admission.decide(door.caller.organization, Standing.REFUSED, "operator", "a complaint")
    assert door.rule() == "no-refused-organization"


def test_a_threshold_below_the_floor_is_no_live_search(door: Door) -> None:
    door.carry()
    assert door.rule(threshold=None) == "goes on"
    assert door.rule(threshold=purposes()["access-control"].floor - 0.1) == "floor-where-rights-are-at-stake"


def test_the_pack_open_lets_nobody_be_looked_for_either(door: Door) -> None:
    pack = door.room.council.store(Pack.shipped("open"))
    door.room.carry(Kind.POLICY, policy=pack, pack="open")
    assert door.rule(loopback=True) == "no-live-face-search"
    door.room.register.lacking = 1
    door.carry()
    assert door.rule(loopback=True) == "live-search-needs-consent"


def test_a_law_that_was_edited_behind_the_vote_stops_the_next_frame(door: Door) -> None:
    door.carry()
    with door.room.engine.begin() as connection:
        connection.execute(text("UPDATE motions SET note = :note WHERE outcome = 'carried'"), {"note": b"x"})
        connection.execute(text("UPDATE stewardship_revision SET number = number + 1"))
    assert door.rule() == "policy-not-in-force"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"place": " "}, "place"),
        ({"notice": "short"}, "notice"),
        ({"camera": "rtsp://door"}, "camera"),
        ({"ends": 0}, "within 30 days"),
        ({"collection": "none-such"}, "consent"),
        ({"processor": "arn:aws:rekognition:us-east-1:100000000000:collection/a"}, "processor"),
        ({"forever": True}, "forever"),
    ],
)
def test_a_motion_that_leaves_out_what_it_has_to_name_is_not_voted_on(
    door: Door, other: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadMotion, match=why):
        door.carry(**other)


def test_a_motion_has_an_end_within_a_month(door: Door) -> None:
    with pytest.raises(BadMotion, match="within 30 days"):
        door.carry(ends=int(door.room.now) + MOST_SECONDS + 1)
    door.carry(ends=int(door.room.now) + MOST_SECONDS)


def test_a_camera_is_the_same_with_another_password_and_another_at_another_address() -> None:
    assert camera_of("rtsp://door.example/1", b"k" * 32) == CAMERA
    assert camera_of("rtsp://door.example/2", b"k" * 32) != CAMERA
    assert camera_of("rtsp://door.example/1", b"l" * 32) != CAMERA
