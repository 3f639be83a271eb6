"""Audits of the face model: said at start when missing or old, and a rule may ask for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from regard.database import open_database
from regard.evaluation.bias import AUDIT
from regard.settings import Settings
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.gate.audits import Audits
from regard.stewardship.gate.gate import Denied, Gate
from regard.stewardship.policy.packs import Pack
from regard.stewardship.policy.policy import Policy, Principal, Request
from regard.stewardship.records import records
from tests.helpers.databases import database_url
from tests.helpers.stewarding import Stewardship

DAY = 86_400
SHOP = Principal("100000000000", "retail", "admitted")
RULE = """
@id("identification-needs-audit")
@sentence("Nobody is identified with a face model that was not audited for bias.")
@source("docs/bias.md")
forbid (principal, action == Action::"identify", resource)
unless { context.audited };
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(database_url(tmp_path))


def _entered(engine: Engine, model: str, at: float) -> None:
    with engine.begin() as connection:
        records.append(connection, AUDIT, at, {"model": model, "report": "00", "results": {}})


def test_a_model_that_was_never_audited_says_so_at_start(engine: Engine) -> None:
    audits = Audits(engine, "1.0", 365)
    assert not audits.current()
    (line,) = audits.opening()
    assert "1.0 was never audited" in line
    assert "regard audit run" in line


def test_an_audit_counts_for_its_term_and_its_model(engine: Engine) -> None:
    now = [1_000 * DAY]
    audits = Audits(engine, "1.0", 365, lambda: float(now[0]))
    _entered(engine, "0.9", now[0])
    assert audits.current("0.9")
    assert not audits.current()
    _entered(engine, "1.0", now[0])
    assert audits.current()
    assert audits.opening() == []
    now[0] += 365 * DAY
    assert not audits.current()
    assert "last audited for bias on 1972-09-27" in audits.opening()[0]


def test_a_rule_may_require_an_audit_for_identification() -> None:
    pack = Pack.shipped("moratorium")
    plain, strict = Policy(pack), Policy(replace(pack, rules=pack.rules + RULE))
    assert (plain.asks_for_audits, strict.asks_for_audits) == (False, True)
    asked = Request(SHOP, "identify", data="templates")
    assert plain.decide(asked).allowed
    assert strict.decide(asked).rules == ("identification-needs-audit",)
    assert strict.decide(replace(asked, audited=True)).allowed
    assert strict.decide(replace(asked, action="compare")).allowed


def test_a_pack_from_before_audits_still_decides() -> None:
    pack = Pack.shipped("moratorium")
    before = "\n".join(line for line in pack.schema.splitlines() if "audited" not in line)
    assert Policy(replace(pack, schema=before)).decide(Request(SHOP, "detect")).allowed


def test_the_gate_asks_for_the_audit_that_the_policy_in_force_asks_for(tmp_path: Path) -> None:
    room = Stewardship(tmp_path)
    audits = Audits(room.engine, "1.0", 365, lambda: room.now)
    settings = Settings(data_dir=tmp_path)
    gate = Gate(room.engine, settings, room.logbook, room.gallery, clock=lambda: room.now, audited=audits.current)
    pack = Pack.shipped("moratorium")
    stored = room.council.store(replace(pack, name="audited", rules=pack.rules + RULE))
    motion = room.council.draft(Kind.POLICY, "audit first", {"policy": stored, "pack": "audited"}, "operator")
    room.council.propose(motion.signed(room.signer))
    room.council.vote(motion, Vote.APPROVE, "", room.signer)
    caller = room.caller()
    with pytest.raises(Denied) as denied:
        gate.before(room.call(caller, "SearchFacesByImage"))
    assert denied.value.rule == "identification-needs-audit"
    _entered(room.engine, "1.0", room.now)
    gate.before(room.call(caller, "SearchFacesByImage"))
    room.now += 365 * DAY
    with pytest.raises(Denied):
        gate.before(room.call(caller, "SearchFacesByImage"))
