"""The gate, the one door: every call passes it before and after its operation."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from regard.gallery.collections.errors import TermsChanged
from regard.settings import Settings
from regard.steady import OnwardClock
from regard.stewardship.council.collections import (
    BASIS,
    PURPOSE,
    Collections,
    KeptCollections,
    Terms,
    check_tightening,
    set_terms,
)
from regard.stewardship.council.council import Council
from regard.stewardship.gate import accounts
from regard.stewardship.gate.decision_records import DecisionRecords
from regard.stewardship.gate.key_terms import check_key, check_stop
from regard.stewardship.gate.matters import Matters, Register
from regard.stewardship.gate.project_terms import set_project_terms
from regard.stewardship.gate.questions import Asked, Missing, Questions, Receipts, check_attestation, may_hear_of_faces
from regard.stewardship.gate.snapshot import NotInForce, Snapshot, Snapshots
from regard.stewardship.gate.thresholds import given_threshold
from regard.stewardship.logbook.entries import CALL
from regard.stewardship.logbook.logbook import Logbook, NotLogged
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.policy import EVALUATION_ERROR
from regard.stewardship.policy.withholding import EMOTIONS, FACES, emptied, paths_to, told_by

Found = TypeVar("Found")

__all__ = ["Denied", "Gate", "Permit"]

_TOKEN = "subject-token"  # told in place of a rule
_CHANGED = "terms-changed"
# What tells somebody something, and changes nothing that stays: the sessions that liveness makes and begins are over
# within minutes. So it may be refused even after it was done.
_TELLING = {Capability.DETECT, Capability.COMPARE, Capability.IDENTIFY, Capability.READ, Capability.LIVENESS}
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


class Gate:
    """Decides about calls. Thread-safe.

    One thing: the way of a call through the door; what is asked of its key and of the policy on that way are files of
    their own. `collections` answers for the gallery; `receipts`, `missing` and `audited` are as :class:`Questions` has
    them, `register` as :class:`Matters` has it. It founds no council: where there is none, everything is denied.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        logbook: Logbook,
        collections: Collections | None = None,
        receipts: Receipts = lambda _enrolment: False,
        clock: Callable[[], float] = time.time,
        audited: Callable[[str], bool] = lambda _face_model: False,
        missing: Missing = lambda _enrolment, _purpose: "",
        register: Register | None = None,
    ) -> None:
        self._settings = settings
        self._logbook = logbook
        self._collections = collections or KeptCollections(engine)
        self._questions = Questions(receipts, audited, missing)
        self._records = DecisionRecords(engine, clock)
        self._clock = clock
        self.council = Council(engine, clock)
        self._snapshots = Snapshots(engine, clock)
        self.matters = Matters(self._snapshots, self._collections, self._records, OnwardClock(clock), register)

    def snapshot(self) -> Snapshot:
        """The register, the law and the policy that decide now. Raises NotInForce."""
        return self._snapshots.current()

    def before(self, call: Call) -> Permit:
        """Whether the operation may run. Raises Denied: what goes wrong in here denies; and NotLogged.

        A threshold that the call does not give is raised to the floor of its purpose, or of so large a collection,
        which `call.remarks` says.
        """
        if trouble := self._logbook.trouble:
            raise NotLogged(trouble)
        asked: Asked | None = None
        call.account = accounts.begun(call)
        try:
            snapshot = self._snapshots.current()
            terms = self._terms(call)
            self._records.policy(snapshot.law.policy)
            self._begin_account(call, snapshot)
            check_key(call, snapshot, terms, self._clock())
            _check_tags(call, snapshot, terms, self._settings.rights_profile)
            given = given_threshold(call)
            asked = self._questions.ask(call, snapshot, terms)
            call.account |= accounts.threshold(call, given, asked.request.threshold)
            self._questions.check(call, asked)
            check_attestation(asked, self._clock())
            call.account |= {"decision": "allowed", "rules": list(asked.decision.rules)}
            self._records.floor(call, asked.request)
            searched = terms.faces if call.operation.capability is Capability.IDENTIFY else None
            return Permit(call, self._withheld(call, asked), searched)
        except Exception as error:
            denial = _as_denial(error, call)
            self._records.denial(call, denial, asked)
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
            check_key(call, snapshot, Terms({}, 0), self._clock())
            asked = self._questions.ask(call, snapshot, Terms({}, 0))
            self._questions.check(call, asked)
            check_attestation(asked, self._clock())
        except Exception:
            return Permit(call, refused=True)
        return Permit(call)

    def after(self, permit: Permit, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer without what the caller may not have; `call.remarks` says what was taken out, and where the log
        tells of the call. Raises NotLogged; and Denied where what it asks was stopped since it was let in."""
        call = permit.call
        if call.record is None and call.operation.capability in _TELLING and call.account["rules"] != [_TOKEN]:
            try:
                self._check_still(call)
            except Denied as denial:
                call.account |= {"decision": "denied", "rules": [denial.rule]}
                self._write(call, accounts.DENIED, {}, permit.searched)
                raise
        for member in permit.withheld:
            if emptied(answer, paths_to(member, permit.call.operation.name)):
                permit.call.remarks["x-regard-withheld"] = member
        self._write(permit.call, accounts.ANSWERED, answer, permit.searched)
        return answer

    def around(self, call: Call, work: Callable[[], Found]) -> Found:
        """What `work` comes to between the two steps; that it failed is logged.

        Raises Denied, NotLogged, and what `work` raises.
        """
        permit = self.before(call)
        try:
            found = work()
        except Exception as error:
            self.failed(permit, type(error).__name__)
            raise
        self.after(permit, {})
        return found

    def refused(self, call: Call, denial: Denied) -> None:
        """Log that work on a call was refused later, by what was seen by then. Raises NotLogged."""
        call.account = accounts.begun(call) | {"decision": "denied", "rules": [denial.rule]}
        self._write(call, accounts.DENIED, {})

    def failed(self, permit: Permit, code: str) -> None:
        """Log that the operation ended in an error of the API. Raises NotLogged."""
        self._write(permit.call, code, {}, permit.searched)

    def record(self, connection: Connection, call: Call) -> None:
        """Record a call within the transaction that does what it asks: both are kept, or neither is.

        Raises Denied where what it asks was stopped since it was let in.
        """
        self._check_still(call)
        body = accounts.ended(call.account, accounts.ANSWERED, {}, None)
        parts = [self._logbook.seal(part) for part in accounts.parts(call)]
        call.record = self._logbook.record(connection, CALL, body, parts)

    def _check_still(self, call: Call) -> None:
        try:
            check_stop(call.operation.capability, self._snapshots.current(), self._clock())
        except Exception as error:
            raise _as_denial(error, call) from error

    def _write(self, call: Call, outcome: str, answer: dict[str, Any], searched: int | None = None) -> None:
        if call.record is not None:
            written = self._logbook.take_over(call.record)
        else:
            body = accounts.ended(call.account, outcome, answer, searched)
            parts = [self._logbook.seal(part) for part in accounts.parts(call)]
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
            self._records.defaults(call.caller.organization, str(name))
        if found and found.changed and not call.operation.ends:
            raise Denied(_CHANGED, f"{TermsChanged(str(name))} Nothing is answered from it until they are put back.")
        return found or Terms({}, 0)

    def _withheld(self, call: Call, asked: Asked) -> tuple[str, ...]:
        if call.operation.data is DataClass.OBJECTS:
            return () if may_hear_of_faces(asked, self._clock()) else (FACES,)
        if not paths_to(EMOTIONS, told_by(call.operation.name)):
            return ()
        if not self._settings.emotions:
            return (EMOTIONS,)
        question = replace(asked.request, action="infer-emotions")
        return () if asked.snapshot.policy.decide(question).allowed else (EMOTIONS,)


def _check_tags(call: Call, snapshot: Snapshot, terms: Terms, rights_profile: str) -> None:
    match call.operation.name:
        case "CreateCollection":
            set_terms(call, snapshot.policy.purposes, rights_profile)
        case "CreateProject":
            set_project_terms(call, snapshot.policy.purposes)
        case "TagResource" | "UntagResource" if ":project/" not in str(call.parameters.get("ResourceArn")):
            # Of a project's the operation asks, which knows its tags: `matters.tags`.
            check_tightening(call, terms.tags, snapshot.policy.purposes)


def _as_denial(error: Exception, call: Call) -> Denied:
    if isinstance(error, Denied):
        return error
    if isinstance(error, NotInForce):
        return Denied("policy-not-in-force", f"No policy is in force that was voted for: {error}.")
    _log.error("the gate failed on %s %s", call.operation.name, call.request_id, exc_info=error)
    return Denied(EVALUATION_ERROR, "The gate could not decide, and what cannot be decided is denied.")
