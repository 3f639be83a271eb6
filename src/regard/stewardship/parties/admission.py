"""Admission: reviews of organizations, and the decision on each. `people.review` reviews matches of faces instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from regard.database import reading
from regard.stewardship.parties import screening
from regard.stewardship.parties.organization import Organization, Standing
from regard.stewardship.parties.organization_rows import change_organization, read_organizations, read_standing
from regard.stewardship.records import records, tables
from regard.stewardship.records.revision import changed
from regard.stewardship.records.sealed_rows import is_told_of, seal_written, update_sealed

Evidence = Sequence[dict[str, Any]]
Screen = Callable[[Sequence[Organization], Sequence[Organization]], Sequence[Evidence]]


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


class Admission:
    """Who is admitted, and the reviews that wait for a person. Thread-safe.

    `alone(connection, now)` says whether the council is one person: only then a person decides without a motion.
    """

    def __init__(self, engine: Engine, alone: Callable[[Connection, float], bool], clock: Callable[[], float]) -> None:
        self._engine = engine
        self._alone = alone
        self._clock = clock

    def reviews(self, *, waiting: bool = True) -> list[Review]:
        """The reviews that wait for a person, or all."""
        table = tables.reviews
        query = select(table).order_by(table.c.id)
        if waiting:
            query = query.where(table.c.decision.is_(None))
        with reading(self._engine) as connection:
            return [
                Review(row.id, row.organization, tuple(row.evidence), row.decision, row.decided_by, row.reason)
                for row in connection.execute(query)
                if is_told_of(connection, table, row, f"the review {row.id} of {row.organization}")
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

    def judged(self, organization: str) -> list[dict[str, Any]]:
        """The evidence that people have judged in reviews of an organization."""
        with reading(self._engine) as connection:
            return _read_judged(connection, organization)


def write_decision(
    connection: Connection, organization: str, standing: Standing, by: str, reason: str, now: float
) -> None:
    """Admit or refuse an organization in the transaction of what decided it."""
    read_standing(connection, organization)
    table = tables.reviews
    change_organization(connection, organization, standing=standing)
    decided = {"decision": standing, "decided_by": by, "reason": reason, "decided_at": now}
    waits = (table.c.organization == organization) & table.c.decision.is_(None)
    update_sealed(connection, table, waits, **decided)
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
        judged = _read_judged(connection, each.id)
        if found := [hit for hit in evidence if hit["resembles"] in names and hit not in judged]:
            change_organization(connection, each.id, standing=Standing.REVIEW)
            open_review(connection, each.id, found, now)


def _read_judged(connection: Connection, organization: str) -> list[dict[str, Any]]:
    """The evidence that people have judged in reviews of an organization."""
    of, table = tables.reviews.c, tables.reviews
    found = connection.execute(select(table).where(of.organization == organization, of.decision.is_not(None)))
    judged = [row for row in found if is_told_of(connection, table, row, f"the review {row.id} of {organization}")]
    return [hit for row in judged for hit in row.evidence]


def open_review(connection: Connection, organization: str, evidence: Sequence[dict[str, Any]], now: float) -> None:
    """Ask people about an organization, for the evidence that something is wrong."""
    row = {"organization": organization, "evidence": list(evidence), "opened_at": now}
    made = connection.execute(insert(tables.reviews).values(row)).inserted_primary_key
    assert made is not None
    seal_written(connection, tables.reviews, tables.reviews.c.id == made[0])
    records.append(connection, "review-opened", now, {"organization": organization, "evidence": list(evidence)})
