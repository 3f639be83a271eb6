"""The one door: every call passes it before and after its operation."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine

from regard.database import RECORDS, writing
from regard.settings import Settings
from regard.stewardship.council import council
from regard.stewardship.council.collections import (
    BASIS,
    PURPOSE,
    Collections,
    KeptCollections,
    Terms,
    check_tightening,
    set_terms,
)
from regard.stewardship.gate import accounts
from regard.stewardship.gate.snapshot import NotInForce, Snapshot, Snapshots
from regard.stewardship.logbook.entries import CALL
from regard.stewardship.logbook.logbook import Logbook, NotLogged
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.policy import EVALUATION_ERROR, Decision, Request
from regard.stewardship.policy.vocabulary import Purpose
from regard.stewardship.policy.withholding import EMOTIONS, paths_to, threshold_of, without
from regard.stewardship.records import records
from regard.vision.faces.similarity import calibration

__all__ = ["Denied", "Gate", "Permit"]

Receipts = Callable[[str, str, str], bool]
Missing = Callable[[str, str, str, str], str]
DEFAULT_THRESHOLD = 80.0  # AWS's, of every operation that has one and asks the gate for a floor
MOST_FACES_A_PICTURE = 100
_RAISED = "x-regard-threshold"
_POLICY = "regard/policy"  # a kind of record
_TOKEN = "subject-token"  # told in place of a rule
_NO_RECEIPT = "consent-needs-receipt"  # a rule of the packs that ship
_JUDGED = (Capability.COMPARE, Capability.IDENTIFY)
_ASK = (
    "anyone may appeal by POST /stewardship/v1/reports, as docs/reports.md shows; `regard council charter` says who "
    "answers, and an answer that is overdue shows in the public report."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Permit:
    """What was decided about a call before its operation runs. `searched` is how many faces it may look through.

    `refused` says that the organization itself might not do what a person does here with a token.
    """

    call: Call
    withheld: tuple[str, ...] = ()
    searched: int | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question put to the policy in force, and its answer. `floor` is the one of the request, in words."""

    snapshot: Snapshot
    request: Request
    decision: Decision
    floor: str


