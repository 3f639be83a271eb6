"""Whom a policy that is voted on would affect: who holds keys, by what these are for; recorded cases; past refusals.

What :mod:`.difference` looks at takes a tenth of a second for each organization and purpose. It is worked out in the
background, once for each policy and state of the register; whoever asks gets what is known by then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from regard.stewardship.gate.difference import Change, differing, floored
from regard.stewardship.gate.snapshot import Snapshot
from regard.stewardship.gate.verdicts import ACTS
from regard.stewardship.policy.call import Capability, DataClass
from regard.stewardship.policy.cases import run_cases, shipped_cases
from regard.stewardship.policy.packs import Pack, names
from regard.stewardship.policy.policy import Policy, Request
from regard.stewardship.policy.vocabulary import BASES
from regard.stewardship.records import records

# Of so many refusals of the record, the newest, each is decided again.
MOST_REFUSALS = 200
# So many policies are remembered: a page shows ten motions.
MOST_KEPT = 16
_WAIT_SECONDS = 0.1
# New refusals are seen after so long.
_KEPT_SECONDS = 60.0
_WORDS = {(action, data): words for action, data, words in ACTS} | {
    (Capability.READ, DataClass.SETTINGS): "See settings",
    (Capability.MANAGE, DataClass.SETTINGS): "Change settings",
    ("infer-traits", DataClass.OBJECTS): "Infer a trait by labels of one's own",
    ("train-people", DataClass.FACES): "Train labels of one's own on pictures of people",
    ("start-people", DataClass.FACES): "Run labels of one's own that tell of people",
    ("track", DataClass.OBJECTS): "Follow people through pictures",
}
_log = logging.getLogger(__name__)

# The purposes that organizations have keys for which work.
Used = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Affected:
    """What changes for the calls of an organization for one purpose, in words: each with the rules that deny, before or
    after.
    """

    organization: str
    name: str
    purpose: str
    refused: tuple[tuple[str, tuple[str, ...]], ...]
    allowed: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call of the record that was refused, and that the other policy would allow."""

    organization: str
    operation: str
    purpose: str
    rule: str


@dataclass(frozen=True, slots=True)
class Effects:
    """What is known of a policy's effects. Of `pairs` of an organization and a purpose so many were `seen`.

    `cases` are names of recorded cases that would be answered otherwise, and whether they would be allowed; `looked`
    says of how many, and of how many refusals; None until they are looked at.
    """

    affected: tuple[Affected, ...]
    seen: int
    pairs: int
    cases: tuple[tuple[str, bool], ...]
    refusals: tuple[Refusal, ...]
    looked: tuple[int, int] | None


@dataclass(eq=False)
class _Work:
    snapshot: Snapshot
    used: Used
    until: float
    pairs: list[tuple[str, str]]
    cases: tuple[tuple[str, bool], ...] = ()
    refusals: tuple[Refusal, ...] = ()
    looked: tuple[int, int] | None = None
    seen: int = 0
    affected: list[Affected] = field(default_factory=list)
    thread: threading.Thread | None = None


