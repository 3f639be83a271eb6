"""What a change of policy would newly allow or deny, before it is voted on. `explanation` looks at one past denial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

from regard.stewardship.council.chain import Law
from regard.stewardship.gate.snapshot import Snapshot
from regard.stewardship.policy.call import Capability, DataClass
from regard.stewardship.policy.policy import THOUSANDTHS, Policy, Principal, Request
from regard.stewardship.policy.traits import TRAITS
from regard.stewardship.policy.vocabulary import BASES

# What a call may be, as far as rules tell calls apart.
_KINDS = (
    (Capability.DETECT, DataClass.OBJECTS),
    (Capability.DETECT, DataClass.FACES),
    (Capability.COMPARE, DataClass.FACES),
    (Capability.ENROL, DataClass.TEMPLATES),
    (Capability.IDENTIFY, DataClass.TEMPLATES),
    (Capability.READ, DataClass.SETTINGS),
    (Capability.READ, DataClass.TEMPLATES),
    (Capability.MANAGE, DataClass.SETTINGS),
    (Capability.MANAGE, DataClass.TEMPLATES),
    ("infer-emotions", DataClass.FACES),
    (Capability.LIVENESS, DataClass.FACES),
    (Capability.SEARCH_LIVE, DataClass.TEMPLATES),
    ("infer-traits", DataClass.OBJECTS),
    ("train-people", DataClass.FACES),
    ("start-people", DataClass.FACES),
    ("track", DataClass.OBJECTS),
)
_STANDING = (Capability.ENROL, Capability.IDENTIFY, Capability.SEARCH_LIVE, "train-people", "start-people")
_JUDGING = (Capability.COMPARE, Capability.IDENTIFY)
_THRESHOLDS = (0.0, 80.0, 99.0)
# What floors are told apart by, as policies see them.
_LEAST = 1 / THOUSANDTHS
_ANOTHER = "another purpose"


@dataclass(frozen=True, slots=True)
class Change:
    """A call that the policy would answer otherwise than now. `rules` are those that deny, before or after."""

    organization: str
    action: str
    data: str
    purpose: str
    circumstances: str
    allowed_before: bool
    allowed_after: bool
    rules: tuple[str, ...]


def difference(snapshot: Snapshot, after: Policy, purposes: Iterable[str]) -> list[Change]:
    """Every organization, kind of call and purpose whose answer differs between the law's policy and `after`."""
    changes = []
    for organization in sorted(snapshot.parties):
        for purpose in sorted(purposes):
            changes += [change for _, change in differing(snapshot, after, organization, purpose)]
    return changes


def differing(snapshot: Snapshot, after: Policy, organization: str, purpose: str) -> list[tuple[Request, Change]]:
    """The same for one organization of the register and one purpose, each with the question that it is about."""
    principal = snapshot.principal(organization)
    assert principal is not None
    thresholds = _thresholds([_floor(each, purpose, snapshot.law) for each in (snapshot.policy, after)])
    requests = _requests(principal, purpose, snapshot.law, thresholds)
    return [(request, each) for request, told in requests for each in _changes(snapshot, after, request, told)]


def _thresholds(floors: Iterable[float]) -> list[float]:
    """Thresholds on both sides of every floor."""
    beside = {max(0.0, floor - below) for floor in floors for below in (0, _LEAST)}
    return sorted({*_THRESHOLDS, *beside})


def _requests(principal: Principal, purpose: str, law: Law, thresholds: list[float]) -> Iterable[tuple[Request, str]]:
    for action, data in _KINDS:
        kept, judged = action in _STANDING, action in _JUDGING
        live = action == Capability.SEARCH_LIVE
        for basis, bound, threshold, loopback, authorised in product(
            BASES if kept else BASES[1:2],
            (purpose, _ANOTHER) if kept else ("",),
            thresholds if judged else (100.0,),
            (True, False),
            (True, False) if live else (False,),
        ):
            yield (
                Request(
                    principal=principal,
                    action=action,
                    data=data,
                    purpose=purpose,
                    basis=basis,
                    collection_purpose=bound,
                    threshold=threshold,
                    loopback=loopback,
                    enabled=law.enabled,
                    traits=frozenset(TRAITS),
                    receipt=live,
                    authorised=authorised,
                ),
                f"basis {basis}, {f'collection for {bound}, ' * (bound == _ANOTHER)}threshold {threshold:g}, "
                f"{'own machine' if loopback else 'network'}{', by a motion' * authorised}",
            )


def _changes(snapshot: Snapshot, after: Policy, request: Request, told: str) -> list[Change]:
    """What changes for a request, told apart where it matters whether the face model was audited."""
    without = _change(snapshot, after, request, told)
    if snapshot.policy.asks_for_audits or after.asks_for_audits:
        audited = _change(snapshot, after, replace(request, audited=True), told)
        if audited != without:
            both = {"not audited": without, "audited": audited}
            return [replace(each, circumstances=f"{told}, {word}") for word, each in both.items() if each]
    return [without] if without else []


def _change(snapshot: Snapshot, after: Policy, request: Request, told: str) -> Change | None:
    first, second = (policy.decide(floored(policy, request, snapshot.law)) for policy in (snapshot.policy, after))
    if first.allowed == second.allowed:
        return None
    rules = second.rules if first.allowed else first.rules
    return Change(
        request.principal.id,
        request.action,
        request.data,
        request.purpose,
        told,
        first.allowed,
        second.allowed,
        rules,
    )


def floored(policy: Policy, request: Request, law: Law) -> Request:
    """A request as the gate would ask it under this policy and law: with its purpose's floor and rights."""
    purpose = policy.purposes.get(request.purpose)
    return replace(request, floor=_floor(policy, request.purpose, law), rights=bool(purpose and purpose.rights))


def _floor(policy: Policy, purpose: str, law: Law) -> float:
    known = policy.purposes.get(purpose)
    return law.floors.get(purpose, known.floor if known else 0.0)
