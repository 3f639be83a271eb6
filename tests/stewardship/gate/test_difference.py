from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.gate.difference import difference
from regard.stewardship.gate.explanation import explain
from regard.stewardship.gate.snapshot import Snapshot, Snapshots
from regard.stewardship.parties.admission import write_decision
from regard.stewardship.parties.organization import Standing
from regard.stewardship.policy.packs import Pack
from regard.stewardship.policy.policy import Policy, without_rule
from tests.helpers.stewarding import Stewardship
from tests.stewardship.gate.test_audits import RULE as AUDIT_RULE


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


def _snapshot(room: Stewardship) -> Snapshot:
    return Snapshots(room.engine, lambda: room.now).current()


@pytest.mark.long
@pytest.mark.parametrize("rule", [each.id for each in Policy(Pack.shipped("moratorium")).rules.values()])
def test_whichever_rule_is_taken_out_shows(room: Stewardship, rule: str) -> None:
    for sector in ("law-enforcement", "immigration-enforcement", "intelligence", "retail"):
        room.caller(sector)
    for standing in (Standing.REFUSED, Standing.REVIEW):
        organization = room.organizations.register(f"An organization, {standing}", "retail").id
        with room.engine.begin() as connection:
            write_decision(connection, organization, standing, "a test", "to see", room.now)
    after = Policy(without_rule(Pack.shipped("moratorium"), rule))
    assert difference(_snapshot(room), after, ["photo-library", "identity-verification"])


def test_a_floor_that_moves_a_little_shows_on_both_sides(room: Stewardship) -> None:
    room.caller()
    pack = Pack.shipped("moratorium")
    lower = Policy(replace(pack, purposes=pack.purposes.replace("floor = 99", "floor = 95")))
    changes = difference(_snapshot(room), lower, ["identity-verification"])
    assert {each.circumstances.partition("threshold ")[2].split(",")[0] for each in changes} == {"95", "98.999"}


def test_a_floor_that_a_motion_set_stays_whatever_the_pack_says(room: Stewardship) -> None:
    room.caller()
    payload = {"purpose": "identity-verification", "floor": 99.5}
    motion = room.council.draft(Kind.FLOOR, "higher", payload, "operator")
    room.council.propose(motion.signed(room.signer))
    room.council.vote(motion, Vote.APPROVE, "", room.signer)
    pack = Pack.shipped("moratorium")
    lower = Policy(replace(pack, purposes=pack.purposes.replace("floor = 99", "floor = 95")))
    assert difference(_snapshot(room), lower, ["identity-verification"]) == []


def test_a_change_is_told_by_organization_and_by_kind_of_call(room: Stewardship) -> None:
    police = room.caller("law-enforcement").organization
    room.caller("retail")
    snapshot = _snapshot(room)
    weaker = Policy(without_rule(Pack.shipped("moratorium"), "no-law-enforcement"))
    changes = difference(snapshot, weaker, ["development"])
    assert {change.organization for change in changes} == {police}
    assert all(change.allowed_after and not change.allowed_before for change in changes)
    assert {"detect", "compare", "enrol", "identify"} <= {change.action for change in changes}
    assert difference(snapshot, snapshot.policy, ["development"]) == []


def test_whether_the_face_model_was_audited_is_told_where_it_matters(room: Stewardship) -> None:
    room.caller("law-enforcement")
    snapshot = _snapshot(room)
    pack = without_rule(Pack.shipped("moratorium"), "no-law-enforcement")
    changes = difference(snapshot, Policy(replace(pack, rules=pack.rules + AUDIT_RULE)), ["development"])
    told = {each.action: each.circumstances for each in changes if "basis attested" in each.circumstances}
    assert told["enrol"].endswith(("network", "own machine"))
    assert told["identify"].endswith(", audited")
    shop = room.caller("retail").organization
    own = Policy(replace(Pack.shipped("moratorium"), rules=Pack.shipped("moratorium").rules + AUDIT_RULE))
    changes = difference(_snapshot(room), own, ["development"])
    assert {(each.organization, each.action, each.allowed_after) for each in changes} == {(shop, "identify", False)}
    assert all(each.circumstances.endswith(", not audited") for each in changes)


def test_a_record_is_not_explained_by_another_policy(room: Stewardship) -> None:
    body = {"rule": "x", "policy": "0" * 64, "request": {}, "rules": []}
    with pytest.raises(ValueError, match="is of policy 000000000000"):
        explain(body, Policy(Pack.shipped("open")))


def test_a_denial_from_before_the_policy_was_asked_has_no_decision() -> None:
    told = explain({"rule": "key-scope"}, Policy(replace(Pack.shipped("open"))))
    assert (told.rule, told.decision, told.same) == ("key-scope", None, None)
