"""The register of organizations: entered, screened, changed. What a single one is, `organization` says."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, select

from regard.database import asking, reading
from regard.names import legible
from regard.sealing import SealingKey
from regard.stewardship.parties import screening
from regard.stewardship.parties.admission import Admission, Evidence, Screen, look_back, open_review
from regard.stewardship.parties.edges import Edge, Edges, insert_edges
from regard.stewardship.parties.keys import AccessKey, AccessKeys
from regard.stewardship.parties.organization import NoSuchOrganization, Organization, Standing, identified
from regard.stewardship.parties.organization_rows import (
    insert_organizations,
    read_organizations,
    update_organization,
)
from regard.stewardship.policy import vocabulary
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import Revision, changed

# What the operator's own organization is called until it is given its name. Many are called so.
UNNAMED = "Operator of this service"
FIRST_PURPOSE = "development"
FIRST_DAYS = 90
FIRST_MOST_FACES = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """What is known of an organization before and after, and the evidence on it after."""

    before: Organization
    after: Organization
    evidence: Evidence


class Organizations:
    """The register. Every change counts from the next call on, in every process. Thread-safe.

    `screen(entering, registered)` gives the evidence on each that enters; any evidence opens a review, which
    `admission` decides. `edges` are whom they supply and who owns them, `keys` the access keys that they hold.
    """

    def __init__(
        self,
        engine: Engine,
        sealing_key: SealingKey,
        alone: Callable[[Connection, float], bool],
        *,
        screen: Screen | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._screen = screen or screening.screen
        self.keys = AccessKeys(engine, sealing_key, Revision(engine), clock)
        self.edges = Edges(engine, clock)
        self.admission = Admission(engine, alone, clock)

    # Keys, in the words that the wire uses.

    def key(self, access_key_id: str) -> AccessKey | None:
        """The access key, or None."""
        return self.keys.key(access_key_id)

    def issue_key(self, organization: str, purpose: str, **terms: Any) -> AccessKey:
        """A new key for `organization`; the terms are those of :meth:`AccessKeys.issue`."""
        self.get(organization)
        return self.keys.issue(organization, purpose, **terms)

    def first_start(self) -> AccessKey | None:
        """On a new database make the operator's organization and a key to try things with; else None.

        The key is for development: from this machine alone, for 90 days, at most 1,000 faces a collection.
        """
        with asking(self._engine) as connection:
            if connection.execute(select(tables.access_keys.c.id).limit(1)).first():
                return None
        with self._engine.begin() as connection:
            operator = self._first(connection)
        if operator is None:
            return None
        # One that was killed before it had a key gets it now.
        return self.issue_key(operator, FIRST_PURPOSE, days=FIRST_DAYS, loopback_only=True, most_faces=FIRST_MOST_FACES)

    def _first(self, connection: Connection) -> str | None:
        """The id of the operator's organization, made where there is none at all: of two starts at once by one."""
        of = tables.organizations.c
        if connection.execute(select(of.id).limit(1)).first():
            found: str | None = connection.execute(select(of.id).where(of.operator)).scalar()
            return found
        made = Organization(new_id(), UNNAMED, vocabulary.require_sector("technology"), operator=True)
        insert_organizations(connection, [made], self._clock())
        _tell(connection, [made], (), self._clock())
        return made.id

    # The register.

    def register(
        self,
        name: str,
        sector: str,
        *,
        aliases: Iterable[str] = (),
        identifiers: Iterable[tuple[str, str]] = (),
        jurisdictions: Iterable[str] = (),
        verifier: str | None = None,
        operator: bool = False,
    ) -> Organization:
        """Enter an organization; under review when screening finds something. Raises UnknownWord."""
        organization = Organization(
            id=new_id(),
            name=legible(name),
            sector=vocabulary.require_sector(sector),
            jurisdictions=tuple(jurisdictions),
            aliases=_named(aliases),
            identifiers=_identified(identifiers),
            operator=operator,
            verifier=verifier,
        )
        return self.register_all([organization])[0]

    def register_all(
        self,
        organizations: Sequence[Organization],
        edges: Sequence[Edge] = (),
        evidence: Sequence[Evidence] | None = None,
        changes: Sequence[Change] = (),
    ) -> list[Organization]:
        """Enter many, and edges among them or to others, in one transaction; each is screened, or was.

        In the same transaction `changes` are made to those who are known. Who is registered already is screened
        against those who enter in a watched sector.
        """
        now = self._clock()
        evidence = self.screened(organizations) if evidence is None else evidence
        entered = [
            replace(each, standing=Standing.REVIEW) if found else each
            for each, found in zip(organizations, evidence, strict=True)
        ]
        with self._engine.begin() as connection:
            insert_organizations(connection, entered, now)
            insert_edges(connection, edges, now)
            for each, found in zip(entered, evidence, strict=True):
                if found:
                    open_review(connection, each.id, found, now)
            for change in changes:
                _write_change(connection, change, now)
            _tell(connection, entered, edges, now)
            look_back(connection, [each for each in entered if _is_watched(each)], now, self._screen)
        return entered

    def screened(self, organizations: Sequence[Organization]) -> list[Evidence]:
        """The evidence on each, as they would be registered."""
        return list(self._screen(organizations, self.all()))

    def get(self, organization: str) -> Organization:
        """One organization. Raises NoSuchOrganization."""
        found = self._select(organization)
        if not found:
            raise NoSuchOrganization(f"there is no organization {organization}")
        return found[0]

    def operator(self) -> Organization:
        """The operator's own organization, which the first start made. Raises NoSuchOrganization before it."""
        of = tables.organizations.c
        with asking(self._engine) as connection:
            found = connection.execute(select(of.id).where(of.operator)).scalar()
        if found is None:
            raise NoSuchOrganization("the operator has no organization yet; the first start makes it")
        return self.get(found)

    def all(self) -> list[Organization]:
        """All organizations, in the order of their ids."""
        return self._select(None)

    def change(
        self,
        organization: str,
        *,
        name: str | None = None,
        sector: str | None = None,
        aliases: Iterable[str] | None = None,
        identifiers: Iterable[tuple[str, str]] | None = None,
        jurisdictions: Iterable[str] | None = None,
        verifier: str | None = None,
    ) -> Organization:
        """Change what is known of an organization; it is screened again. What is None stays as it is."""
        before = self.get(organization)
        after = replace(
            before,
            name=before.name if name is None else legible(name),
            sector=before.sector if sector is None else vocabulary.require_sector(sector),
            aliases=before.aliases if aliases is None else _named(aliases),
            identifiers=before.identifiers if identifiers is None else _identified(identifiers),
            jurisdictions=before.jurisdictions if jurisdictions is None else tuple(jurisdictions),
            verifier=before.verifier if verifier is None else verifier,
        )
        renamed = _known_by(after) != _known_by(before)
        found = [*self.screened([after])[0], *_resectored(before, after)] if renamed else ()
        with self._engine.begin() as connection:
            after = _write_change(connection, Change(before, after, found), self._clock())
            if _is_watched(after) and not _is_watched(before):
                look_back(connection, [after], self._clock(), self._screen)
            changed(connection)
        return after

    def _select(self, organization: str | None) -> list[Organization]:
        with reading(self._engine) as connection:
            return read_organizations(connection, organization)


