"""Suppression entries: who was erased and is not to be enrolled again. :mod:`regard.operations.gallery.objectors`
compares.

They lie in the key store, outside the backups: restoring one brings nobody back. An entry holds keyed digests, of a
name and of pictures; a template only where the person agreed to that, sealed under a key of its own. Entries are
compared with a face that is about to be enrolled, and searched by nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Float, LargeBinary, MetaData, String, Table, bindparam, delete, insert, select

from regard.database import make_tables
from regard.gallery.faces import Box
from regard.gallery.templates.key_store import HOUSE
from regard.gallery.templates.vault import Template, Vault
from regard.traces import owe

_metadata = MetaData()
# Erasures, to be done again on whatever a backup brings back. These stay when an objection is lifted.
_erasures = Table(
    "erasures",
    _metadata,
    Column("name", LargeBinary, primary_key=True),
    Column("at", Float, nullable=False),
)
_objections = Table(
    "objections",
    _metadata,
    Column("id", String(32), primary_key=True),
    Column("organization", String(12), nullable=False, index=True),
    Column("name", LargeBinary, nullable=False, unique=True),
    Column("face_model", String(32)),
    Column("template", LargeBinary),
    Column("at", Float, nullable=False),
)
_pictures = Table(
    "objected_pictures",
    _metadata,
    Column("objection", String(32), primary_key=True),
    Column("picture", LargeBinary, primary_key=True),
    Column("left", Float, primary_key=True),
    Column("top", Float, primary_key=True),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
)
_ANY = select(_objections.c.id).where(_objections.c.organization == bindparam("organization")).limit(1)


# Two templates as like as this are one that was sealed twice.
_SAME = 0.999


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """A template that is kept against enrolment, on its way to another service: since when, of nobody by name."""

    at: float
    face_model: str
    template: bytes


class Objection(NamedTuple):
    """An entry without its template. `at` is when the person was erased."""

    name: bytes
    at: float


class Objections:
    """The suppression entries of all organizations. Thread-safe."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._store = vault.keys.engine
        make_tables(self._store, _metadata)

    def names(self, people: Iterable[tuple[str, str]]) -> list[bytes]:
        """Keyed digests of people: pairs of organization and subject."""
        return self._vault.digests(HOUSE, [f"subject/{of}/{whose}".encode() for of, whose in people])

    def add(
        self,
        organization: str,
        whose: str,
        at: float,
        pictures: Iterable[tuple[bytes, Box]],
        template: tuple[str, NDArray[np.float32]] | None,
    ) -> None:
        """Enter a person, before anything of them is erased; once more adds the pictures that were found since.

        `at` is in seconds since 1970; `pictures` are keyed digests with the box of the person; `template` is a
        FaceModelVersion and float32 of shape (d,).
        """
        (name,) = self.names([(organization, whose)])
        with self._store.begin() as connection:
            found = connection.execute(select(_objections.c.id).where(_objections.c.name == name)).scalar()
            known = found or secrets.token_hex(16)
        # The key of a template has to be there before the template, in a transaction of its own.
        sealed = None if template is None else self._vault.seal(HOUSE, [(_key(known), known)], [template[1]])[0]
        with self._store.begin() as connection:
            connection.execute(delete(_erasures).where(_erasures.c.name == name))
            connection.execute(insert(_erasures).values(name=name, at=at))
            row = {"organization": organization, "name": name, "at": at}
            row |= {"face_model": template[0], "template": sealed} if template else {}
            if found:
                connection.execute(_objections.update().where(_objections.c.id == known).values(row))
            else:
                connection.execute(insert(_objections).values(row | {"id": known}))
            there = {tuple(row) for row in connection.execute(select(_pictures).where(_pictures.c.objection == known))}
            new = {(known, picture, *box) for picture, box in pictures} - there
            columns = [column.name for column in _pictures.columns]
            if new:
                connection.execute(insert(_pictures), [dict(zip(columns, each, strict=True)) for each in new])

    def carried(self, organization: str) -> list[Carried]:
        """The templates that are kept against enrolment, for a service that is to refuse the same faces."""
        of = _objections.c
        wanted = select(of.id, of.face_model, of.at, of.template).where(
            of.organization == organization, of.template.is_not(None)
        )
        with self._store.connect() as connection:
            kept = {known: (face_model, at, sealed) for known, face_model, at, sealed in connection.execute(wanted)}
        opened = self._vault.open(HOUSE, [Template(_key(known), known, sealed) for known, (*_, sealed) in kept.items()])
        return [
            Carried(at, face_model, opened[known].astype("<f4").tobytes())
            for known, (face_model, at, _) in kept.items()
            if known in opened
        ]

    def take(self, organization: str, carried: Sequence[Carried]) -> None:
        """Keep templates against enrolment that came from another service, but for those that are here already."""
        for face_model in {each.face_model for each in carried}:
            some = [each for each in carried if each.face_model == face_model]
            templates = np.stack([np.frombuffer(each.template, "<f4") for each in some])
            near = self.likeness(organization, face_model, templates)
            new = [place for place in range(len(some)) if near is None or near[place] < _SAME]
            ids = {place: secrets.token_hex(16) for place in new}
            sealed = self._vault.seal(HOUSE, [(_key(known), known) for known in ids.values()], templates[new])
            rows = [
                {
                    "id": ids[place],
                    "organization": organization,
                    # Of nobody: no name has this digest.
                    "name": secrets.token_bytes(32),
                    "face_model": face_model,
                    "template": template,
                    "at": some[place].at,
                }
                for place, template in zip(new, sealed, strict=True)
            ]
            if rows:
                with self._store.begin() as connection:
                    connection.execute(insert(_objections), rows)

    def lift(self, organization: str, whose: str) -> bool:
        """Take an entry out: the person may be enrolled again. Whether there was one."""
        (name,) = self.names([(organization, whose)])
        with self._store.begin() as connection:
            known = connection.execute(select(_objections.c.id).where(_objections.c.name == name)).scalar()
            if known is None:
                return False
            connection.execute(delete(_pictures).where(_pictures.c.objection == known))
            connection.execute(delete(_objections).where(_objections.c.id == known))
            owe(connection)
        self._vault.keys.destroy(HOUSE, [_key(known)])
        return True

    def any(self, organization: str) -> bool:
        """Whether the organization has an entry."""
        with self._store.connect() as connection:
            return connection.execute(_ANY, {"organization": organization}).scalar() is not None

    def find(self, organization: str, whose: str) -> Objection | None:
        """The entry of a person, or None."""
        (name,) = self.names([(organization, whose)])
        wanted = select(_objections.c.name, _objections.c.at).where(_objections.c.name == name)
        with self._store.connect() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else Objection(*row)

    def pictured(self, organization: str, picture: bytes) -> list[Box]:
        """The boxes of people who object in a picture, by its keyed digest: exact copies alone."""
        box = (_pictures.c.left, _pictures.c.top, _pictures.c.width, _pictures.c.height)
        wanted = (
            select(*box)
            .join(_objections, _objections.c.id == _pictures.c.objection)
            .where(_objections.c.organization == organization, _pictures.c.picture == picture)
        )
        with self._store.connect() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(wanted)]

    def models(self, organization: str) -> list[str]:
        """The face models of the templates that are kept against enrolment."""
        of = _objections.c
        wanted = select(of.face_model).where(of.organization == organization, of.template.is_not(None)).distinct()
        with self._store.connect() as connection:
            return sorted(connection.scalars(wanted))

    def likeness(
        self, organization: str, face_model: str, embeddings: NDArray[np.float32]
    ) -> NDArray[np.float32] | None:
        """The highest cosine of each embedding to a template that is kept against enrolment; None without any."""
        of = _objections.c
        wanted = select(of.id, of.template).where(
            of.organization == organization, of.face_model == face_model, of.template.is_not(None)
        )
        with self._store.connect() as connection:
            sealed = [Template(_key(known), known, template) for known, template in connection.execute(wanted)]
        found = self._vault.open(HOUSE, sealed)
        if not found:
            return None
        return np.asarray((embeddings @ np.stack(list(found.values())).T).max(axis=1))

    def erasures(self) -> dict[bytes, float]:
        """Everybody who was ever erased, by keyed digest, and when last."""
        with self._store.connect() as connection:
            return {row.name: row.at for row in connection.execute(select(_erasures))}

    def counts(self) -> tuple[int, int]:
        """How many entries there are, and how many of them hold a template."""
        with self._store.connect() as connection:
            rows: Sequence[bytes | None] = connection.execute(select(_objections.c.template)).scalars().all()
        return len(rows), sum(template is not None for template in rows)


def _key(objection: str) -> str:
    return f"objection/{objection}"
