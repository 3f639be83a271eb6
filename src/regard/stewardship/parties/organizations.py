"""Organizations: who holds access keys, what they are, and whom they supply."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, insert, select, update

from regard.sealing import SealingKey
from regard.stewardship.parties import screening
from regard.stewardship.parties.keys import AccessKey, AccessKeys
from regard.stewardship.parties.organization import Organization, Standing, identified
from regard.stewardship.policy import vocabulary
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import Revision, changed

__all__ = ["Change", "Edge", "EdgeKind", "Organization", "Organizations", "Review", "Standing"]

# What the operator's own organization is called until it is given its name. Many are called so.
UNNAMED = "Operator of this service"
FIRST_PURPOSE = "development"
FIRST_DAYS = 90
FIRST_MOST_FACES = 1_000


class EdgeKind(StrEnum):
    """How what one organization gets can reach another: as its end customer, or as its owner and back."""

    SUPPLIES = "supplies"
    OWNED_BY = "owned-by"


@dataclass(frozen=True, slots=True)
class Edge:
    """From whom to whom. `evidence` says who says so: `declared`, or the source of an import."""

    source: str
    kind: EdgeKind
    target: str
    evidence: str = "declared"


@dataclass(frozen=True, slots=True)
class Review:
    """A question about an organization for a person to decide, with the evidence that raised it."""

    id: int
    organization: str
    evidence: tuple[dict[str, Any], ...]
    decision: str | None
    decided_by: str | None
    reason: str | None


class ByMotion(PermissionError):
    """What the council decides by motion, and nobody alone."""


class NoSuchOrganization(LookupError):
    """There is no organization of this id."""


Evidence = Sequence[dict[str, Any]]
Screen = Callable[[Sequence[Organization], Sequence[Organization]], Sequence[Evidence]]


@dataclass(frozen=True, slots=True)
class Change:
    """What is known of an organization before and after, and the evidence on it after."""

    before: Organization
    after: Organization
    evidence: Evidence


class Organizations:
    """The register. Every change counts from the next call on, in every process. Thread-safe.

    `screen(entering, registered)` gives the evidence on each that enters; any evidence opens a review.
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
        self._alone = alone
        self._clock = clock
        self._screen = screen or screening.screen
        self.keys = AccessKeys(engine, sealing_key, Revision(engine), clock)

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
        with self._engine.connect().execution_options(read_only=True) as connection:
            if connection.execute(select(tables.organizations.c.id).limit(1)).first():
                return None
        operator = self.register(UNNAMED, "technology", operator=True)
        return self.issue_key(
            operator.id, FIRST_PURPOSE, days=FIRST_DAYS, loopback_only=True, most_faces=FIRST_MOST_FACES
        )

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
            name=name.strip(),
            sector=vocabulary.require_sector(sector),
            jurisdictions=tuple(jurisdictions),
            aliases=tuple(dict.fromkeys(aliases)),
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
            _insert(connection, tables.organizations, [_row(each, now) for each in entered])
            _insert(
                connection,
                tables.aliases,
                [{"organization": each.id, "name": name} for each in entered for name in each.aliases],
            )
            _insert(
                connection,
                tables.identifiers,
                [
                    {"organization": each.id, "scheme": scheme, "value": value}
                    for each in entered
                    for scheme, value in each.identifiers
                ],
            )
            _insert(connection, tables.edges, [_edge_row(edge, now) for edge in edges])
            for each, found in zip(entered, evidence, strict=True):
                if found:
                    _open_review(connection, each.id, found, now)
            for change in changes:
                _write_change(connection, change, now)
            body = {"organizations": len(entered), "first": [each.id for each in entered[:100]], "ties": len(edges)}
            records.append(connection, "registered", now, body)
            self._look_back(connection, [each for each in entered if _is_watched(each)])
            changed(connection)
        return entered

    def screened(self, organizations: Sequence[Organization]) -> list[Evidence]:
        """The evidence on each, as they would be registered."""
        return list(self._screen(organizations, self.all()))

    def judged(self, organization: str) -> list[dict[str, Any]]:
        """The evidence that people have judged in reviews of an organization."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            return _judged(connection, organization)

    def get(self, organization: str) -> Organization:
        """One organization. Raises NoSuchOrganization."""
        found = self._select(organization)
        if not found:
            raise NoSuchOrganization(f"there is no organization {organization}")
        return found[0]

    def all(self) -> list[Organization]:
        """All organizations, in the order of their ids."""
        return self._select(None)

    def edges(self) -> list[Edge]:
        """All edges."""
        table = tables.edges
        query = select(table.c.source, table.c.kind, table.c.target, table.c.evidence)
        with self._engine.connect().execution_options(read_only=True) as connection:
            return [Edge(row[0], EdgeKind(row[1]), row[2], row[3]) for row in connection.execute(query)]

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
            name=before.name if name is None else name.strip(),
            sector=before.sector if sector is None else vocabulary.require_sector(sector),
            aliases=before.aliases if aliases is None else tuple(dict.fromkeys(aliases)),
            identifiers=before.identifiers if identifiers is None else _identified(identifiers),
            jurisdictions=before.jurisdictions if jurisdictions is None else tuple(jurisdictions),
            verifier=before.verifier if verifier is None else verifier,
        )
        renamed = _known_by(after) != _known_by(before)
        found = [*self.screened([after])[0], *_resectored(before, after)] if renamed else ()
        with self._engine.begin() as connection:
            after = _write_change(connection, Change(before, after, found), self._clock())
            if _is_watched(after) and not _is_watched(before):
                self._look_back(connection, [after])
            changed(connection)
        return after

    # Whom it supplies.

    def add_edge(self, edge: Edge) -> None:
        """Enter an edge. A declared end customer must be attested again before sensitive calls go on."""
        with self._engine.begin() as connection:
            for end in (edge.source, edge.target):
                read_standing(connection, end)
            _insert(connection, tables.edges, [_edge_row(edge, self._clock())])
            self._void_attestation(connection, edge)
            records.append(connection, "tie-added", self._clock(), asdict(edge))
            changed(connection)

    def remove_edge(self, source: str, kind: EdgeKind, target: str) -> None:
        """Take an edge out; a declaration that lost one must be attested again. Raises LookupError."""
        table = tables.edges
        same = (table.c.source == source) & (table.c.kind == kind) & (table.c.target == target)
        with self._engine.begin() as connection:
            row = connection.execute(select(table.c.evidence).where(same)).one_or_none()
            if row is None:
                raise LookupError(f"{source} has no edge {kind} {target}")
            connection.execute(delete(table).where(same))
            edge = Edge(source, kind, target, row.evidence)
            self._void_attestation(connection, edge)
            records.append(connection, "tie-removed", self._clock(), asdict(edge))
            changed(connection)

    def end_customers(self, organization: str) -> list[str]:
        """The ids of whom an organization supplies, sorted."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            return _end_customers(connection, organization)

    def set_attestation(self, organization: str, note: bytes, until: float, customers: list[str]) -> bool:
        """Keep a signed declaration of these end customers, unless others are declared by now; whether it was.

        :mod:`regard.stewardship.parties.attestations` checks it first.
        """
        of = tables.organizations
        with self._engine.begin() as connection:
            read_standing(connection, organization)
            if customers != _end_customers(connection, organization):
                return False
            values: Mapping[str, Any] = {"attestation": note, "attested_until": until}
            connection.execute(update(of).where(of.c.id == organization).values(values))
            records.append(connection, "attestation", self._clock(), {"organization": organization, "until": until})
            changed(connection)
        return True

    # Reviews.

    def reviews(self, *, waiting: bool = True) -> list[Review]:
        """The reviews that wait for a person, or all."""
        table = tables.reviews
        query = select(table).order_by(table.c.id)
        if waiting:
            query = query.where(table.c.decision.is_(None))
        with self._engine.connect().execution_options(read_only=True) as connection:
            return [
                Review(row.id, row.organization, tuple(row.evidence), row.decision, row.decided_by, row.reason)
                for row in connection.execute(query)
            ]

    def decide(self, organization: str, standing: Standing, by: str, reason: str) -> None:
        """Admit or refuse an organization, for a reason that is kept; its waiting reviews are closed.

        Raises ByMotion where a council of more than one sits.
        """
        if standing is Standing.REVIEW or not reason.strip() or not by.strip():
            raise ValueError("a decision admits or refuses, and says who decided and why")
        with self._engine.begin() as connection:
            if not self._alone(connection, self._clock()):
                raise ByMotion("the council has several members: this takes a motion of kind admission")
            write_decision(connection, organization, standing, by, reason, self._clock())

    def _look_back(self, connection: Connection, marked: Sequence[Organization]) -> None:
        look_back(connection, marked, self._clock(), self._screen)

    def _void_attestation(self, connection: Connection, edge: Edge) -> None:
        if edge.kind is EdgeKind.SUPPLIES and edge.evidence == "declared":
            of = tables.organizations
            connection.execute(update(of).where(of.c.id == edge.source).values(attested_until=0.0))

    def _select(self, organization: str | None) -> list[Organization]:
        with self._engine.connect().execution_options(read_only=True) as connection:
            return read_organizations(connection, organization)


