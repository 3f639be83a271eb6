"""What the policy would answer, asked without a call: what its own cases say, and what the gate then does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regard.ledger.tree.notes import Signer
from regard.stewardship.council.chain import Law
from regard.stewardship.council.charter import Charter, Member, Quota
from regard.stewardship.gate.verdicts import ACTS, RESERVED, SUSPENDED, Question, Verdict, sentence_of, verdicts
from regard.stewardship.policy.cases import Case, shipped_cases
from regard.stewardship.policy.packs import Pack
from regard.stewardship.policy.policy import Policy
from tests.helpers.stewarding import Stewardship

PACK = Pack.shipped("moratorium")
POLICY = Policy(PACK)
_MEMBER = Signer.generate("operator")
CHARTER = Charter((Member("operator", "operator", str(_MEMBER.verifier)),), {"default": Quota(1)})
LAW = Law("genesis", "head", CHARTER, PACK.hash, PACK.name)


def askable(case: Case) -> bool:
    """Whether a case is about an act that may be asked for, by somebody who was admitted and whom no motion lets do
    more, where each person consented if that is the basis."""
    others = (case.standing, case.refused, case.enabled, case.collection_purpose)
    purpose = POLICY.purposes[case.purpose]
    return (
        others == ("admitted", False, (), "")
        and case.action in {action for action, _, _ in ACTS}
        and not case.authorised
        and (case.floor, case.rights) == (purpose.floor, purpose.rights)
        and case.receipt == (case.basis == "consent")
    )


CASES = [case for case in shipped_cases("moratorium") if askable(case)]


def asked(question: Question, law: Law = LAW, stopped: tuple[str, ...] = ()) -> dict[tuple[str, str], Verdict]:
    return {(each.action, each.data): each for each in verdicts(POLICY, law, stopped, question)}


def test_most_cases_of_the_policy_can_be_asked() -> None:
    assert len(CASES) >= 15


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_question_is_answered_as_the_case_says(case: Case) -> None:
    assert len(case.reaches) <= 1
    question = Question(case.sector, case.purpose, "".join(case.reaches), case.threshold, case.basis)
    verdict = asked(question)[case.action, case.data]
    assert (verdict.allowed or verdict.rules) == (case.expect == "allow" or (case.expect,))


@pytest.mark.parametrize("sector", ["retail", "law-enforcement"])
@pytest.mark.parametrize(("purpose", "threshold"), [("media-archive", 80.0), ("media-archive", 95.0), ("audit", 99.0)])
def test_the_gate_does_what_was_answered(tmp_path: Path, sector: str, purpose: str, threshold: float) -> None:
    room = Stewardship(tmp_path)
    caller = room.caller(sector, purpose)
    found = verdicts(Policy(room.council.pack()), room.council.law(), (), Question(sector, purpose, "", threshold))
    for name, at in (("DetectLabels", 0), ("DetectFaces", 1), ("CompareFaces", 2)):
        given = {"SimilarityThreshold": threshold} if name == "CompareFaces" else {}
        rule = room.rule(caller, name, loopback=False, **given)
        # Where two rules deny, the gate names one of them.
        assert (rule == "allow") == found[at].allowed
        assert rule in ("allow", *found[at].rules)
    room.logbook.close()


def test_without_a_threshold_the_floor_of_the_purpose_counts() -> None:
    assert asked(Question("finance", "identity-verification"))["compare", "faces"].allowed
    low = asked(Question("finance", "identity-verification", threshold=98.9))["compare", "faces"]
    assert low.rules == ("floor-where-rights-are-at-stake",)
    raised = replace(LAW, floors={"photo-library": 90.0})
    question = Question("other", "photo-library", threshold=85)
    assert asked(question)["compare", "faces"].allowed
    assert not asked(question, raised)["compare", "faces"].allowed
    assert sentence_of("floor-of-the-purpose", POLICY, raised, question).endswith("It is 90.")


def test_whom_it_reaches_counts_as_who_asks() -> None:
    through = asked(Question("technology", "development", supplies="intelligence"))
    assert through["detect", "faces"].rules == ("no-intelligence",)
    assert through["detect", "objects"].allowed


def test_what_is_stopped_is_answered_so_whoever_asks() -> None:
    for law, stopped in ((LAW, ("identify",)), (replace(LAW, suspended=frozenset({"identify"})), ())):
        found = asked(Question("retail", "development"), law, stopped)
        assert found["identify", "templates"].rules == (SUSPENDED,)
        assert found["compare", "faces"].allowed


def test_a_purpose_with_operations_of_its_own_allows_nothing_else() -> None:
    question = Question("research", "audit")
    assert {verdict.rules for verdict in asked(question).values()} == {(RESERVED,)}
    assert "AuditBatch" in sentence_of(RESERVED, POLICY, LAW, question)


def test_what_the_policy_does_not_know_is_no_question() -> None:
    for question in (Question("circus", "development"), Question("retail", "fun"), Question("retail", "audit", "x")):
        with pytest.raises(KeyError):
            asked(question)


def test_a_rule_that_asks_for_an_audit_is_answered_as_the_model_stands() -> None:
    rule = """
@id("no-search-unaudited")
@sentence("Nobody is identified with a model that was not audited.")
@source("A test.")
forbid (principal, action == Action::"identify", resource) unless { context.audited };
"""
    policy = Policy(replace(PACK, rules=PACK.rules + rule))
    for audited in (False, True):
        found = verdicts(policy, LAW, (), Question("retail", "development", audited=audited))
        assert [each.action for each in found if not each.allowed] == (
            [*([] if audited else ["identify"]), "search-live", "liveness", "infer-emotions"]
        )
