"""Cases of a pack: calls that it must allow or deny, kept as files beside it and run by `regard policy test`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from regard.stewardship.policy.packs import POLICIES
from regard.stewardship.policy.policy import Policy, Principal, Request


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case; `expect` is "allow", "deny", or the id of the one rule that denies."""

    name: str
    action: str
    expect: str
    sector: str = "retail"
    standing: str = "admitted"
    reaches: tuple[str, ...] = ()
    refused: bool = False
    data: str = "faces"
    purpose: str = "development"
    rights: bool = False
    floor: float = 0.0
    threshold: float = 80.0
    basis: str = "attested"
    collection_purpose: str = ""
    receipt: bool = False
    loopback: bool = True
    audited: bool = False
    enabled: tuple[str, ...] = ()
    authorised: bool = False
    traits: tuple[str, ...] = ()
    probe: str = "none"

    def request(self, watched: frozenset[str]) -> Request:
        """The question that this case asks; an organization reaches its own sector when it is watched."""
        own = {self.sector} & watched
        reaches = frozenset({*self.reaches, *own, *(["refused"] if self.refused else [])})
        return Request(
            principal=Principal("100000000000", self.sector, self.standing, reaches),
            action=self.action,
            data=self.data,
            purpose=self.purpose,
            rights=self.rights,
            floor=self.floor,
            threshold=self.threshold,
            basis=self.basis,
            collection_purpose=self.collection_purpose,
            receipt=self.receipt,
            loopback=self.loopback,
            audited=self.audited,
            enabled=frozenset(self.enabled),
            authorised=self.authorised,
            traits=frozenset(self.traits),
            probe=self.probe,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: "allow", or the ids of the rules that denied."""

    case: Case
    found: str
    passed: bool


def read_cases(file: Path) -> list[Case]:
    """The cases in a TOML file. Raises ValueError with what is wrong."""
    return msgspec.convert(tomllib.loads(file.read_text())["case"], list[Case])


def shipped_cases(name: str) -> list[Case]:
    """The cases that ship beside the pack `name`."""
    return read_cases(POLICIES / f"{name}.cases.toml")


def run_cases(policy: Policy, cases: list[Case]) -> list[Outcome]:
    """Ask the policy every case."""
    watched = frozenset(name for name, sector in policy.sectors.items() if sector["watched"])
    outcomes = []
    for case in cases:
        decision = policy.decide(case.request(watched))
        found = "allow" if decision.allowed else " ".join(decision.rules)
        passed = found == case.expect or (case.expect == "deny" and not decision.allowed)
        outcomes.append(Outcome(case, found, passed))
    return outcomes