def _end_customers(connection: Connection, organization: str) -> list[str]:
    of = tables.edges.c
    query = select(of.target).where(of.source == organization, of.kind == EdgeKind.SUPPLIES).order_by(of.target)
    return list(connection.execute(query).scalars())


def read_organizations(connection: Connection, organization: str | None = None) -> list[Organization]:
    """All organizations, or the one of this id if there is one, in the order of their ids."""
    of = tables.organizations
    names: dict[str, list[str]] = defaultdict(list)
    identifiers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in connection.execute(_of(tables.aliases, organization)):
        names[row.organization].append(row.name)
    for row in connection.execute(_of(tables.identifiers, organization)):
        identifiers[row.organization].append((row.scheme, row.value))
    query = select(of).order_by(of.c.id)
    if organization is not None:
        query = query.where(of.c.id == organization)
    return [
        Organization(
            id=row.id,
            name=row.name,
            sector=row.sector,
            jurisdictions=tuple(row.jurisdictions),
            aliases=tuple(names[row.id]),
            identifiers=tuple(identifiers[row.id]),
            standing=Standing(row.standing),
            operator=row.operator,
            verifier=row.verifier,
            attested_until=row.attested_until,
        )
        for row in connection.execute(query)
    ]


def read_standing(connection: Connection, organization: str) -> Standing:
    """What was decided about it. Raises NoSuchOrganization."""
    of = tables.organizations
    standing = connection.execute(select(of.c.standing).where(of.c.id == organization)).scalar()
    if standing is None:
        raise NoSuchOrganization(f"there is no organization {organization}")
    return Standing(standing)


