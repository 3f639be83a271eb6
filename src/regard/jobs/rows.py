"""Rows of jobs: their seals, their keys, and what is sealed in them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, insert, select, update

from regard.gallery.gallery import Gallery
from regard.jobs import tables
from regard.jobs.errors import JobChanged, NoSuchJob
from regard.jobs.job import Job, Part, State
from regard.row_seals import is_sealed, row_seal
from regard.sealing import SealBroken, SealingKey

_of = tables.jobs.c
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Rows:
    """Writes and reads rows of jobs. Thread-safe. `key` is the root key: digests of what clients send are under it."""

    def __init__(self, gallery: Gallery, key: SealingKey) -> None:
        self._gallery = gallery
        self._naming = key.derived("jobs/digests")

    def digest(self, what: str, value: Any) -> bytes:
        """A keyed digest of what a client sent: nobody can test a guess against it without the key."""
        return hmac.digest(self._naming, what.encode() + b"/" + _encode(value, order="deterministic"), hashlib.sha256)

    def seal(self, job: str, what: str, value: Any, make: bool = False) -> bytes:
        """A value, sealed under the key of a job, which is made where asked. Raises NoSuchJob where the key is gone."""
        return self._key(job, make).seal(_encode(value), f"job/{job}/{what}".encode())

    def opened(self, job: str, what: str, sealed: bytes) -> Any:
        """What was sealed. Raises NoSuchJob where the key is gone, JobChanged."""
        try:
            return _decode(self._key(job).open(sealed, f"job/{job}/{what}".encode()))
        except SealBroken:
            raise JobChanged(f"the job {job} was changed in the database, and nothing is told of it") from None

    def insert(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Insert the row of a job with its seal."""
        whole = {column.name: row.get(column.name) for column in _of}
        connection.execute(insert(tables.jobs).values({**row, "seal": _seal(connection, whole)}))

    def update(self, connection: Connection, row: Mapping[str, Any], **values: Any) -> None:
        """Change the row of a job that is as the service wrote it, and seal it anew."""
        seal = _seal(connection, {**row, **values})
        connection.execute(update(tables.jobs).where(_of.id == row["id"]).values(**values, seal=seal))

    def find(self, connection: Connection, *which: ColumnElement[bool]) -> dict[str, Any] | None:
        """The one row of a job, or None. Raises JobChanged."""
        row = connection.execute(select(tables.jobs).where(*which)).one_or_none()
        found = None if row is None else row._asdict()
        if found is not None and not is_sealed(connection, "jobs", _told(found), found["seal"]):
            raise JobChanged(f"the job {found['id']} was changed in the database, and nothing is told of it")
        return found

    def job(self, row: Mapping[str, Any]) -> Job:
        """A job from its row. Raises NoSuchJob where its key is gone, JobChanged."""
        asked = self.opened(row["id"], "asked", row["sealed"])
        end = self.opened(row["id"], "end", row["sealed_end"]) if row["sealed_end"] else {}
        plain = {name: row[name] for name in Job.__dataclass_fields__ if name in row}
        return Job(**plain | {"state": State(row["state"]), "given": asked[0], "beside": asked[1], "end": end})

    def keep(self, connection: Connection, job: Job, step: int, parts: Sequence[Part]) -> None:
        """Keep what a step found. A part about a person is sealed under their key, too.

        Of whom nothing is held any more nothing is kept: an erasure that was carried out while the step was done waits
        for this transaction, or this one for it.
        """
        key, kept = self._key(job.id), []
        for place, part in enumerate(parts):
            if part.whose and not self._gallery.subjects.held(connection, job.organization, part.whose):
                continue
            name = self.person(job.organization, part.whose) if part.whose else ""
            data, context = part.data, _context(job.id, step, place, name, part.found)
            if name:
                person = self._gallery.house_key(name, make=True)
                assert person is not None
                data = person.seal(data, context)
            of = {"job": job.id, "step": step, "place": place, "whose": name, "found": part.found}
            kept.append(of | {"sealed": key.seal(data, context)})
        connection.execute(insert(tables.job_parts), kept)

    def part(self, row: Any) -> bytes | None:
        """The bytes of a part by its row, None where the person whom it is about was erased. Raises JobChanged."""
        context = _context(row.job, row.step, row.place, row.whose, row.found)
        try:
            data = self._key(row.job).open(row.sealed, context)
        except SealBroken:
            raise JobChanged(f"what the job {row.job} found was changed, and nothing is told of it") from None
        if not row.whose:
            return data
        person = self._gallery.house_key(row.whose)
        try:
            return person.open(data, context) if person else None
        except SealBroken:
            # They were erased, and came back since: under another key.
            return None

    def person(self, organization: str, whose: str) -> str:
        """The name of the key of a person, by which parts say whom they are about."""
        return self._gallery.person_key_name(organization, whose)

    def _key(self, job: str, make: bool = False) -> SealingKey:
        key = self._gallery.house_key(_name(job), make)
        if key is None:
            raise NoSuchJob(f"what was kept of the job {job} is gone")
        return key

    def destroy(self, jobs: Sequence[str]) -> None:
        """Destroy the keys of jobs: what they sealed is gone for good."""
        self._gallery.destroy_house_keys([_name(job) for job in jobs])


def _name(job: str) -> str:
    return f"job/{job}"


def _context(job: str, step: int, place: int, whose: str, found: int) -> bytes:
    return f"job/{job}/part/{step}/{place}/{found}/{whose}".encode()


def _told(row: Mapping[str, Any]) -> list[Any]:
    return [row[column.name] for column in _of if column.name != "seal"]


def _seal(connection: Connection, row: Mapping[str, Any]) -> bytes:
    return row_seal(connection, "jobs", _told(row))
