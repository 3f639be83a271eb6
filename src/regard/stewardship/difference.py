"""What a change of policy would newly allow or deny, before it is put to the vote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from regard.stewardship.call import Capability, DataClass
from regard.stewardship.policy import Policy, Principal, Request
from regard.stewardship.snapshot import Snapshot
from regard.stewardship.vocabulary import BASES

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
)
_THRESHOLDS = (0.0, 80.0, 99.0)


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that would be another. `rules` are those that deny, before or after."""

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
        principal = snapshot.principal(organization)
        assert principal is not None
        for purpose in sorted(purposes):
            for request, told in _requests(principal, purpose, snapshot):
                changes += _changes(snapshot.policy, after, request, told)
    return changes


def _requests(principal: Principal, purpose: str, snapshot: Snapshot) -> Iterable[tuple[Request, str]]:
    for action, data in _KINDS:
        for basis in BASES if action in (Capability.ENROL, Capability.IDENTIFY) else BASES[1:2]:
            for threshold in _THRESHOLDS if action in (Capability.COMPARE, Capability.IDENTIFY) else (100.0,):
                for loopback in (True, False):
                    yield (
                        Request(
                            principal=principal,
                            action=action,
                            data=data,
                            purpose=purpose,
                            basis=basis,
                            threshold=threshold,
                            loopback=loopback,
                            enabled=snapshot.law.enabled,
                        ),
                        f"basis {basis}, threshold {threshold:g}, {'own machine' if loopback else 'network'}",
                    )


def _changes(before: Policy, after: Policy, request: Request, told: str) -> list[Change]:
    """What changes for a request, told apart where it matters whether the face model was audited."""
    without = _change(before, after, request, told)
    if before.asks_for_audits or after.asks_for_audits:
        audited = _change(before, after, replace(request, audited=True), told)
        if audited != without:
            both = {"not audited": without, "audited": audited}
            return [replace(each, circumstances=f"{told}, {word}") for word, each in both.items() if each]
    return [without] if without else []


def _change(before: Policy, after: Policy, request: Request, told: str) -> Change | None:
    first, second = before.decide(_floored(before, request)), after.decide(_floored(after, request))
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


def _floored(policy: Policy, request: Request) -> Request:
    purpose = policy.purposes.get(request.purpose)
    return replace(request, floor=purpose.floor, rights=purpose.rights) if purpose else request
