"""A denial from the record, decided again offline and told in words; for a whole policy `difference` does so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regard.stewardship.policy.policy import Decision, Policy, Request, Rule


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was decided, what the same policy says now, and the rules that matter.

    `same` is whether both agree; None when the gate denied before it asked the policy.
    """

    rule: str
    decision: Decision | None
    rules: tuple[Rule, ...]
    same: bool | None
    path: tuple[str, ...]


def explain(record: Mapping[str, Any], policy: Policy) -> Explanation:
    """Explain the body of a record of kind "denial". Raises ValueError when `policy` is not the one it names."""
    rule, path = str(record["rule"]), tuple(record.get("path", ()))
    if "request" not in record:
        return Explanation(rule, None, (), None, path)
    if record["policy"] != policy.pack.hash:
        raise ValueError(f"the record is of policy {record['policy'][:12]}, not of {policy.pack.hash[:12]}")
    decision = policy.decide(Request.from_record(dict(record["request"])))
    rules = tuple(policy.rules[each] for each in decision.rules if each in policy.rules)
    return Explanation(rule, decision, rules, tuple(record["rules"]) == decision.rules, path)
