"""Datasets: their rows, under row seals, and their states. All functions work in the caller's transaction.

What is in them is :mod:`regard.custom.entries`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from regard.custom import tables
from regard.custom.arns import Arn, own
from regard.custom.codes import DatasetCode
from regard.custom.errors import CustomChanged, NoSuchResource, ResourceExists
from regard.custom.projects import Project, Projects, tagged
from regard.database import take
from regard.gallery.gallery import Gallery
from regard.row_seals import is_sealed, row_seal
from regard.traces import owe

_of = tables.datasets.c
_KIND = "custom_datasets"
_CLIENT, _SERVICE, _SUCCESS = "CLIENT_ERROR", "SERVICE_ERROR", "SUCCESS"


class DatasetState(StrEnum):
    """Where a dataset stands. A change is over when it is answered: none is at UPDATE_IN_PROGRESS."""

    CREATING = "CREATE_IN_PROGRESS"
    CREATED = "CREATE_COMPLETE"
    NOT_CREATED = "CREATE_FAILED"
    UPDATED = "UPDATE_COMPLETE"
    NOT_UPDATED = "UPDATE_FAILED"

    @property
    def busy(self) -> bool:
        """Whether a job is filling it."""
        return self is DatasetState.CREATING

    @property
    def ready(self) -> bool:
        """Whether it has entries to be listed, changed and learned from. A change that failed changed nothing."""
        return not self.busy and self is not DatasetState.NOT_CREATED


# What StatusMessage says where nothing went wrong: clients read it in every state.
_SAID = {
    DatasetState.CREATING: "The dataset is being created.",
    DatasetState.CREATED: "The dataset was created.",
    DatasetState.UPDATED: "The dataset was updated.",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as it is kept. `id` is ours and never used twice; `type` is TRAIN or TEST.

    `code` is why it failed, empty where it did not or AWS has no code for it, and `cause` the same in words. `read`,
    `lines` and `bad` are how far its manifest is read: bytes, the lines in them, and how many of those are wrong.
    `version` counts changes of entries.
    """

    id: int
    project: int
    type: str
    number: int
    state: DatasetState
    code: str
    cause: str
    tags: dict[str, str]
    job: str | None
    version: int
    read: int
    lines: int
    bad: int
    created_at: float
    updated_at: float

    @property
    def created(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.created_at, UTC)

    @property
    def updated(self) -> datetime:
        """When it was changed last."""
        return datetime.fromtimestamp(self.updated_at, UTC)

    @property
    def message(self) -> str:
        """The API's StatusMessage: AWS's text where there is one, and behind it the cause, in words that help."""
        if self.state in _SAID:
            return _SAID[self.state]
        return f"{DatasetCode(self.code).text} {self.cause}" if self.code else self.cause

    @property
    def message_code(self) -> str:
        """The API's StatusMessageCode: whose fault it is that it failed, if it did."""
        if self.state in _SAID:
            return _SUCCESS
        return _CLIENT if self.code else _SERVICE

    @property
    def key(self) -> str:
        """The name of the key that its entries are sealed under."""
        return key_name(self.id)

    def resource(self, project: Project) -> str:
        """Its ARN behind the account."""
        return Arn(project.organization, project.name, self.number, dataset=self.type.lower()).resource


