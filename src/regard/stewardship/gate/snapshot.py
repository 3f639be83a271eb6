"""The state that a decision needs: register, law and policy, read at once, and again when any process changed it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from regard.database import asking, reading
from regard.stewardship.council import suspensions as stops
from regard.stewardship.council.chain import BrokenChain, Law
from regard.stewardship.council.law import read_law
from regard.stewardship.council.stored_packs import read_pack
from regard.stewardship.council.suspensions import Suspension
from regard.stewardship.parties.edges import EdgeKind
from regard.stewardship.parties.organization_rows import changed_organizations
from regard.stewardship.parties.reach import Reach
from regard.stewardship.policy.packs import BadPack
from regard.stewardship.policy.policy import Policy, Principal, policy_of
from regard.stewardship.records import tables
from regard.stewardship.records.revision import Revision

REFUSED = "refused"
_log = logging.getLogger(__name__)


class NotInForce(RuntimeError):
    """No policy is in force that the council voted for; the text says why. Everything is denied."""


@dataclass(frozen=True, slots=True)
class Party:
    """An organization as decisions need it. `attested_until` is in seconds since 1970, None for one with no list."""

    name: str
    sector: str
    standing: str
    attested_until: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The register, the law and the policy at one moment."""

    parties: Mapping[str, Party]
    reach: Reach
    law: Law
    policy: Policy
    suspensions: tuple[Suspension, ...]
    principals: dict[str, Principal]

    def principal(self, organization: str) -> Principal | None:
        """The organization as the policy sees it, or None for one that is not registered."""
        found = self.principals.get(organization)
        if found is None and (party := self.parties.get(organization)):
            reaches = self.reach.marks(organization)
            found = Principal(organization, party.sector, party.standing, reaches)
            self.principals[organization] = found
        return found

    def path(self, organization: str, mark: str) -> tuple[str, ...]:
        """The organizations on the way to one with this mark, by name, from "you" on; empty when there is no way."""
        return self._told(self.reach.path(organization, mark), mark.replace("-", " "))

    def unattested(self, organization: str, now: float) -> tuple[str, ...] | None:
        """The way to an organization whose end customers are declared and not attested; None when all are."""
        if self.reach.first(organization) > now:
            return None

        def lapsed(each: str) -> bool:
            until = self.parties[each].attested_until
            return until is not None and until <= now

        return self._told(self.reach.path_to(organization, lapsed), "not attested")

    def _told(self, way: tuple[str, ...], last: str) -> tuple[str, ...]:
        if len(way) < 2:
            return ()
        names = [self.parties[each].name for each in way[1:]]
        return ("you", *names[:-1], f"{names[-1]} ({last})")


class Snapshots:
    """Keeps the newest snapshot. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._revision = Revision(engine)
        self._lock = threading.Lock()
        self._kept: tuple[int, Snapshot | NotInForce] | None = None

    def current(self) -> Snapshot:
        """The state after the last change of any process. Raises NotInForce."""
        number, kept = self._revision.current(), self._kept
        if kept is None or kept[0] != number:
            with self._lock:
                kept = self._kept
                if kept is None or kept[0] != number:
                    kept = self._kept = (number, self._read())
        if isinstance(kept[1], NotInForce):
            raise kept[1]
        return kept[1]

    def recorded_at(self) -> float:
        """When the newest record was made, in seconds since 1970, by the clock of whichever machine made it."""
        of = tables.records.c
        with asking(self._engine) as connection:
            return float(connection.execute(select(of.at).order_by(of.sequence.desc()).limit(1)).scalar() or 0.0)

    def _read(self) -> Snapshot | NotInForce:
        try:
            with reading(self._engine) as connection:
                return self._read_from(connection)
        except (BrokenChain, BadPack) as error:
            _log.error("no policy is in force, and everything is denied: %s", error)
            return NotInForce(str(error))

    def _read_from(self, connection: Connection) -> Snapshot:
        law = read_law(connection, self._clock())
        pack = read_pack(connection, law.policy)
        # The text is read and its hash checked each time; only the parsing is saved.
        policy = policy_of(pack)
        parties = _parties(connection)
        attested = {each: party.attested_until for each, party in parties.items() if party.attested_until is not None}
        reach = Reach(_marks(parties, policy), _edges(connection), attested)
        suspensions = tuple(stops.read(connection, law.charter))
        return Snapshot(parties, reach, law, policy, suspensions, {})


def _parties(connection: Connection) -> dict[str, Party]:
    of = tables.organizations
    query = select(of.c.id, of.c.name, of.c.sector, of.c.standing, of.c.attested_until)
    changed = changed_organizations(connection)
    if changed:
        _log.error("refused, since the register was changed in the database: %s", ", ".join(sorted(changed)))
    return {
        id_: Party(name, sector, REFUSED if id_ in changed else standing, until)
        for id_, name, sector, standing, until in connection.execute(query)
    }


def _marks(parties: Mapping[str, Party], policy: Policy) -> dict[str, list[str]]:
    watched = {name for name, sector in policy.sectors.items() if sector["watched"]}
    return {
        id_: [
            *([party.sector] if party.sector in watched else []),
            *([REFUSED] if party.standing == REFUSED else []),
        ]
        for id_, party in parties.items()
    }


def _edges(connection: Connection) -> list[tuple[str, str]]:
    table = tables.edges
    found: list[tuple[str, str]] = []
    for source, kind, target in connection.execute(select(table.c.source, table.c.kind, table.c.target)):
        found.append((source, target))
        if kind == EdgeKind.OWNED_BY:
            # An owner hands to what it owns as easily as it takes from it.
            found.append((target, source))
    return found
