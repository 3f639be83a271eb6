"""Whom a policy would affect: who holds keys, by what they are for; cases; and what was refused before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regard.stewardship.gate.effects import Effects, Foresight
from regard.stewardship.gate.snapshot import Snapshots
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.packs import Pack
from regard.stewardship.policy.policy import without_rule
from tests.helpers.stewarding import Stewardship


class Room(Stewardship):
    """A room with somebody who foresees what a policy would change."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        snapshots = Snapshots(self.engine, lambda: self.now)
        self.foresight = Foresight(self.engine, snapshots.current, self.organizations.keys.purposes)

    def without(self, rule: str) -> Effects:
        """What comes of it, once all is worked out."""
        return self.foresight.of(without_rule(Pack.shipped("moratorium"), rule), wait=60.0)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_whoever_holds_a_key_is_told_of_by_what_it_is_for(room: Room) -> None:
    police = room.caller("law-enforcement", purpose="photo-library").organization
    room.organizations.register("Police without a key", "law-enforcement")
    room.caller("retail")
    found = room.without("no-law-enforcement")
    assert [(each.organization, each.purpose, each.refused) for each in found.affected] == [
        (police, "photo-library", ())
    ]
    assert ("Find faces and describe them", ("no-law-enforcement",)) in found.affected[0].allowed
    assert found.seen == found.pairs == len(room.organizations.keys.all())
    assert ("police detect nothing", True) in found.cases


def test_a_key_that_ended_or_was_revoked_counts_no_more(room: Room) -> None:
    caller = room.caller("law-enforcement")
    assert room.without("no-law-enforcement").affected
    room.organizations.keys.revoke(caller.access_key_id)
    assert not room.without("no-law-enforcement").affected


def test_the_policy_in_force_changes_nothing_for_anybody(room: Room) -> None:
    room.caller("law-enforcement")
    found = room.foresight.of(replace(Pack.shipped("moratorium"), name="again"), wait=60.0)
    assert (found.affected, found.cases, found.refusals) == ((), (), ())


def test_what_was_refused_is_decided_again(room: Room) -> None:
    police = room.caller("law-enforcement", purpose="photo-library")
    for operation in ("DetectFaces", "DetectFaces", "CompareFaces"):
        with pytest.raises(Denied):
            room.ask(police, operation)
    found = room.without("no-law-enforcement")
    assert {each.rule for each in found.refusals} == {"no-law-enforcement"}
    assert [each.operation for each in found.refusals].count("DetectFaces") == 2
    assert found.looked is not None
    assert found.looked[1] == 3
    # Another rule does not let them through.
    assert room.without("no-emotions").refusals == ()