class Datasets:
    """Makes, finds, changes and deletes the rows of datasets."""

    def __init__(self, projects: Projects, gallery: Gallery, clock: Callable[[], float]) -> None:
        self._projects = projects
        self._gallery = gallery
        self._clock = clock

    def create(
        self, connection: Connection, project: Project, kind: str, tags: Mapping[str, str], job: str | None = None
    ) -> Dataset:
        """Make a dataset, TRAIN or TEST: of `job`, which is to fill it, or empty and ready.

        Raises ResourceExists where the project has one of its kind, QuotaExceeded for more than 200 tags.
        """
        take(connection, f"projects/{project.organization}")
        if any(each.type == kind for each in self.of(connection, project)):
            raise ResourceExists(f"The project {project.name} has a {kind} dataset already. Update it, or delete it.")
        now = self._clock()
        state = DatasetState.CREATING if job else DatasetState.CREATED
        values = {
            "project": project.id,
            "type": kind,
            "number": int(now * 1000),
            "state": state,
            "code": "",
            "cause": None,
            "tags": tagged({}, tags),
            "job": job,
            **dict.fromkeys(("version", "read", "lines", "bad"), 0),
            "created_at": now,
            "updated_at": now,
        }
        made = connection.execute(insert(tables.datasets).values(**values, seal=b""))
        assert made.inserted_primary_key
        number = made.inserted_primary_key[0]
        self._gallery.house_key(key_name(number), make=True)
        _seal(connection, {**values, "id": number})
        return self.get(connection, number)

    def get(self, connection: Connection, dataset: int) -> Dataset:
        """A dataset by its id. Raises NoSuchResource, CustomChanged."""
        found = self._rows(connection, _of.id == dataset)
        if not found:
            raise NoSuchResource(f"dataset {dataset}")
        return found[0]

    def find(self, connection: Connection, organization: str, arn: str) -> tuple[Project, Dataset]:
        """A dataset of an organization by its ARN, with its project. Raises NoSuchResource, CustomChanged."""
        named = own(arn, organization, "dataset")
        project = self._projects.named(connection, organization, named.project)
        if project is not None:
            which = (_of.project == project.id, _of.type == named.dataset.upper(), _of.number == named.number)
            if found := self._rows(connection, *which):
                return project, found[0]
        raise NoSuchResource(arn)

    def of(self, connection: Connection, project: Project) -> list[Dataset]:
        """The datasets of a project, the oldest first. Raises CustomChanged."""
        return self._rows(connection, _of.project == project.id)

    def by_job(self, connection: Connection, job: str) -> Dataset | None:
        """The dataset that a job makes, or None. Raises CustomChanged."""
        found = self._rows(connection, _of.job == job)
        return found[0] if found else None

    def to(self, connection: Connection, dataset: Dataset, state: DatasetState, **values: Any) -> Dataset:
        """The dataset in another state, in which nothing is wrong, with other values beside."""
        return self.change(connection, dataset, state=state, code="", cause=None, **values)

    def fail(self, connection: Connection, dataset: Dataset, code: str, cause: str) -> Dataset:
        """The dataset as failed, with a code of AWS's or without, and the cause in words of ours."""
        made = dataset.state is not DatasetState.CREATING
        state = DatasetState.NOT_UPDATED if made else DatasetState.NOT_CREATED
        key = self._gallery.house_key(dataset.key)
        sealed = key.seal(cause.encode(), _context(dataset.id)) if key else None
        return self.change(connection, dataset, state=state, code=code, cause=sealed, job=None)

    def change(self, connection: Connection, dataset: Dataset, **values: Any) -> Dataset:
        """Change the row of a dataset that is as the service wrote it, and seal it anew."""
        values = {"updated_at": self._clock()} | values
        connection.execute(update(tables.datasets).where(_of.id == dataset.id).values(**values))
        row = connection.execute(select(tables.datasets).where(_of.id == dataset.id)).one()._asdict()
        _seal(connection, row)
        return self.get(connection, dataset.id)

    def tag(self, connection: Connection, dataset: Dataset, tags: Mapping[str, str], without: Sequence[str]) -> None:
        """Add tags, and remove those of the keys `without`. Raises QuotaExceeded."""
        kept = {key: value for key, value in tagged(dataset.tags, tags).items() if key not in without}
        self.change(connection, dataset, tags=kept, updated_at=dataset.updated_at)

    def delete(self, connection: Connection, dataset: Dataset) -> None:
        """Delete the row of a dataset in which nothing is any more; afterwards its key is to be destroyed."""
        connection.execute(delete(tables.datasets).where(_of.id == dataset.id))
        owe(connection)

    def _rows(self, connection: Connection, *which: ColumnElement[bool]) -> list[Dataset]:
        found = []
        for row in connection.execute(select(tables.datasets).where(*which).order_by(_of.id)):
            values = row._asdict()
            seal = values.pop("seal")
            if not is_sealed(connection, _KIND, _told(values), seal):
                raise CustomChanged(f"the dataset {row.id} was changed in the database, not by the service")
            told = {"state": DatasetState(row.state), "cause": self._opened(row.id, row.cause)}
            found.append(Dataset(**values | told))
        return found

    def _opened(self, dataset: int, cause: bytes | None) -> str:
        # Of what went well nothing is looked up. Nor is anything told of what lost its key.
        key = None if cause is None else self._gallery.house_key(key_name(dataset))
        return "" if key is None or cause is None else key.open(bytes(cause), _context(dataset)).decode()


def key_name(dataset: int) -> str:
    """The name of the key of a dataset, by its id."""
    return f"custom/dataset/{dataset}"


def _context(dataset: int) -> bytes:
    return f"dataset/{dataset}/cause".encode()


def _told(values: Mapping[str, Any]) -> list[Any]:
    told = [values[column.name] for column in _of if column.name not in ("seal", "tags")]
    return [*told, *(part for pair in sorted(values["tags"].items()) for part in pair)]


def _seal(connection: Connection, values: Mapping[str, Any]) -> None:
    seal = row_seal(connection, _KIND, _told(values))
    connection.execute(update(tables.datasets).where(_of.id == values["id"]).values(seal=seal))
