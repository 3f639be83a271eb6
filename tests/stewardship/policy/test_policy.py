from __future__ import annotations

from dataclasses import replace

import pytest

from regard.stewardship.policy.cases import run_cases, shipped_cases
from regard.stewardship.policy.packs import BadPack, Pack, names
from regard.stewardship.policy.policy import EVALUATION_ERROR, Policy, Principal, Request, rules_of, without_rule

SHOP = Principal("100000000000", "retail", "admitted")
RULES = [(name, rule.id) for name in names() for rule in rules_of(Pack.shipped(name).rules)]


@pytest.fixture(scope="module")
def moratorium() -> Policy:
    return Policy(Pack.shipped("moratorium"))


@pytest.mark.parametrize("name", names())
def test_every_case_beside_a_pack_passes(name: str) -> None:
    failed = [outcome for outcome in run_cases(Policy(Pack.shipped(name)), shipped_cases(name)) if not outcome.passed]
    assert not failed


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_deleting_any_one_rule_turns_a_case_red(name: str, rule: str) -> None:
    weakened = Policy(without_rule(Pack.shipped(name), rule))
    assert any(not outcome.passed for outcome in run_cases(weakened, shipped_cases(name)))


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_every_forbidding_rule_has_a_case_that_it_alone_denies(name: str, rule: str) -> None:
    policy = Policy(Pack.shipped(name))
    if policy.rules[rule].effect == "permit":
        return
    alone = [outcome.case for outcome in run_cases(policy, shipped_cases(name)) if outcome.found == rule]
    weakened = Policy(without_rule(policy.pack, rule))
    assert any(outcome.found == "allow" for outcome in run_cases(weakened, alone))


def test_a_rule_without_a_source_is_refused() -> None:
    rules = '@id("a") @sentence("b") permit (principal, action, resource);'
    with pytest.raises(BadPack, match="no @source"):
        Policy(replace(Pack.shipped("open"), rules=rules))


def test_two_rules_of_one_id_are_refused() -> None:
    pack = Pack.shipped("open")
    with pytest.raises(BadPack, match="one @id"):
        Policy(replace(pack, rules=pack.rules + pack.rules))


def test_a_rule_that_reads_what_the_schema_does_not_have_is_refused() -> None:
    rules = Pack.shipped("open").rules.replace("context.loopback", "context.weather")
    with pytest.raises(BadPack, match="does not hold to its schema"):
        Policy(replace(Pack.shipped("open"), rules=rules))


@pytest.mark.parametrize("field", ["rules", "schema", "purposes", "sectors"])
def test_a_pack_of_garbage_is_refused_and_says_so(field: str) -> None:
    with pytest.raises(BadPack):
        Policy(replace(Pack.shipped("open"), **{field: "]{ \x00 garbage"}))


def test_a_pack_whose_text_was_changed_is_not_the_one_that_was_voted_for() -> None:
    pack = Pack.shipped("moratorium")
    assert Pack.from_text(pack.text, pack.hash) == pack
    with pytest.raises(BadPack, match="changed behind the vote"):
        Pack.from_text(pack.text.replace("99", "80"), pack.hash)


def test_an_error_in_a_permit_denies_though_another_rule_permits() -> None:
    # The two numbers overflow only when the rule is evaluated: Cedar then skips it, and would allow.
    overflow = """
        @id("stumbles") @sentence("It errs.") @source("A test.")
        forbid (principal, action, resource) when { context.threshold * 9223372036854775807 > 1 };
    """
    pack = Pack.shipped("open")
    decision = Policy(replace(pack, rules=pack.rules + overflow)).decide(Request(SHOP, "detect"))
    assert (decision.allowed, decision.rules) == (False, (EVALUATION_ERROR,))
    assert "overflow" in decision.errors[0]


def test_an_action_that_the_schema_does_not_have_is_denied(moratorium: Policy) -> None:
    decision = moratorium.decide(Request(SHOP, "guess-the-religion"))
    assert (decision.allowed, decision.rules) == (False, (EVALUATION_ERROR,))


def test_an_attribute_of_the_wrong_kind_is_denied(moratorium: Policy) -> None:
    wrong = replace(Request(SHOP, "detect"), purpose=None)  # type: ignore[arg-type]
    assert moratorium.decide(wrong).rules == (EVALUATION_ERROR,)


def test_a_policy_that_permits_nothing_says_so() -> None:
    pack = replace(Pack.shipped("open"), rules="")
    assert Policy(pack).decide(Request(SHOP, "detect")).rules == ("nothing-permits",)


def test_a_request_comes_back_from_its_record() -> None:
    request = Request(replace(SHOP, reaches=frozenset({"intelligence", "refused"})), "identify", floor=99.5)
    assert Request.from_record(request.as_record()) == request
