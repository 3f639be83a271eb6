from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regard.stewardship.difference import difference
from regard.stewardship.explanation import explain
from regard.stewardship.packs import Pack
from regard.stewardship.policy import Policy, without_rule
from regard.stewardship.snapshot import Snapshots
from tests.stewarding import Stewardship
from tests.test_stewardship_audits import RULE as AUDIT_RULE


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


def test_a_change_is_told_by_organization_and_by_kind_of_call(room: Stewardship) -> None:
    police = room.caller("law-enforcement").organization
    room.caller("retail")
    snapshot = Snapshots(room.engine).current()
    weaker = Policy(without_rule(Pack.shipped("moratorium"), "no-law-enforcement"))
    changes = difference(snapshot, weaker, ["development"])
    assert {change.organization for change in changes} == {police}
    assert all(change.allowed_after and not change.allowed_before for change in changes)
    assert {"detect", "compare", "enrol", "identify"} <= {change.action for change in changes}
    assert difference(snapshot, snapshot.policy, ["development"]) == []


def test_whether_the_face_model_was_audited_is_told_where_it_matters(room: Stewardship) -> None:
    room.caller("law-enforcement")
    snapshot = Snapshots(room.engine).current()
    pack = without_rule(Pack.shipped("moratorium"), "no-law-enforcement")
    changes = difference(snapshot, Policy(replace(pack, rules=pack.rules + AUDIT_RULE)), ["development"])
    told = {each.action: each.circumstances for each in changes if "basis attested" in each.circumstances}
    assert told["enrol"].endswith(("network", "own machine"))
    assert told["identify"].endswith(", audited")
    shop = room.caller("retail").organization
    own = Policy(replace(Pack.shipped("moratorium"), rules=Pack.shipped("moratorium").rules + AUDIT_RULE))
    changes = difference(Snapshots(room.engine).current(), own, ["development"])
    assert {(each.organization, each.action, each.allowed_after) for each in changes} == {(shop, "identify", False)}
    assert all(each.circumstances.endswith(", not audited") for each in changes)


def test_a_record_is_not_explained_by_another_policy(room: Stewardship) -> None:
    body = {"rule": "x", "policy": "0" * 64, "request": {}, "rules": []}
    with pytest.raises(ValueError, match="is of policy 000000000000"):
        explain(body, Policy(Pack.shipped("open")))


def test_a_denial_from_before_the_policy_was_asked_has_no_decision() -> None:
    told = explain({"rule": "key-scope"}, Policy(replace(Pack.shipped("open"))))
    assert (told.rule, told.decision, told.same) == ("key-scope", None, None)