class Gate:
    """Decides about calls. Thread-safe.

    `collections` answers for the gallery; `receipts(organization, collection, external_image_id)` says whether
    there is a consent receipt, and `missing`, with the purpose too, which one lacks; `audited(face_model)` whether an
    audit of a face model counts, of the one that runs where none is named. On a new database the gate founds a council
    of one, whose key it keeps in the data folder, and the pack "moratorium" is in force.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        logbook: Logbook,
        collections: Collections | None = None,
        receipts: Receipts = lambda _organization, _collection, _person: False,
        clock: Callable[[], float] = time.time,
        audited: Callable[[str], bool] = lambda _face_model: False,
        missing: Missing = lambda _organization, _collection, _person, _purpose: "",
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._logbook = logbook
        self._collections = collections or KeptCollections(engine)
        self._receipts = receipts
        self._audited = audited
        self._missing = missing
        self._clock = clock
        self.council = council.first_start(engine, settings.data_dir / "council.key", clock)
        self._snapshots = Snapshots(engine, clock)
        self._told: set[tuple[str, str]] = set()
        self._told_policy = ""

    def before(self, call: Call) -> Permit:
        """Whether the operation may run. Raises Denied: what goes wrong in here denies; and NotLogged.

        A threshold that the call does not give is raised to the floor of its purpose, or of so large a collection,
        which `call.remarks` says.
        """
        if trouble := self._logbook.trouble:
            raise NotLogged(trouble)
        asked = None
        call.account = accounts.begun(call)
        try:
            snapshot = self._snapshots.current()
            terms = self._terms(call)
            self._tell_policy(snapshot.law.policy)
            self._begin_account(call, snapshot)
            self._check_key(call, snapshot, terms)
            self._check_tags(call, snapshot, terms)
            given = _given_threshold(call)
            request, floor = self._request(call, snapshot, terms)
            asked = _Asked(snapshot, request, snapshot.policy.decide(request), floor)
            call.account |= accounts.threshold(call, given, request.threshold)
            self._check_decision(call, asked)
            self._check_attestation(asked)
            call.account |= {"decision": "allowed", "rules": list(asked.decision.rules)}
            self._record_floor(call, request)
            searched = terms.faces if call.operation.capability is Capability.IDENTIFY else None
            return Permit(call, self._withheld(call, snapshot, request), searched)
        except Exception as error:
            denial = _as_denial(error, call)
            self._record(call, denial, asked)
            call.account |= {"decision": "denied", "rules": [denial.rule]}
            self._write(call, accounts.DENIED, {})
            raise denial from error

    def for_person(self, call: Call) -> Permit:
        """Let in what a person asks about themselves: told in the log, refused by no policy. Raises NotLogged."""
        if trouble := self._logbook.trouble:
            raise NotLogged(trouble)
        call.account = accounts.begun(call) | {"decision": "allowed", "rules": [_TOKEN]}
        try:
            snapshot = self._snapshots.current()
            self._begin_account(call, snapshot)
            self._check_key(call, snapshot, Terms({}, 0))
            request, floor = self._request(call, snapshot, Terms({}, 0))
            asked = _Asked(snapshot, request, snapshot.policy.decide(request), floor)
            self._check_decision(call, asked)
            self._check_attestation(asked)
        except Exception:
            return Permit(call, refused=True)
        return Permit(call)

    def after(self, permit: Permit, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer without what the caller may not have; `call.remarks` says what was taken out, and where the log
        tells of the call. Raises NotLogged."""
        for member in permit.withheld:
            if without(answer, paths_to(member, permit.call.operation.name)):
                permit.call.remarks["x-regard-withheld"] = member
        self._write(permit.call, accounts.ANSWERED, answer, permit.searched)
        return answer

    def failed(self, permit: Permit, code: str) -> None:
        """Log that the operation ended in an error of the API. Raises NotLogged."""
        self._write(permit.call, code, {}, permit.searched)

    def record(self, connection: Connection, call: Call) -> None:
        """Record a call within the transaction that does what it asks: both are kept, or neither is."""
        body = accounts.ended(call.account, accounts.ANSWERED, {}, None)
        parts = [self._logbook.seal(part) for part in accounts.parts(call, {})]
        call.record = self._logbook.record(connection, CALL, body, parts)

    def _write(self, call: Call, outcome: str, answer: dict[str, Any], searched: int | None = None) -> None:
        if call.record is not None:
            written = self._logbook.take_over(call.record)
        else:
            body = accounts.ended(call.account, outcome, answer, searched)
            parts = [self._logbook.seal(part) for part in accounts.parts(call, answer)]
            written = self._logbook.write_call(body, parts)
        if written is not None:
            call.remarks["x-regard-entry"] = f"{written.period}/{written.index}"
            call.remarks["x-regard-receipt"] = f"/log/{written.period}/receipts/{written.index}"
            call.remarks["x-regard-sequence"] = str(written.sequence)

    def _begin_account(self, call: Call, snapshot: Snapshot) -> None:
        party = snapshot.parties.get(call.caller.organization)
        call.account |= {"policy": snapshot.law.policy, **({"sector": party.sector} if party else {})}

    def _terms(self, call: Call) -> Terms:
        """What the collection that the call names stands on; nothing where it names none that there is."""
        name = call.parameters.get("CollectionId")
        if name is None:
            name = str(call.parameters.get("ResourceArn", "")).partition(":collection/")[2]
        found = self._collections.terms(call.caller.organization, str(name)) if name else None
        if found and not {BASIS, PURPOSE} <= found.tags.keys():
            self._tell_defaults(call.caller.organization, str(name))
        return found or Terms({}, 0)

    def _tell_policy(self, policy: str) -> None:
        """Say in the record which policy calls are decided by, when it is another than was said last."""
        if policy == self._told_policy:
            return
        with suppress(LookupError):
            self._told_policy = records.last(self._engine, _POLICY).body["policy"]
        if policy != self._told_policy:
            with writing(self._engine, RECORDS) as connection:
                records.append(connection, _POLICY, self._clock(), {"policy": policy})
        self._told_policy = policy

    def _tell_defaults(self, organization: str, collection: str) -> None:
        """Say in the record, once a collection, that it is from before the policy: the key's defaults count."""
        if (organization, collection) in self._told:
            return
        body = {"organization": organization, "collection": collection}
        with writing(self._engine, RECORDS) as connection:
            records.append_once(connection, "collection-defaults", self._clock(), body)
        self._told.add((organization, collection))

    def _record_floor(self, call: Call, request: Request) -> None:
        if _RAISED not in call.remarks:
            return
        body = {
            "request_id": call.request_id,
            "organization": call.caller.organization,
            "operation": call.operation.name,
            "purpose": request.purpose,
            "floor": f"{request.floor:g}",
        }
        with writing(self._engine, RECORDS) as connection:
            records.append(connection, "floor-raised", self._clock(), body)

    def _check_key(self, call: Call, snapshot: Snapshot, terms: Terms) -> None:
        caller, name = call.caller, call.operation.name
        if caller.organization not in snapshot.parties:
            raise Denied("unknown-principal", "The organization that holds this key is not registered.")
        if caller.loopback_only and not call.loopback:
            raise Denied("loopback-only", "This key works from the service's own machine alone.")
        if caller.operations is not None and name not in caller.operations:
            raise Denied("key-scope", f"This key was not issued for {name}.", appeal="ask for another key.")
        self._check_stop(call.operation.capability, snapshot)
        if caller.most_faces is not None and _brings_faces(call):
            self._check_size(call, caller.most_faces - terms.faces)

    def _check_size(self, call: Call, room: int) -> None:
        if room <= 0:
            raise Denied(
                "development-size",
                f"A key for {call.caller.purpose} fills a collection to {call.caller.most_faces} faces.",
                appeal="ask for a key that states what the faces are for.",
            )
        if room < MOST_FACES_A_PICTURE:
            call.parameters["MaxFaces"] = min(room, call.parameters.get("MaxFaces", room))

    def _check_stop(self, capability: Capability, snapshot: Snapshot) -> None:
        if capability in snapshot.law.suspended:
            raise Denied("suspended", f"The council suspended the capability {capability}.", appeal=_ASK)
        for stop in snapshot.suspensions:
            if stop.capability == capability and stop.stands(snapshot.law.lifted, self._clock()):
                until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(stop.ends))
                sentence = f"{stop.member} stopped the capability {capability} until {until}: {stop.reason}"
                raise Denied("suspended", sentence, appeal=_ASK)

    def _check_tags(self, call: Call, snapshot: Snapshot, terms: Terms) -> None:
        match call.operation.name:
            case "CreateCollection":
                set_terms(call, snapshot.policy.purposes)
            case "TagResource" | "UntagResource":
                check_tightening(call, terms.tags, snapshot.policy.purposes)

    def _request(self, call: Call, snapshot: Snapshot, terms: Terms) -> tuple[Request, str]:
        """The question to the policy, and its floor in words."""
        caller, collection = call.caller, str(call.parameters.get("CollectionId", ""))
        principal = snapshot.principal(caller.organization)
        purpose = snapshot.policy.purposes.get(caller.purpose)
        assert principal is not None
        if purpose is None:
            raise Denied("unknown-purpose", f"The policy in force knows no purpose {caller.purpose}.")
        _check_purpose(call, snapshot.policy.purposes)
        floor, why = snapshot.law.floors.get(caller.purpose, purpose.floor), f"for {caller.purpose}"
        identifies = call.operation.capability is Capability.IDENTIFY
        if purpose.rights and identifies and (among := _floor_among(terms)) > floor:
            floor, why = among, f"{why} in a collection of {terms.faces:,} faces"
        person = str(call.parameters.get("ExternalImageId", ""))
        request = Request(
            principal=principal,
            action=call.operation.capability,
            collection=f"{caller.organization}/{collection}",
            operation=call.operation.name,
            data=call.operation.data,
            purpose=caller.purpose,
            rights=purpose.rights,
            floor=floor,
            threshold=_threshold(call, floor, why),
            basis=terms.tags.get(BASIS, caller.basis),
            collection_purpose=terms.tags.get(PURPOSE, ""),
            receipt=not _brings_faces(call) or self._has_receipt(caller.organization, collection, person),
            loopback=call.loopback,
            audited=snapshot.policy.asks_for_audits and self._audited(terms.face_model),
            enabled=snapshot.law.enabled,
        )
        return request, why

    def _has_receipt(self, organization: str, collection: str, person: str) -> bool:
        return bool(person) and self._receipts(organization, collection, person)

    def _check_decision(self, call: Call, asked: _Asked) -> None:
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
        sentence = _sentence(asked, rule)
        if rule == _NO_RECEIPT:
            collection, person = (str(call.parameters.get(name, "")) for name in ("CollectionId", "ExternalImageId"))
            purpose = asked.request.collection_purpose or asked.request.purpose
            sentence += f" {self._missing(call.caller.organization, collection, person, purpose)}"
        raise Denied(rule, sentence, path, _ASK)

    def _check_attestation(self, asked: _Asked) -> None:
        sensitive = asked.request.data in (DataClass.FACES, DataClass.TEMPLATES)
        if not sensitive or asked.request.action == Capability.MANAGE:
            return
        path = asked.snapshot.unattested(asked.request.principal.id, self._clock())
        if path is not None:
            whose = "of an organization behind you" if path else "of your end customers"
            raise Denied(
                "attestation-expired",
                f"The declaration {whose} is not attested, or its attestation has expired.",
                path,
                "it is signed again with `regard orgs attest`.",
            )

    def _withheld(self, call: Call, snapshot: Snapshot, request: Request) -> tuple[str, ...]:
        if not paths_to(EMOTIONS, call.operation.name):
            return ()
        if not self._settings.emotions:
            return (EMOTIONS,)
        question = replace(request, action="infer-emotions")
        return () if snapshot.policy.decide(question).allowed else (EMOTIONS,)

    def _record(self, call: Call, denial: Denied, asked: _Asked | None) -> None:
        # Not the whole denial: its words may name the person pictured.
        _log.warning("%s %s denied: [%s]", call.request_id, call.operation.name, denial.rule)
        body: dict[str, Any] = {
            "request_id": call.request_id,
            "access_key_id": call.caller.access_key_id,
            "organization": call.caller.organization,
            "operation": call.operation.name,
            "rule": denial.rule,
            "path": list(denial.path),
        }
        if asked is not None:
            body |= {
                "policy": asked.snapshot.law.policy,
                "request": asked.request.as_record(),
                "rules": list(asked.decision.rules),
            }
        try:
            with writing(self._engine, RECORDS) as connection:
                records.append(connection, "denial", self._clock(), body)
        except Exception:
            _log.exception("the denial of %s could not be recorded", call.request_id)


