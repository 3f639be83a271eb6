"""Coverage: what answers and what does not, for each operation of the API; `docs/coverage.md` is made from this."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from regard.operations.common.registry import answered, lacks_of
from regard.stewardship.policy.packs import FIRST_PACK, Pack
from regard.stewardship.policy.policy import rules_of
from regard.stewardship.policy.service_model import service_model

# Operations that do not answer because a rule of the shipped pack refuses them, and which.
RULES = {
    "StartPersonTracking": "no-person-tracking",
    "GetPersonTracking": "no-person-tracking",
}


class Row(NamedTuple):
    """One operation of the API: a row of `docs/coverage.md`."""

    operation: str
    state: str
    remark: str


def refused() -> dict[str, str]:
    """The operations that a rule refuses as long as nothing answers them, and the rule by name with its sentence."""
    return {name: said for name, said in _refusals().items() if name not in answered()}


@cache
def _refusals() -> dict[str, str]:
    rules = {rule.id: rule.sentence for rule in rules_of(Pack.shipped(FIRST_PACK).rules)}
    return {name: f"[{rule}] {rules[rule]}" for name, rule in RULES.items()}


def rows() -> list[Row]:
    """A row for every operation of the service model, in the alphabet's order."""
    return [_row(name) for name in sorted(service_model().operation_names)]


def as_markdown() -> str:
    """The text of `docs/coverage.md`."""
    table = rows()
    built = sum(row.state in ("answered", "in part") for row in table)
    lines = [
        "# Which operations answer",
        "",
        f"{built} of {len(table)} operations answer. This page is made by `regard coverage --write`; a test "
        "fails when it is out of date.",
        "",
        "| Operation | answered · in part · refused | what is missing, or why |",
        "|---|---|---|",
        *(f"| {row.operation} | {row.state} | {row.remark} |" for row in table),
    ]
    return "\n".join(lines) + "\n"


def remark_of(name: str) -> str:
    """Why the operation `name` does not answer, in a sentence."""
    return _row(name).remark


def _row(name: str) -> Row:
    if name in refused():
        return Row(name, "refused", refused()[name])
    lacks = lacks_of(name)
    return Row(name, "in part" if lacks else "answered", lacks)
