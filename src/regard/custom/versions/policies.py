"""Policies of projects: their rows, under row seals. All functions work in the caller's transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from regard.custom.errors import CustomChanged, NoSuchResource, ResourceExists
from regard.custom.projects import Project
from regard.custom.versions import tables
from regard.custom.versions.documents import Document, read
from regard.database import take
from regard.gallery.collections.errors import QuotaExceeded
from regard.row_seals import is_sealed, row_seal

# Of a project.
MOST_POLICIES = 100
_of = tables.policies.c


class OtherRevision(ValueError):
    """The policy is in another revision than the one that is named."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is kept. `revision` is another after each change."""

    id: int
    project: int
    name: str
    revision: str
    document: str
    created_at: float
    updated_at: float

    @property
    def created(self) -> datetime:
        """When it was first put."""
        return datetime.fromtimestamp(self.created_at, UTC)

    @property
    def updated(self) -> datetime:
        """When it was last changed."""
        return datetime.fromtimestamp(self.updated_at, UTC)


class Policies:
    """Puts, lists and deletes the policies of projects."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def put(self, connection: Connection, project: Project, name: str, document: str, revision: str | None) -> str:
        """Put a policy, or another document in the place of `revision` of it; the revision that it has then.

        Raises MalformedDocument; ResourceExists where there is one and no revision is named; OtherRevision;
        QuotaExceeded for more than 100.
        """
        read(document)
        take(connection, f"project/{project.id}")
        found, now, fresh = self.named(connection, project, name), self._clock(), secrets.token_hex(16)
        if found is None:
            if revision is not None:
                raise OtherRevision(f"The project has no policy {name}. Leave PolicyRevisionId out to put one.")
            if len(_rows(connection, _of.project == project.id)) >= MOST_POLICIES:
                raise QuotaExceeded(f"A project has at most {MOST_POLICIES} policies.")
            values = {"project": project.id, "name": name, "created_at": now}
            made = connection.execute(insert(tables.policies).values(**values, **_text(fresh, document, now), seal=b""))
            assert made.inserted_primary_key
            _seal(connection, made.inserted_primary_key[0])
            return fresh
        if revision is None:
            raise ResourceExists(f"The project has a policy {name}. Name its PolicyRevisionId to change it.")
        _require(found, revision)
        connection.execute(update(tables.policies).where(_of.id == found.id).values(**_text(fresh, document, now)))
        _seal(connection, found.id)
        return fresh

    def named(self, connection: Connection, project: Project, name: str) -> Policy | None:
        """A policy by its name, or None. Raises CustomChanged."""
        found = _rows(connection, _of.project == project.id, _of.name == name)
        return found[0] if found else None

    def page(self, connection: Connection, project: Project, after: int, most: int) -> list[Policy]:
        """At most `most` policies, oldest first, from behind the id `after`. Raises CustomChanged."""
        return _rows(connection, _of.project == project.id, _of.id > after, most=most)

    def delete(self, connection: Connection, project: Project, name: str, revision: str | None) -> None:
        """Delete a policy, of this revision where one is named. Raises NoSuchResource, OtherRevision."""
        take(connection, f"project/{project.id}")
        found = self.named(connection, project, name)
        if found is None:
            raise NoSuchResource(f"policy {name}")
        if revision is not None:
            _require(found, revision)
        connection.execute(delete(tables.policies).where(_of.id == found.id))

    def let_copy(self, connection: Connection, project: Project, organization: str, user: str, version: str) -> bool:
        """Whether a caller of another organization may copy a version: some policy lets them, and none forbids it.

        `user` and `version` are ARNs. Raises CustomChanged.
        """
        said: list[Document] = [read(each.document) for each in _rows(connection, _of.project == project.id)]
        if any(each.forbids(organization, user, version) for each in said):
            return False
        return any(each.allows(organization, user, version) for each in said)


def drop_policies(connection: Connection, project: int) -> None:
    """Delete the policies of a project that is deleted."""
    connection.execute(delete(tables.policies).where(_of.project == project))


def _text(revision: str, document: str, now: float) -> dict[str, Any]:
    return {"revision": revision, "document": document, "updated_at": now}


def _require(policy: Policy, revision: str) -> None:
    # AWS takes hexadecimal in either case.
    if revision.lower() != policy.revision:
        raise OtherRevision(f"The policy {policy.name} is in another revision. ListProjectPolicies tells which.")


def _rows(connection: Connection, *which: ColumnElement[bool], most: int | None = None) -> list[Policy]:
    wanted = select(tables.policies).where(*which).order_by(_of.id).limit(most)
    found = []
    for row in connection.execute(wanted):
        values = row._asdict()
        seal = values.pop("seal")
        if not is_sealed(connection, "custom_policies", values.values(), seal):
            raise CustomChanged(f"the policy {row.name} was changed in the database, not by the service")
        found.append(Policy(**values))
    return found


def _seal(connection: Connection, policy: int) -> None:
    row = connection.execute(select(tables.policies).where(_of.id == policy)).one()._asdict()
    del row["seal"]
    seal = row_seal(connection, "custom_policies", row.values())
    connection.execute(update(tables.policies).where(_of.id == policy).values(seal=seal))