def _as_denial(error: Exception, call: Call) -> Denied:
    if isinstance(error, Denied):
        return error
    if isinstance(error, NotInForce):
        return Denied("policy-not-in-force", f"No policy is in force that was voted for: {error}.")
    _log.error("the gate failed on %s %s", call.operation.name, call.request_id, exc_info=error)
    return Denied(EVALUATION_ERROR, "The gate could not decide, and what cannot be decided is denied.")


def _check_purpose(call: Call, purposes: Mapping[str, Purpose]) -> None:
    """Raise Denied where a purpose reserves the operation, or is reserved to others."""
    name, own = call.operation.name, purposes[call.caller.purpose].operations
    if own and name not in own:
        raise Denied("purpose-scope", f"A key for {call.caller.purpose} calls {', '.join(own)} and nothing else.")
    others = [purpose for purpose, each in purposes.items() if name in each.operations]
    if others and not own:
        raise Denied("purpose-scope", f"{name} is for keys with the purpose {', '.join(others)}.")


def _denied_for(mark: str, asked: _Asked) -> str | None:
    """The rule that would not deny an organization that did not reach `mark`."""
    principal = asked.request.principal
    elsewhere = replace(principal, reaches=principal.reaches - {mark})
    others = asked.snapshot.policy.decide(replace(asked.request, principal=elsewhere))
    left = () if others.allowed else others.rules
    return next((rule for rule in asked.decision.rules if rule not in left), None)


