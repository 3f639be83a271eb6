"""The question that a call is to the policy, its answer, and the denial that says why; `policy.call` is the call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from regard.stewardship.council.collections import BASIS, PURPOSE, Terms
from regard.stewardship.gate.key_terms import brings_faces, check_purpose
from regard.stewardship.gate.snapshot import Snapshot
from regard.stewardship.gate.thresholds import Floor, apply_floor, floor_for
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.denied import APPEAL, Denied
from regard.stewardship.policy.enrolment import Enrolment
from regard.stewardship.policy.policy import Decision, Request
from regard.stewardship.policy.withholding import threshold_of

Receipts = Callable[[Enrolment], bool]
Missing = Callable[[Enrolment, str], str]
_NO_RECEIPT = "consent-needs-receipt"  # a rule of the packs that ship
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question put to the policy in force, and its answer."""

    snapshot: Snapshot
    request: Request
    decision: Decision
    floor: Floor


class Questions:
    """Puts calls to the policy in force. Thread-safe.

    `receipts(enrolment)` says whether a consent covers it, and `missing(enrolment, purpose)` which one lacks;
    `audited(face_model)` whether an audit of a face model counts, of the one that runs where none is named.
    """

    def __init__(self, receipts: Receipts, audited: Callable[[str], bool], missing: Missing) -> None:
        self._receipts = receipts
        self._audited = audited
        self._missing = missing

    def ask(self, call: Call, snapshot: Snapshot, terms: Terms) -> Asked:
        """Ask the policy about a call. Raises Denied where its purpose says no, or is unknown."""
        caller, enrolment = call.caller, _enrolment(call)
        principal = snapshot.principal(caller.organization)
        purpose = snapshot.policy.purposes.get(caller.purpose)
        assert principal is not None
        if purpose is None:
            raise Denied("unknown-purpose", f"The policy in force knows no purpose {caller.purpose}.")
        check_purpose(call, snapshot.policy.purposes)
        floor = floor_for(call, purpose, snapshot.law.floors.get(caller.purpose, purpose.floor), terms)
        request = Request(
            principal=principal,
            action=call.operation.capability,
            collection=f"{caller.organization}/{enrolment.collection}",
            operation=call.operation.name,
            data=call.operation.data,
            purpose=caller.purpose,
            rights=purpose.rights,
            floor=floor.similarity,
            threshold=apply_floor(call, floor),
            basis=terms.tags.get(BASIS, caller.basis),
            collection_purpose=terms.tags.get(PURPOSE, ""),
            receipt=not brings_faces(call) or (bool(enrolment.person) and self._receipts(enrolment)),
            loopback=call.loopback,
            audited=snapshot.policy.asks_for_audits and self._audited(terms.face_model),
            enabled=snapshot.law.enabled,
        )
        asked = Asked(snapshot, request, snapshot.policy.decide(request), floor)
        compares = call.operation.compares and threshold_of(call.operation) is not None
        return _asked_as_comparison(asked) if compares and asked.decision.allowed else asked

    def check(self, call: Call, asked: Asked) -> None:
        """Raise Denied where the policy says no, with what is missing or through whose hands it would go."""

        def beside(rule: str) -> str:
            purpose = asked.request.collection_purpose or asked.request.purpose
            return f" {self._missing(_enrolment(call), purpose)}" if rule == _NO_RECEIPT else ""

        check_answer(asked, beside)


def check_answer(asked: Asked, beside: Callable[[str], str]) -> None:
    """Raise Denied where the policy says no, with what `beside` has to say of the rule, or through whose hands."""
    decision, snapshot = asked.decision, asked.snapshot
    if decision.allowed:
        return
    if decision.errors:
        _log.error("the policy could not be evaluated: %s", "; ".join(decision.errors))
    rule, path = decision.rules[0], tuple[str, ...]()
    for mark in sorted(asked.request.principal.reaches):
        if through := _denied_for(mark, asked):
            rule, path = through, snapshot.path(asked.request.principal.id, mark)
            break
    raise Denied(rule, f"{_sentence(asked, rule)}{beside(rule)}", path, APPEAL)


def check_attestation(asked: Asked, now: float) -> None:
    """Raise Denied for what is sensitive, while a declaration of end customers is not attested."""
    path = _unattested(asked.snapshot, asked.request, now)
    if path is not None:
        whose = "of an organization behind you" if path else "of your end customers"
        raise Denied(
            "attestation-expired",
            f"The declaration {whose} is not attested, or its attestation has expired.",
            path,
            "it is signed again with `regard orgs attest`.",
        )


def may_hear_of_faces(asked: Asked, now: float) -> bool:
    """Whether whoever asks this would be answered, were it about faces: what is said of faces besides hangs on it."""
    request = replace(asked.request, data=DataClass.FACES)
    return asked.snapshot.policy.decide(request).allowed and _unattested(asked.snapshot, request, now) is None


def _unattested(snapshot: Snapshot, request: Request, now: float) -> tuple[str, ...] | None:
    """The way to a declaration that is not attested, where what is asked is sensitive; else None."""
    sensitive = request.data in (DataClass.FACES, DataClass.TEMPLATES) and request.action != Capability.MANAGE
    return snapshot.unattested(request.principal.id, now) if sensitive else None


def _asked_as_comparison(asked: Asked) -> Asked:
    """The question as the comparison that the operation makes besides, where the policy refuses that."""
    request = replace(asked.request, action=Capability.COMPARE)
    decision = asked.snapshot.policy.decide(request)
    return asked if decision.allowed else replace(asked, request=request, decision=decision)


def _enrolment(call: Call) -> Enrolment:
    """Whom the call would enrol where, by its parameters; operations without them leave the words empty."""
    collection, person = (str(call.parameters.get(name, "")) for name in ("CollectionId", "ExternalImageId"))
    return Enrolment(call.caller.organization, collection, person)


def _denied_for(mark: str, asked: Asked) -> str | None:
    """The rule that would not deny an organization that did not reach `mark`."""
    principal = asked.request.principal
    elsewhere = replace(principal, reaches=principal.reaches - {mark})
    others = asked.snapshot.policy.decide(replace(asked.request, principal=elsewhere))
    left = () if others.allowed else others.rules
    return next((rule for rule in asked.decision.rules if rule not in left), None)


def _sentence(asked: Asked, rule: str) -> str:
    sentence = asked.snapshot.policy.sentence(rule)
    if rule.startswith("floor"):
        request = asked.request
        sentence += f" It is {request.floor:g} {asked.floor.why}; {request.threshold:g} was given."
    return sentence
