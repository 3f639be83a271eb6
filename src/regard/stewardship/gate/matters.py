"""Matters: what the policy is asked while an operation runs, or a worker does, once more is known than the call said.

Whose faces a project has, what its labels are called, whether a stream may be searched. Each is decided at the moment
it is asked for, by the rules, the law, the stops and the consents of that moment, so that no answer outlives them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from regard.evaluation.bias.association import NONE, Association
from regard.stewardship.council.collections import BASIS, PURPOSE, Collections, Terms
from regard.stewardship.council.law import CLOCKS
from regard.stewardship.council.live_search import CONSENT, Processor
from regard.stewardship.gate.decision_records import DecisionRecords
from regard.stewardship.gate.key_terms import check_stop
from regard.stewardship.gate.project_terms import check_project_tags
from regard.stewardship.gate.questions import Asked, check_answer, check_attestation
from regard.stewardship.gate.snapshot import REFUSED, NotInForce, Snapshot, Snapshots
from regard.stewardship.gate.thresholds import Floor
from regard.stewardship.policy.call import Call, Caller, Capability, DataClass
from regard.stewardship.policy.custom_labels import Project, refusal
from regard.stewardship.policy.denied import APPEAL, Denied
from regard.stewardship.policy.policy import Principal, Request

NO_LIVE_SEARCH, NEEDS_MEANING = "no-live-face-search", "label-needs-meaning"
_TRAITS, _TRAIN, _START, _ALLOWED = "infer-traits", "train-people", "start-people", "allowed"


class Register(Protocol):
    """What is asked of the consents: `people.consents` is it."""

    def covers_training(self, organization: str, project: str, person: str, purpose: str) -> bool:
        """Whether a person consented to their pictures being trained with, in this project for this purpose."""

    def without_consent(self, organization: str, collection: str) -> int:
        """How many faces of a collection are of somebody without a consent that counts now, or of nobody named."""


@dataclass(frozen=True, slots=True)
class Search:
    """A live search that somebody wants to make, or is making: for whom, by what, from which similarity (0 to 100).

    Without a `threshold` the floor of the purpose is what is told from; one that is given is not to be lower.
    `collection` is the one that is searched; that the processor is set to the same is looked at here.
    """

    caller: Caller
    processor: Processor
    collection: str
    threshold: float | None = None
    loopback: bool = False


class Matters:
    """Puts such questions to the policy in force. Thread-safe. Where it cannot be decided, it is denied.

    To be asked before a transaction is begun, not within: a denial is recorded in one of its own.

    Without a `register` nobody counts as having consented.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        collections: Collections,
        records: DecisionRecords,
        clock: Callable[[], float],
        register: Register | None,
    ) -> None:
        self._snapshots = snapshots
        self._collections = collections
        self._records = records
        self._clock = clock
        self._register = register

    def live_search(self, search: Search, call: Call | None = None) -> str:
        """Let a live search go on, for this frame; the text that is told to passers-by. Raises Denied.

        To be asked before each frame is looked at: whatever changed since the last one counts at once, and a motion
        that is over by the record stays so, whatever the clock is set back to. A denial is recorded where it answers a
        `call`.
        """
        organization = search.caller.organization
        snapshot = self._current(call)
        self._stopped(call, snapshot, Capability.SEARCH_LIVE, Capability.IDENTIFY)
        terms = self._collections.terms(organization, search.collection) or Terms({}, 0)
        now, recorded = self._clock(), self._snapshots.recorded_at()
        why = snapshot.law.live_search(search.collection, search.processor, max(now, recorded))
        if why and recorded > now + CLOCKS:
            why += " This machine's clock is behind the record: one of the two is wrong."
        if search.processor.arn.split(":")[4:5] != [organization]:
            why = "The stream processor is another organization's."
        if terms.changed:
            why = f"The terms of the collection {search.collection} were changed behind the service."
        told = terms.tags
        consented = told.get(BASIS) == CONSENT and self._missing(organization, search.collection) == 0
        request = Request(
            principal=snapshot.principal(organization) or _unknown(),
            action=Capability.SEARCH_LIVE,
            collection=f"{organization}/{search.collection}",
            operation="StartStreamProcessor",
            data=DataClass.TEMPLATES,
            threshold=100.0 if search.threshold is None else search.threshold,
            basis=told.get(BASIS, "none"),
            collection_purpose=told.get(PURPOSE, ""),
            receipt=consented,
            loopback=search.loopback,
            authorised=not why,
        )
        self._decide(search.caller, request, call, f" {why}" if why else "")
        # Whatever pack is in force, and though it permitted this: that takes a motion, and consent of everybody.
        if why or not consented:
            rule, why = (NO_LIVE_SEARCH, why) if why else ("live-search-needs-consent", "Somebody did not consent.")
            raise self._denied(call, Denied(rule, why, appeal=APPEAL), None)
        return snapshot.law.live[search.processor.arn].notice

    def searches(self) -> dict[str, str]:
        """The processors that motions let search live pictures now, by their ARNs, and what each motion says.

        Nobody searches where that is stopped, or for an organization that is refused.
        """
        try:
            snapshot = self._current(None)
            self._stopped(None, snapshot, Capability.SEARCH_LIVE, Capability.IDENTIFY)
        except Denied:
            return {}
        now = max(self._clock(), self._snapshots.recorded_at())
        standing = {name: party.standing for name, party in snapshot.parties.items()}
        return {
            arn: msgspec.json.encode(leave).decode()
            for arn, leave in snapshot.law.live.items()
            if now < leave.ends and standing.get(leave.organization, REFUSED) != REFUSED
        }

    def train(self, call: Call, project: Project) -> None:
        """Let a project be trained, by what its labels are called and whose faces it has. Raises Denied, recorded.

        Where looking at pictures is stopped, nothing is trained on them either.
        """
        self._stopped(call, self._current(call), Capability.DETECT)
        self._labels(call, project)
        if project.of_people:
            self._people(call, project, _TRAIN)

    def start(self, call: Call, project: Project, version: str, probe: Association | None) -> None:
        """Let a version, an ARN, be started: as for training; of a people project its probe counts too. Raises Denied.

        `probe` is what :func:`regard.evaluation.bias.association.association` found for this version on the audit set
        that the operator names; None where there is none.
        """
        self._stopped(call, self._current(call), Capability.DETECT)
        self._labels(call, project)
        if not project.of_people:
            return
        allowed = version in self._current(call).law.probed
        told = f" {probe.told}" if probe else " No audit set is named (REGARD_CUSTOM_AUDIT), or nobody was found in it."
        word = _ALLOWED if allowed else probe.outcome if probe else NONE
        self._people(call, project, _START, word, told)

    def use(self, call: Call, project: Project) -> None:
        """Let a version of a people project look at a picture, which is an operation on faces. Raises Denied."""
        if project.of_people:
            request = self._request(call, Capability.DETECT, DataClass.FACES)
            self._stopped(call, self._current(call), Capability.DETECT)
            self._decide(call.caller, request, call)

    def tags(self, call: Call, current: dict[str, str]) -> None:
        """Refuse TagResource and UntagResource where they would loosen what a project's `current` tags say."""
        try:
            check_project_tags(call, current, self._current(call).policy.purposes)
        except Denied as denial:
            raise self._denied(call, denial, None) from None

    def _labels(self, call: Call, project: Project) -> None:
        found = refusal(project)
        if found is None:
            return
        if not found.traits:
            raise self._denied(call, Denied(NEEDS_MEANING, found.told), None)
        request = replace(self._request(call, _TRAITS, DataClass.OBJECTS), traits=found.traits)
        self._decide(call.caller, request, call, f" {found.told}")

    def _people(self, call: Call, project: Project, action: str, probe: str = NONE, told: str = "") -> None:
        organization, tags = call.caller.organization, project.tags
        purpose = tags.get(PURPOSE, call.caller.purpose)
        lacking = [each for each in sorted(project.people) if not self._covers(organization, project, each, purpose)]
        request = replace(
            self._request(call, action, DataClass.FACES),
            collection=f"{organization}/project/{project.name}",
            basis=tags.get(BASIS, call.caller.basis),
            collection_purpose=purpose,
            # Who says that there are people, and of whom no picture names anybody, has nobody's consent.
            receipt=not lacking and not project.unnamed and bool(project.people),
            probe=probe,
        )
        consents = f" Without one: {len(lacking)} of {len(project.people)} people who are named; {project.unnamed} "
        rest = f"{consents}pictures name nobody (regard-people in their line)."
        self._decide(call.caller, request, call, told, {"people-project-needs-consents": rest})

    def _request(self, call: Call, action: str, data: str) -> Request:
        principal = self._current(call).principal(call.caller.organization) or _unknown()
        name, purpose = call.operation.name, call.caller.purpose
        return Request(principal, action, operation=name, data=data, purpose=purpose, loopback=call.loopback)

    def _decide(
        self, caller: Caller, request: Request, call: Call | None, told: str = "", beside: dict[str, str] | None = None
    ) -> None:
        snapshot = self._current(call)
        purpose = snapshot.policy.purposes.get(caller.purpose)
        if purpose is None or snapshot.principal(caller.organization) is None:
            raise self._denied(call, Denied("unknown-principal", "Nobody here holds this key for its purpose."), None)
        floor = snapshot.law.floors.get(caller.purpose, purpose.floor)
        request = replace(
            request,
            purpose=caller.purpose,
            rights=purpose.rights,
            floor=floor,
            enabled=snapshot.law.enabled,
            audited=False,
        )
        asked = Asked(snapshot, request, snapshot.policy.decide(request), Floor(floor, f"for {caller.purpose}"))
        try:
            check_answer(asked, lambda rule: (beside or {}).get(rule, told))
            check_attestation(asked, self._clock())
        except Denied as denial:
            raise self._denied(call, denial, asked) from None

    def _stopped(self, call: Call | None, snapshot: Snapshot, *capabilities: Capability) -> None:
        try:
            for capability in capabilities:
                check_stop(capability, snapshot, self._clock())
        except Denied as denial:
            raise self._denied(call, denial, None) from None

    def _current(self, call: Call | None) -> Snapshot:
        try:
            return self._snapshots.current()
        except NotInForce as error:
            why = f"No policy is in force that was voted for: {error}."
            raise self._denied(call, Denied("policy-not-in-force", why), None) from error

    def _denied(self, call: Call | None, denial: Denied, asked: Asked | None) -> Denied:
        if call is not None:
            self._records.denial(call, denial, asked)
        return denial

    def _missing(self, organization: str, collection: str) -> int:
        return 1 if self._register is None else self._register.without_consent(organization, collection)

    def _covers(self, organization: str, project: Project, person: str, purpose: str) -> bool:
        return self._register is not None and self._register.covers_training(
            organization, project.name, person, purpose
        )


def _unknown() -> Principal:
    """Somebody whom no register knows: what is asked for them is denied before the policy is."""
    return Principal("", "other", "refused")
