"""What the policy in force would answer to somebody of a sector, for a purpose: a question about nobody in particular.

Decided by the policy that decides about calls, with what a call would bring to it; nothing is recorded, and nothing
changes. What a change of policy would do `difference` tells, and why somebody was refused `explanation`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from regard.stewardship.council.chain import Law
from regard.stewardship.policy.call import Capability, DataClass
from regard.stewardship.policy.policy import Policy, Principal, Request

# What somebody may want to do, and what that is to the policy.
ACTS: tuple[tuple[str, str, str], ...] = (
    (Capability.DETECT, DataClass.OBJECTS, "Find things, scenes and text in a picture"),
    (Capability.DETECT, DataClass.FACES, "Find faces and describe them"),
    (Capability.COMPARE, DataClass.FACES, "Compare two faces"),
    (Capability.ENROL, DataClass.TEMPLATES, "Keep faces, to search among them"),
    (Capability.IDENTIFY, DataClass.TEMPLATES, "Find out who somebody is"),
    (Capability.READ, DataClass.TEMPLATES, "See whose faces are kept"),
    (Capability.SEARCH_LIVE, DataClass.TEMPLATES, "Look for somebody in live pictures"),
    (Capability.LIVENESS, DataClass.FACES, "Check that somebody is before the camera"),
    ("infer-emotions", DataClass.FACES, "Be told of emotions"),
    (Capability.MANAGE, DataClass.TEMPLATES, "Delete what is kept"),
)
# What a no to means that faces are refused.
OF_FACES = (Capability.DETECT, Capability.COMPARE, Capability.ENROL, Capability.IDENTIFY)
SUSPENDED, RESERVED = "suspended", "purpose-scope"
# What the API takes two faces for one from, where nobody says.
_USUAL = 80.0
_NOBODY = "000000000000"


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks, and for what. `supplies` is a sector that what they get may reach; empty where it reaches nobody.

    `threshold` is a similarity from 0 to 100; None takes the usual one, or the floor where that is higher. `basis` is
    what a collection of faces stands on; None takes what keys of the purpose bring. `audited` says whether an audit of
    the face model counts.
    """

    sector: str
    purpose: str
    supplies: str = ""
    threshold: float | None = None
    basis: str | None = None
    audited: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of one of :data:`ACTS`: whether it is allowed, or else by which rules not."""

    action: str
    data: str
    words: str
    allowed: bool
    rules: tuple[str, ...]

    @property
    def of_faces(self) -> bool:
        """Whether it is one of those that make a face operation."""
        return self.action in OF_FACES and self.data != DataClass.OBJECTS


def verdicts(policy: Policy, law: Law, stopped: Collection[str], question: Question) -> list[Verdict]:
    """The answer to each of :data:`ACTS`, of an admitted organization that calls over the network.

    Each person of a collection that stands on consent is taken to have given it. `stopped` are capabilities that
    members of the council stopped. Raises KeyError for a sector or purpose that the policy does not know.
    """
    purpose = policy.purposes[question.purpose]
    parties = [each for each in (question.sector, question.supplies) if each]
    reaches = frozenset(each for each in parties if policy.sectors[each]["watched"])
    floor = floor_of(policy, law, question.purpose)
    basis = purpose.basis if question.basis is None else question.basis
    given = max(floor, _USUAL) if question.threshold is None else question.threshold
    asked = Request(
        principal=Principal(_NOBODY, question.sector, "admitted", reaches),
        action="",
        purpose=question.purpose,
        rights=purpose.rights,
        floor=floor,
        basis=basis,
        receipt=basis == "consent",
        loopback=False,
        audited=question.audited,
        enabled=law.enabled,
    )
    found = []
    for action, data, words in ACTS:
        judges = action in (Capability.COMPARE, Capability.IDENTIFY)
        decision = policy.decide(replace(asked, action=action, data=data, threshold=given if judges else 100.0))
        allowed, rules = decision.allowed, decision.rules
        if action in law.suspended or action in stopped:
            allowed, rules = False, (SUSPENDED,)
        elif purpose.operations:
            allowed, rules = False, (RESERVED,)
        found.append(Verdict(action, data, words, allowed, rules))
    return found


def floor_of(policy: Policy, law: Law, purpose: str) -> float:
    """The lowest similarity, 0 to 100, at which two faces may be called the same for a purpose."""
    return law.floors.get(purpose, policy.purposes[purpose].floor)


def sentence_of(rule: str, policy: Policy, law: Law, question: Question) -> str:
    """What a rule that denies says in plain words; of a floor, how high it is for this purpose."""
    if rule == SUSPENDED:
        return "The council, or one of its members for a while, stopped this for everybody."
    if rule == RESERVED:
        reserved = ", ".join(policy.purposes[question.purpose].operations)
        return f"A key for {question.purpose} calls {reserved} and nothing else."
    if rule.startswith("floor"):
        return f"{policy.sentence(rule)} It is {floor_of(policy, law, question.purpose):g}."
    return policy.sentence(rule)