def write_decision(
    connection: Connection, organization: str, standing: Standing, by: str, reason: str, now: float
) -> None:
    """Admit or refuse an organization in the transaction of what decided it."""
    read_standing(connection, organization)
    of, table = tables.organizations, tables.reviews
    connection.execute(update(of).where(of.c.id == organization).values(standing=standing))
    decided = {"decision": standing, "decided_by": by, "reason": reason, "decided_at": now}
    waits = (table.c.organization == organization) & table.c.decision.is_(None)
    connection.execute(update(table).where(waits).values(decided))
    body = {"organization": organization, "decision": str(standing), "by": by, "reason": reason}
    records.append(connection, "review", now, body)
    if standing is Standing.REFUSED:
        look_back(connection, read_organizations(connection, organization), now)
    changed(connection)


def look_back(
    connection: Connection, marked: Sequence[Organization], now: float, screen: Screen = screening.screen
) -> None:
    """Open reviews of those who were admitted before it was known whom they resemble: one of the `marked`.

    What a person has judged already is not asked again.
    """
    if not marked:
        return
    ids, names = {each.id for each in marked}, {each.name for each in marked}
    admitted = [
        each for each in read_organizations(connection) if each.standing is Standing.ADMITTED and each.id not in ids
    ]
    for each, evidence in zip(admitted, screen(admitted, marked), strict=True):
        judged = _judged(connection, each.id)
        if found := [hit for hit in evidence if hit["resembles"] in names and hit not in judged]:
            of = tables.organizations
            connection.execute(update(of).where(of.c.id == each.id).values(standing=Standing.REVIEW))
            _open_review(connection, each.id, found, now)


