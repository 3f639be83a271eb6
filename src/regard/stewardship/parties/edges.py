"""Edges between organizations: whom one supplies, and who owns it; what follows from them is in `reach`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, delete, select

from regard.database import reading
from regard.stewardship.parties.organization_rows import (
    change_organization,
    insert_all,
    read_standing,
    require_sealed,
    seal_organizations,
)
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import changed


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


class Edges:
    """The edges that are registered, and the attestations that organizations give of them. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    def all(self) -> list[Edge]:
        """All edges."""
        table = tables.edges
        query = select(table.c.source, table.c.kind, table.c.target, table.c.evidence)
        with reading(self._engine) as connection:
            return [Edge(row[0], EdgeKind(row[1]), row[2], row[3]) for row in connection.execute(query)]

    def add(self, edge: Edge) -> None:
        """Enter an edge. A declared end customer must be attested again before sensitive calls go on."""
        with self._engine.begin() as connection:
            for end in (edge.source, edge.target):
                read_standing(connection, end)
            require_sealed(connection, edge.source)
            insert_edges(connection, [edge], self._clock())
            _void_attestation(connection, edge)
            records.append(connection, "tie-added", self._clock(), asdict(edge))
            changed(connection)

    def remove(self, source: str, kind: EdgeKind, target: str) -> None:
        """Take an edge out; a declaration that lost one must be attested again. Raises LookupError."""
        table = tables.edges
        same = (table.c.source == source) & (table.c.kind == kind) & (table.c.target == target)
        with self._engine.begin() as connection:
            row = connection.execute(select(table.c.evidence).where(same)).one_or_none()
            if row is None:
                raise LookupError(f"{source} has no edge {kind} {target}")
            require_sealed(connection, source)
            connection.execute(delete(table).where(same))
            seal_organizations(connection, source)
            edge = Edge(source, kind, target, row.evidence)
            _void_attestation(connection, edge)
            records.append(connection, "tie-removed", self._clock(), asdict(edge))
            changed(connection)

    def end_customers(self, organization: str) -> list[str]:
        """The ids of whom an organization supplies, sorted."""
        with reading(self._engine) as connection:
            return _end_customers(connection, organization)

    def attest(self, organization: str, note: bytes, until: float, customers: list[str]) -> bool:
        """Keep a signed declaration of these end customers, unless others are declared by now; whether it was.

        :mod:`regard.stewardship.parties.attestations` checks it first.
        """
        with self._engine.begin() as connection:
            read_standing(connection, organization)
            if customers != _end_customers(connection, organization):
                return False
            values: Mapping[str, Any] = {"attestation": note, "attested_until": until}
            change_organization(connection, organization, **values)
            records.append(connection, "attestation", self._clock(), {"organization": organization, "until": until})
            changed(connection)
        return True


def insert_edges(connection: Connection, edges: Sequence[Edge], now: float) -> None:
    """Enter edges in the transaction of what they follow from."""
    insert_all(connection, tables.edges, [asdict(edge) | {"created_at": now} for edge in edges])
    seal_organizations(connection, *dict.fromkeys(edge.source for edge in edges))


def _void_attestation(connection: Connection, edge: Edge) -> None:
    if edge.kind is EdgeKind.SUPPLIES and edge.evidence == "declared":
        change_organization(connection, edge.source, attested_until=0.0)


def _end_customers(connection: Connection, organization: str) -> list[str]:
    of = tables.edges.c
    query = select(of.target).where(of.source == organization, of.kind == EdgeKind.SUPPLIES).order_by(of.target)
    return list(connection.execute(query).scalars())