class Foresight:
    """Works out what policies would change. Thread-safe; nobody waits long for it."""

    def __init__(
        self,
        engine: Engine,
        snapshot: Callable[[], Snapshot],
        used: Callable[[], Used],
    ) -> None:
        """`used` are the purposes that organizations have working keys for."""
        self._engine = engine
        self._snapshot = snapshot
        self._used = used
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._works: dict[str, _Work] = {}

    def of(self, pack: Pack, wait: float = _WAIT_SECONDS) -> Effects:
        """What is known of the effects of a policy by now, or in so many seconds. Raises BadPack, NotInForce."""
        work = self._work(pack, self._snapshot(), self._used())
        assert work.thread is not None
        work.thread.join(max(0.0, wait))
        with self._lock:
            return Effects(tuple(work.affected), work.seen, len(work.pairs), work.cases, work.refusals, work.looked)

    def _work(self, pack: Pack, snapshot: Snapshot, used: Used) -> _Work:
        with self._lock:
            found = self._works.get(pack.hash)
            now = time.monotonic()
            if found is not None and found.snapshot is snapshot and found.used == used and now < found.until:
                return found
            pairs = [(each, purpose) for each in sorted(used) for purpose in sorted(used[each])]
            work = _Work(snapshot, used, now + _KEPT_SECONDS, [pair for pair in pairs if pair[0] in snapshot.parties])
            after = Policy(pack)
            work.thread = threading.Thread(target=self._follow, args=(work, after), name="foresight", daemon=True)
            self._works.pop(pack.hash, None)
            self._works[pack.hash] = work
            while len(self._works) > MOST_KEPT:
                self._works.pop(next(iter(self._works)))
            work.thread.start()
            return work

    def _follow(self, work: _Work, after: Policy) -> None:
        # One at a time, however many motions a page shows.
        with self._turn:
            try:
                self._work_out(work, after)
            except Exception:
                _log.exception("what a policy would change could not be worked out")
                # The next who looks tries again.
                self._let_go(work)

    def _let_go(self, work: _Work) -> None:
        with self._lock:
            self._works = {name: each for name, each in self._works.items() if each is not work}

    def _work_out(self, work: _Work, after: Policy) -> None:
        cases, of_cases = _cases(work.snapshot.policy, after)
        refusals, of_refusals = self._refusals(work.snapshot, after)
        with self._lock:
            work.cases, work.refusals, work.looked = cases, refusals, (of_cases, of_refusals)
        for organization, purpose in work.pairs:
            since = time.monotonic()
            found = differing(work.snapshot, after, organization, purpose)
            name = work.snapshot.parties[organization].name
            refused, allowed = (
                tuple(_told([each for each in found if each[1].allowed_after is so], purpose)) for so in (False, True)
            )
            with self._lock:
                work.seen += 1
                if found:
                    work.affected.append(Affected(organization, name, purpose, refused, allowed))
                if work not in self._works.values():
                    # The register is another by now, and somebody asked anew.
                    return
            # Calls are answered meanwhile: half of the time is theirs.
            time.sleep(time.monotonic() - since)

    def _refusals(self, snapshot: Snapshot, after: Policy) -> tuple[tuple[Refusal, ...], int]:
        """The newest refusals by the policy in force that the other would allow, and of how many."""
        found, looked = [], 0
        for record in records.newest(self._engine, "denial", MOST_REFUSALS):
            body = record.body
            if body.get("policy") != snapshot.law.policy:
                continue
            looked += 1
            request = Request.from_record(dict(body["request"]))
            if after.decide(floored(after, request, snapshot.law)).allowed:
                whose, operation = str(body["organization"]), str(body["operation"])
                found.append(Refusal(whose, operation, request.purpose, str(body["rule"])))
        return tuple(found), looked


def _told(found: Sequence[tuple[Request, Change]], purpose: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each kind of call among these, in words with what they have in common, and the rules."""
    kinds: dict[tuple[str, str], list[tuple[Request, Change]]] = {}
    for request, change in found:
        kinds.setdefault((change.action, change.data), []).append((request, change))
    for kind, of in kinds.items():
        requests = [request for request, _ in of]
        words = ", ".join([_WORDS.get(kind, " ".join(kind)), *_in_common(requests, purpose)])
        yield words, tuple(sorted({rule for _, change in of for rule in change.rules}))


def _in_common(requests: Sequence[Request], purpose: str) -> Iterator[str]:
    action, near = requests[0].action, {each.loopback for each in requests}
    if len(near) == 1:
        yield "from the service's own machine" if near == {True} else "over the network"
    if action in (Capability.COMPARE, Capability.IDENTIFY):
        at = [each.threshold for each in requests]
        yield f"at a similarity of {min(at):g}" + (f" to {max(at):g}" if max(at) > min(at) else "")
    if action in (Capability.ENROL, Capability.IDENTIFY):
        bases, bound = {each.basis for each in requests}, {each.collection_purpose for each in requests}
        if len(bases) < len(BASES):
            yield f"on the basis {' or '.join(sorted(bases))}"
        if purpose not in bound:
            yield "in a collection for another purpose"


def _cases(before: Policy, after: Policy) -> tuple[tuple[tuple[str, bool], ...], int]:
    """The cases that ship beside the policy in force and would be answered otherwise; and of how many."""
    if before.pack.name not in names():
        return (), 0
    cases = shipped_cases(before.pack.name)
    pairs = list(zip(run_cases(before, cases), run_cases(after, cases), strict=True))
    allowed = [(first.case.name, first.found == "allow", second.found == "allow") for first, second in pairs]
    return tuple((name, then) for name, now, then in allowed if now != then), len(cases)