def _judged(connection: Connection, organization: str) -> list[dict[str, Any]]:
    """The evidence that people have judged in reviews of an organization."""
    of = tables.reviews.c
    found = connection.execute(select(of.evidence).where(of.organization == organization, of.decision.is_not(None)))
    return [hit for (evidence,) in found for hit in evidence]


def _write_change(connection: Connection, change: Change, now: float) -> Organization:
    """Write what is known of an organization now; admitted, it comes under review for evidence."""
    before, after, of = change.before, change.after, tables.organizations
    if change.evidence and before.standing is Standing.ADMITTED:
        after = replace(after, standing=Standing.REVIEW)
    values = _row(after, now) | {"created_at": of.c.created_at}
    connection.execute(update(of).where(of.c.id == after.id).values(values))
    for table in (tables.aliases, tables.identifiers):
        connection.execute(delete(table).where(table.c.organization == after.id))
    _insert(connection, tables.aliases, [{"organization": after.id, "name": name} for name in after.aliases])
    _insert(
        connection,
        tables.identifiers,
        [{"organization": after.id, "scheme": scheme, "value": value} for scheme, value in after.identifiers],
    )
    if after.standing != before.standing:
        _open_review(connection, after.id, change.evidence, now)
    body = {"organization": after.id, "before": _told(before), "after": _told(after)}
    records.append(connection, "organization-changed", now, body)
    return after


def _known_by(organization: Organization) -> tuple[Any, ...]:
    return organization.name, organization.sector, organization.aliases, organization.identifiers


def _is_watched(organization: Organization) -> bool:
    return vocabulary.sectors()[organization.sector].watched


def _identified(identifiers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(identified(*each) for each in identifiers))


def _resectored(before: Organization, after: Organization) -> list[dict[str, Any]]:
    """The evidence that a watched organization is to become another kind: nobody takes that off it alone."""
    if after.sector == before.sector or not vocabulary.sectors()[before.sector].watched:
        return []
    return [{"by": "sector", "found": after.sector, "resembles": before.name, "sector": before.sector, "score": 100.0}]


def _of(table: Table, organization: str | None) -> Any:
    return select(table) if organization is None else select(table).where(table.c.organization == organization)


def _open_review(connection: Connection, organization: str, evidence: Sequence[dict[str, Any]], now: float) -> None:
    row = {"organization": organization, "evidence": list(evidence), "opened_at": now}
    connection.execute(insert(tables.reviews).values(row))
    records.append(connection, "review-opened", now, {"organization": organization, "evidence": list(evidence)})


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _told(organization: Organization) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(organization)
    return plain


def _row(organization: Organization, now: float) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "sector": organization.sector,
        "jurisdictions": list(organization.jurisdictions),
        "standing": organization.standing,
        "operator": organization.operator,
        "verifier": organization.verifier,
        "attested_until": organization.attested_until,
        "created_at": now,
    }


def _edge_row(edge: Edge, now: float) -> dict[str, Any]:
    return {
        "source": edge.source,
        "kind": edge.kind,
        "target": edge.target,
        "evidence": edge.evidence,
        "created_at": now,
    }


def new_id() -> str:
    """A new 12-digit account id."""
    # AWS's account ids do not begin with a zero, which spreadsheets would eat.
    return str(secrets.randbelow(9 * 10**11) + 10**11)
