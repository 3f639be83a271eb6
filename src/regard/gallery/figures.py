"""Public figures that an organization enrolled to be recognised: who they are, and why they may be; not figures in
numbers.

Their faces are in a collection of the organization like any other; each is enrolled under its figure's id.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from regard.gallery.collections.errors import NoSuchFigure
from regard.gallery.collections.tables import figures
from regard.gallery.faces import subject
from regard.names import legible

COLLECTION = "regard.figures"


@dataclass(frozen=True, slots=True)
class Figure:
    """A public figure. `basis` says in words why they may be recognised; `gender` is what they say of themselves."""

    id: str
    name: str
    links: tuple[str, ...]
    gender: str | None
    basis: str


class Figures:
    """Keeps public figures. All methods work in the caller's transaction."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def add(
        self,
        connection: Connection,
        organization: str,
        name: str,
        links: Sequence[str],
        gender: str | None,
        basis: str,
    ) -> Figure:
        """Keep a figure; one of the same name and links is the same one, and comes back as it is.

        Name, links and basis lose what nobody sees of them: callers are shown them.
        """
        name, basis, links = legible(name), legible(basis), [legible(link) for link in links]
        for figure in self.all(connection, organization):
            if (figure.name, figure.links) == (name, tuple(links)):
                return figure
        made = Figure(secrets.token_hex(8), name, tuple(links), gender, basis)
        row = {"id": made.id, "name": name, "links": json.dumps(made.links), "gender": gender, "basis": basis}
        connection.execute(insert(figures).values(organization=organization, added_at=self._clock(), **row))
        return made

    def all(self, connection: Connection, organization: str, ids: Collection[str] | None = None) -> list[Figure]:
        """The figures of an organization by name, or those of them with these ids."""
        wanted = select(figures).where(figures.c.organization == organization).order_by(figures.c.name, figures.c.id)
        if ids is not None:
            wanted = wanted.where(figures.c.id.in_(ids))
        return [
            Figure(row.id, row.name, tuple(json.loads(row.links)), row.gender, row.basis)
            for row in connection.execute(wanted)
        ]

    def get(self, connection: Connection, organization: str, figure_id: str) -> Figure:
        """One figure. Raises NoSuchFigure."""
        for figure in self.all(connection, organization, [figure_id]):
            return figure
        raise NoSuchFigure(figure_id)

    def remove(self, connection: Connection, organization: str, figure_id: str) -> None:
        """Delete a figure, but not their faces. Raises NoSuchFigure."""
        self.get(connection, organization, figure_id)
        connection.execute(delete(figures).where(figures.c.organization == organization, figures.c.id == figure_id))

    def people(self, connection: Connection) -> list[tuple[str, str]]:
        """Organization and subject of every figure: the subject that its faces are enrolled under."""
        rows = connection.execute(select(figures.c.organization, figures.c.id))
        return [(organization, subject(figure_id, "")) for organization, figure_id in rows]

    def added(self, connection: Connection, organization: str, figure_id: str) -> list[float]:
        """When a figure was added, in seconds since 1970: one number, or none where there is no figure of this id."""
        wanted = select(figures.c.added_at).where(figures.c.organization == organization, figures.c.id == figure_id)
        return list(connection.execute(wanted).scalars())

    def forget(self, connection: Connection, organization: str, figure_id: str, until: float) -> None:
        """Delete a figure, if there is one, that was added up to `until` (seconds since 1970)."""
        of = figures.c
        same = (of.organization == organization) & (of.id == figure_id) & (of.added_at <= until)
        connection.execute(delete(figures).where(same))