def _tell(connection: Connection, entered: Sequence[Organization], edges: Sequence[Edge], now: float) -> None:
    body = {"organizations": len(entered), "first": [each.id for each in entered[:100]], "ties": len(edges)}
    records.append(connection, "registered", now, body)
    changed(connection)


def _write_change(connection: Connection, change: Change, now: float) -> Organization:
    """Write what is known of an organization now; admitted, it comes under review for evidence."""
    before, after = change.before, change.after
    if change.evidence and before.standing is Standing.ADMITTED:
        after = replace(after, standing=Standing.REVIEW)
    update_organization(connection, after)
    if after.standing != before.standing:
        open_review(connection, after.id, change.evidence, now)
    body = {"organization": after.id, "before": _told(before), "after": _told(after)}
    records.append(connection, "organization-changed", now, body)
    return after


def _known_by(organization: Organization) -> tuple[Any, ...]:
    return organization.name, organization.sector, organization.aliases, organization.identifiers


def _is_watched(organization: Organization) -> bool:
    return vocabulary.sectors()[organization.sector].watched


def _named(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(legible, names)))


def _identified(identifiers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(identified(*each) for each in identifiers))


def _resectored(before: Organization, after: Organization) -> list[dict[str, Any]]:
    """The evidence that a watched organization is to become another kind: nobody takes that off it alone."""
    if after.sector == before.sector or not vocabulary.sectors()[before.sector].watched:
        return []
    return [{"by": "sector", "found": after.sector, "resembles": before.name, "sector": before.sector, "score": 100.0}]


def _told(organization: Organization) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(organization)
    return plain


def new_id() -> str:
    """A new 12-digit account id."""
    # AWS's account ids do not begin with a zero, which spreadsheets would eat.
    return str(secrets.randbelow(9 * 10**11) + 10**11)
