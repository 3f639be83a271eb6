"""Versions: their rows, under row seals, and how they go from state to state, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Text, bindparam, cast, delete, insert, select, update

from regard.custom.arns import Arn, own
from regard.custom.errors import CustomChanged, NoSuchResource, ResourceInUse
from regard.custom.projects import Feature, Project, Projects, retrains, tagged
from regard.custom.tables import projects
from regard.custom.versions import tables
from regard.custom.versions.states import (
    BY_ITSELF,
    DONE,
    ENDS,
    HELD,
    READY,
    WITH_MODEL,
    Again,
    State,
    what_follows,
)
from regard.database import take
from regard.gallery.gallery import Gallery
from regard.row_seals import is_sealed, row_seal
from regard.sealing import SealBroken, SealingKey
from regard.traces import owe

_of = tables.versions.c
# Under which name `told` keeps what the law asks of a version.
LAW = "Law"
# Under which name `asked` keeps the key that had it made and the region that it called, and both keep an `Again`.
BY, AGAIN = "By", "Again"
# Rows of versions that are asked of pictures, as they were read last. One has some kilobytes.
_MOST_HELD = 256
_MADE = {State.TRAINING: "The model is being trained.", State.COPYING: "The model is being copied."}
_TOLD = {
    State.STARTING: "The model is being started.",
    State.RUNNING: "The model is running.",
    State.STOPPING: "The model is being stopped.",
    State.STOPPED: "The model is stopped.",
    State.DELETING: "The model is being deleted.",
}


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is kept.

    `asked` is what it was made with, `told` what came of it: StatusMessage, and the members of a description that hang
    on its end. `digest` is the SHA-256 of its model, empty where it has none. `least` and `most` are the inference
    units that it was started with.
    """

    id: int
    project: Project
    name: str
    number: int
    state: State
    job: str
    digest: str
    least: int | None
    most: int | None
    tags: dict[str, str]
    created_at: float
    changed_at: float
    ended_at: float | None
    asked: dict[str, Any] = field(repr=False)
    told: dict[str, Any] = field(repr=False)

    @property
    def resource(self) -> str:
        """Its ARN behind the account."""
        return Arn(self.project.organization, self.project.name, self.number, version=self.name).resource

    @property
    def created(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.created_at, UTC)

    @property
    def follows(self) -> Again | None:
        """What it was begun in the place of, where the service did so by itself."""
        return msgspec.convert(self.asked[AGAIN], Again) if AGAIN in self.asked else None

    @property
    def lost(self) -> Again | None:
        """That it is to be trained anew, or was, or was not to be; None of one that nobody lost."""
        return msgspec.convert(self.told[AGAIN], Again) if AGAIN in self.told else None

    def again(self, why: str) -> Again:
        """That it is lost, and to be trained anew."""
        before = self.follows
        return Again(self.digest or (before.of if before else ""), before.since if before else self.created_at, why)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a version comes to for whoever asks it of a picture: no more of it is read.

    `project` is the name of its project, and `tags` are the project's.
    """

    id: int
    name: str
    state: State
    digest: str
    feature: Feature
    project: str
    tags: dict[str, str]


class Versions:
    """Makes, finds, lists and deletes versions. Thread-safe; each method works in the caller's transaction."""

    def __init__(self, gallery: Gallery, projects: Projects, clock: Callable[[], float]) -> None:
        self._gallery = gallery
        self._projects = projects
        self._clock = clock
        self._standing = gallery.reader(_STANDING)
        # What a row comes to hangs on the row alone: an equal one comes to the same.
        self._stands = lru_cache(maxsize=_MOST_HELD)(self._standing_of)

    def create(
        self,
        connection: Connection,
        project: Project,
        name: str,
        state: State,
        asked: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> Version:
        """Make a version that is to be trained or copied. Raises ResourceInUse for a taken name, QuotaExceeded."""
        take(connection, f"project/{project.id}")
        if _select(connection, _of.project == project.id, _of.name == name):
            raise ResourceInUse(
                f"The project has a version {name} already. Choose another name, or delete that version first."
            )
        now = self._clock()
        values = {
            "project": project.id,
            "name": name,
            "number": int(now * 1000),
            "state": state,
            "tags": tagged({}, tags),
            "created_at": now,
            "changed_at": now,
        }
        blank = dict.fromkeys(("sealed", "sealed_end", "seal"), b"")
        made = connection.execute(insert(tables.versions).values(**values, **blank))
        assert made.inserted_primary_key
        number = int(made.inserted_primary_key[0])
        key = self.key(number, make=True)
        row = dict.fromkeys(column.name for column in _of) | values | {"id": number}
        sealed = key.seal(msgspec.json.encode(asked), _context(number, "asked"))
        self._update(connection, row, sealed=sealed, sealed_end=self._told(number, {"StatusMessage": _MADE[state]}))
        return self.get(connection, project.organization, number)

    def get(self, connection: Connection, organization: str, version: int) -> Version:
        """A version of an organization by its id. Raises NoSuchResource, CustomChanged."""
        row = self._row(connection, version)
        return self._version(row, self._projects.get(connection, organization, row["project"]))

    def find(self, connection: Connection, organization: str, arn: str) -> Version:
        """A version of an organization by its ARN. Raises NoSuchResource, CustomChanged."""
        named = own(arn, organization, "version")
        project = self._projects.named(connection, organization, named.project)
        if project is not None:
            which = (_of.project == project.id, _of.name == named.version, _of.number == named.number)
            if found := _select(connection, *which):
                return self._version(found[0], project)
        raise NoSuchResource(arn)

    def standing(self, organization: str, arn: str) -> Standing:
        """How a version of an organization stands now, by its ARN, at the cost of one row.

        Raises NoSuchResource, CustomChanged.
        """
        named = own(arn, organization, "version")
        given = {"owner": organization, "project": named.project, "name": named.version, "number": named.number}
        rows = self._standing.rows(**given)
        if not rows:
            raise NoSuchResource(arn)
        return self._stands(tuple(rows[0]))

    def page(
        self, connection: Connection, project: Project, after: int, most: int, names: Collection[str] = ()
    ) -> list[Version]:
        """At most `most` versions, newest first, from behind the id `after`, 0 for the first; of these names if any."""
        which = [_of.project == project.id]
        which += [_of.id < after] if after else []
        which += [_of.name.in_(names)] if names else []
        return [self._version(row, project) for row in _select(connection, *which, most=most)]

    def any_in(self, connection: Connection, project: int, *states: State) -> bool:
        """Whether the project of this id has a version, or one in one of these states."""
        which = [_of.project == project, *([_of.state.in_(states)] if states else [])]
        return bool(_select(connection, *which, most=1))

    def at_work(self, connection: Connection, version: Version, job: str) -> None:
        """Say which job trains or copies a version."""
        self._update(connection, self._row(connection, version.id), job=job)

    def move(
        self, connection: Connection, version: Version, state: State, message: str = "", **units: int | None
    ) -> None:
        """Take a version into another state. `units` are the inference units, `least` and `most`.

        Raises ResourceInUse where it is in a state that this one does not follow.
        """
        row = self._row(connection, version.id)
        if State(row["state"]) not in _BEFORE[state]:
            raise ResourceInUse(f"The version {version.name} is {row['state']}: {_HINT[state]}")
        told = version.told | {"StatusMessage": message or _TOLD[state]}
        changes = {"state": state, "changed_at": self._clock(), "sealed_end": self._told(version.id, told)}
        self._update(connection, row, **changes, **units)

    def end(self, connection: Connection, version: int, done: bool, told: Mapping[str, Any], digest: str = "") -> None:
        """End the training or the copying of a version. One that is over, or gone, stays as it is.

        One that failed, whose job was tried again and is done now, is done.
        """
        rows = _select(connection, _of.id == version)
        before = State(rows[0]["state"]) if rows else State.DELETING
        if before is State.EXPIRED or not done:
            # Of one that was withdrawn meanwhile nothing stays that a job made.
            self._drop_model(connection, version)
        if before not in (DONE if done else ENDS):
            return
        state, now = DONE[before] if done else ENDS[before][1], self._clock()
        values = {"state": state, "digest": digest or None, "changed_at": now, "ended_at": now}
        self._update(connection, rows[0], **values, sealed_end=self._told(version, told))

    def remember(self, connection: Connection, version: Version, law: Mapping[str, Any]) -> None:
        """Keep what the law asks of a version."""
        row = self._row(connection, version.id)
        self._update(connection, row, sealed_end=self._told(version.id, version.told | {LAW: law}))

    def withdraw(self, connection: Connection, version: Version, why: str) -> None:
        """Take its model from a version for good, whatever state it is in, and what is kept of people for the law.

        The job that works on one comes to nothing.
        """
        row = self._row(connection, version.id)
        self._drop_model(connection, version.id)
        told = {name: value for name, value in version.told.items() if name != LAW}
        follows = what_follows(version.project.retrains and version.lost is None, version.asked)
        told["StatusMessage"] = f"{why} {follows}"
        if follows == BY_ITSELF:
            told[AGAIN] = msgspec.to_builtins(version.again(why))
        now = self._clock()
        values = {"state": State.EXPIRED, "digest": None, "changed_at": now, "ended_at": row["ended_at"] or now}
        self._update(connection, row, **values, sealed_end=self._told(version.id, told))
        owe(connection)

    def losable(self, connection: Connection) -> list[tuple[int, str, float, bool]]:
        """The versions, whoever's, that may be to be trained anew: id, state, when that changed, and whether their
        project wants it. Of those with a model only where it does. Nothing of them is opened.
        """
        state, of = _of.state.in_((State.EXPIRED, State.TRAINING_FAILED, *WITH_MODEL)), projects.c
        wanted = select(_of.id, _of.state, _of.changed_at, of.feature, of.auto_update, of.tags)
        rows = connection.execute(wanted.join(projects, of.id == _of.project).where(state).order_by(_of.id)).all()
        told = [(row.id, row.state, row.changed_at, retrains(row.feature, row.auto_update, row.tags)) for row in rows]
        return [each for each in told if each[3] or State(each[1]) not in WITH_MODEL]

    def settle(self, connection: Connection, version: Version, lost: Again, what: str) -> None:
        """Say what came of a version that was to be trained anew. Raises ResourceInUse where that was said before."""
        row = self._row(connection, version.id)
        now = self._version(row, version.project)
        if (now.lost and now.lost.over) or now.state is not version.state:
            raise ResourceInUse(f"The version {version.name} was seen to meanwhile.")
        told = {
            "StatusMessage": f"{lost.why} {what}",
            AGAIN: msgspec.to_builtins(msgspec.structs.replace(lost, over=True)),
        }
        self._update(connection, row, sealed_end=self._told(version.id, now.told | told))

    def ids(self, connection: Connection, state: State) -> list[int]:
        """The ids of all versions in a state, whoever's."""
        return list(connection.execute(select(_of.id).where(_of.state == state).order_by(_of.id)).scalars())

    def owner(self, connection: Connection, version: int) -> str:
        """The organization whose version this is. Raises NoSuchResource."""
        wanted = select(projects.c.organization).join(tables.versions, projects.c.id == _of.project)
        found: str | None = connection.execute(wanted.where(_of.id == version)).scalar()
        if found is None:
            raise NoSuchResource(f"version {version}")
        return found

    def tag(self, connection: Connection, version: Version, tags: Mapping[str, str], without: Sequence[str]) -> None:
        """Add tags, and remove those of the keys `without`. Raises QuotaExceeded, CustomChanged."""
        row = self._row(connection, version.id)
        kept = {key: value for key, value in tagged(row["tags"], tags).items() if key not in without}
        self._update(connection, row, tags=kept)

    def delete(self, connection: Connection, version: Version) -> None:
        """Delete a version that is not worked on and does not run. Raises ResourceInUse.

        Its key is to be destroyed once the transaction is over: `forget`.
        """
        state = State(self._row(connection, version.id)["state"])
        if state in HELD:
            raise ResourceInUse(f"The version {version.name} is {state}. {_DELETING[state in ENDS]}")
        self._drop_model(connection, version.id)
        connection.execute(delete(tables.versions).where(_of.id == version.id))
        owe(connection)

    def forget(self, version: int) -> None:
        """Destroy the key of a version that was deleted: what was kept of it opens no more."""
        self._gallery.destroy_house_keys([_name(version)])

    def key(self, version: int, make: bool = False) -> SealingKey:
        """The key of a version. Raises CustomChanged where it is gone."""
        key = self._gallery.house_key(_name(version), make)
        if key is None:
            raise CustomChanged(f"the key of the version {version} is gone, and so is all that was kept of it")
        return key

    def _drop_model(self, connection: Connection, version: int) -> None:
        connection.execute(delete(tables.models).where(tables.models.c.version == version))

    def _row(self, connection: Connection, version: int) -> dict[str, Any]:
        found = _select(connection, _of.id == version)
        if not found:
            raise NoSuchResource(f"version {version}")
        return found[0]

    def _version(self, row: Mapping[str, Any], project: Project) -> Version:
        values = {name: row[name] for name in Version.__dataclass_fields__ if name in row}
        key = self.key(row["id"])
        try:
            asked = msgspec.json.decode(key.open(row["sealed"], _context(row["id"], "asked")))
            told = msgspec.json.decode(key.open(row["sealed_end"], _context(row["id"], "told")))
        except SealBroken:
            raise _changed(row) from None
        plain = {"state": State(row["state"]), "job": row["job"] or "", "digest": row["digest"] or ""}
        return Version(**values | plain | {"project": project, "asked": asked, "told": told})

    def _standing_of(self, row: tuple[Any, ...]) -> Standing:
        *told, project, feature, tags = row
        values = dict(zip(_NAMES, told, strict=True))
        values["tags"] = msgspec.json.decode(values["tags"])
        if not is_sealed(self._standing.engine, "custom_versions", _said(values), values["seal"]):
            raise _changed(values)
        state, of = State(values["state"]), msgspec.json.decode(tags)
        return Standing(values["id"], values["name"], state, values["digest"] or "", Feature(feature), project, of)

    def _told(self, version: int, told: Mapping[str, Any]) -> bytes:
        return self.key(version).seal(msgspec.json.encode(told), _context(version, "told"))

    def _update(self, connection: Connection, row: Mapping[str, Any], **values: Any) -> None:
        seal = row_seal(connection, "custom_versions", _said({**row, **values}))
        connection.execute(update(tables.versions).where(_of.id == row["id"]).values(**values, seal=seal))


_NAMES = [column.name for column in _of]
_SEALED = [name for name in _NAMES if name not in ("seal", "tags")]
_STANDING = (
    select(
        *(cast(column, Text) if column is _of.tags else column for column in _of),
        projects.c.name,
        projects.c.feature,
        cast(projects.c.tags, Text),
    )
    .join(projects, projects.c.id == _of.project)
    .where(
        projects.c.organization == bindparam("owner"),
        projects.c.name == bindparam("project"),
        _of.name == bindparam("name"),
        _of.number == bindparam("number"),
    )
)
# From which states each is come to, and what is said where it is not.
_BEFORE: dict[State, frozenset[State]] = {
    State.STARTING: READY,
    State.RUNNING: frozenset({State.STARTING}),
    State.FAILED: frozenset({State.STARTING}),
    State.STOPPING: frozenset({State.RUNNING}),
    State.STOPPED: frozenset({State.STOPPING}),
}
_HINT = {
    State.STARTING: "one can be started that was trained or copied to the end, or is stopped.",
    State.STOPPING: "only one that runs can be stopped.",
}
_DELETING = {True: "Wait for its end.", False: "Stop it first (StopProjectVersion)."}


def _select(connection: Connection, *which: ColumnElement[bool], most: int | None = None) -> list[dict[str, Any]]:
    wanted = select(tables.versions).where(*which).order_by(_of.id.desc()).limit(most)
    found = [row._asdict() for row in connection.execute(wanted)]
    for row in found:
        if not is_sealed(connection, "custom_versions", _said(row), row["seal"]):
            raise _changed(row)
    return found


def _changed(row: Mapping[str, Any]) -> CustomChanged:
    return CustomChanged(f"the version {row['name']} was changed in the database, not by the service")


def _said(row: Mapping[str, Any]) -> list[Any]:
    return [*(row[name] for name in _SEALED), *(part for pair in sorted(row["tags"].items()) for part in pair)]


def _name(version: int) -> str:
    return f"custom/version/{version}"


def _context(version: int, what: str) -> bytes:
    return f"custom/version/{version}/{what}".encode()