def _brings_faces(call: Call) -> bool:
    """Whether a picture brings faces into a collection; users and associations only name those there.

    What comes from another collection, or a file of one, is judged face by face.
    """
    given = call.parameters
    return call.operation.capability is Capability.ENROL and "Image" in given and "Source" not in given


def _given_threshold(call: Call) -> float | None:
    given = call.parameters.get(threshold_of(call.operation) or "")
    return None if given is None else float(given)


def _floor_among(terms: Terms) -> float:
    """The least similarity at which few enough searches of a collection this large meet a false match, rounded up.

    Where no threshold is enough, the strictest that the calibration knows: two people confirm what is left.
    """
    known = calibration(terms.face_model or None)
    least = known.floor(max(terms.faces, 1)) or known.points[-1].similarity
    return math.ceil(round(10 * least, 6)) / 10


def _threshold(call: Call, floor: float, why: str) -> float:
    """The threshold that counts, in the call's parameters too. An operation without one claims nothing."""
    name = threshold_of(call.operation)
    if name is None or call.operation.capability not in _JUDGED:
        return 100.0
    given = call.parameters.get(name)
    if given is not None:
        return float(given)
    if floor > DEFAULT_THRESHOLD:
        call.parameters[name] = floor
        call.remarks[_RAISED] = f"{name} raised to {floor:g}, the floor {why}"
    return max(floor, DEFAULT_THRESHOLD)


def _sentence(asked: _Asked, rule: str) -> str:
    sentence = asked.snapshot.policy.sentence(rule)
    if rule.startswith("floor"):
        request = asked.request
        sentence += f" It is {request.floor:g} {asked.floor}; {request.threshold:g} was given."
    return sentence
