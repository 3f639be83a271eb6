"""Projects: their rows, under row seals. All functions work in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from regard.custom import tables
from regard.custom.arns import Arn, own
from regard.custom.errors import CustomChanged, NoSuchResource, ResourceInUse
from regard.database import take
from regard.gallery.collections.errors import QuotaExceeded
from regard.row_seals import is_sealed, row_seal
from regard.traces import owe

# AWS's, of any resource.
MOST_TAGS = 200
# The tag by which a project of custom labels has lost versions trained anew, `yes` or `no`; adapters have AutoUpdate.
RETRAIN = "regard:retrain"
_of = tables.projects.c


class Feature(StrEnum):
    """What is trained in a project."""

    CUSTOM_LABELS = "CUSTOM_LABELS"
    CONTENT_MODERATION = "CONTENT_MODERATION"


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it is kept. `id` is ours and never used twice; `name` and `number` are in its ARN."""

    id: int
    organization: str
    name: str
    number: int
    feature: Feature
    auto_update: str | None
    tags: dict[str, str]
    created_at: float

    @property
    def created(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.created_at, UTC)

    @property
    def resource(self) -> str:
        """Its ARN behind the account."""
        return Arn(self.organization, self.name, self.number).resource

    @property
    def retrains(self) -> bool:
        """Whether versions that it loses are trained anew without anybody asking."""
        return retrains(self.feature, self.auto_update, self.tags)


class Projects:
    """Makes, finds, lists and deletes projects, and keeps their tags."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def create(
        self,
        connection: Connection,
        organization: str,
        name: str,
        feature: Feature,
        auto_update: str | None,
        tags: Mapping[str, str],
    ) -> Project:
        """Make a project. Raises ResourceInUse where the name is taken, QuotaExceeded for more than 200 tags."""
        take(connection, f"projects/{organization}")
        if _rows(connection, _of.organization == organization, _of.name == name):
            raise ResourceInUse(f"The project {name} exists already. Choose another name, or delete it first.")
        now = self._clock()
        values = {
            "organization": organization,
            "name": name,
            "number": int(now * 1000),
            "feature": feature,
            "auto_update": auto_update,
            "tags": tagged({}, tags),
            "created_at": now,
        }
        made = connection.execute(insert(tables.projects).values(**values, seal=b""))
        assert made.inserted_primary_key
        _seal(connection, {**values, "id": made.inserted_primary_key[0]})
        return self.get(connection, organization, made.inserted_primary_key[0])

    def get(self, connection: Connection, organization: str, project: int) -> Project:
        """A project of an organization by its id. Raises NoSuchResource, CustomChanged."""
        found = _rows(connection, _of.id == project, _of.organization == organization)
        if not found:
            raise NoSuchResource(f"project {project}")
        return found[0]

    def find(self, connection: Connection, organization: str, arn: str) -> Project:
        """A project of an organization by its ARN. Raises NoSuchResource, CustomChanged."""
        named = own(arn, organization, "project")
        which = (_of.organization == organization, _of.name == named.project, _of.number == named.number)
        found = _rows(connection, *which)
        if not found:
            raise NoSuchResource(arn)
        return found[0]

    def named(self, connection: Connection, organization: str, name: str) -> Project | None:
        """A project of an organization by its name, or None. Raises CustomChanged."""
        found = _rows(connection, _of.organization == organization, _of.name == name)
        return found[0] if found else None

    def page(
        self,
        connection: Connection,
        organization: str,
        after: int,
        most: int | None,
        features: Collection[str] = (Feature.CUSTOM_LABELS,),
        names: Collection[str] = (),
    ) -> list[Project]:
        """At most `most` projects, or all, oldest first, from behind the id `after`; of these names if given."""
        which = [_of.organization == organization, _of.id > after, _of.feature.in_(features)]
        which += [_of.name.in_(names)] if names else []
        return _rows(connection, *which, most=most)

    def tag(self, connection: Connection, project: Project, tags: Mapping[str, str], without: Sequence[str]) -> None:
        """Add tags, and remove those of the keys `without`. Raises QuotaExceeded, CustomChanged."""
        take(connection, f"projects/{project.organization}")
        now = self.get(connection, project.organization, project.id)
        kept = {key: value for key, value in tagged(now.tags, tags).items() if key not in without}
        connection.execute(update(tables.projects).where(_of.id == now.id).values(tags=kept))
        _seal(connection, {**_values(now), "tags": kept})

    def delete(self, connection: Connection, project: Project) -> None:
        """Delete the row of a project in which nothing is any more."""
        connection.execute(delete(tables.projects).where(_of.id == project.id))
        owe(connection)


def retrains(feature: str, auto_update: str | None, tags: Mapping[str, str]) -> bool:
    """Whether a project has versions trained anew that it loses: an adapter's by AutoUpdate, another by its tag."""
    if feature == Feature.CONTENT_MODERATION:
        return auto_update == "ENABLED"
    return tags.get(RETRAIN) == "yes"


def tagged(before: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with others added, in the order of their keys. Raises QuotaExceeded for more than 200."""
    after = {**before, **tags}
    if len(after) > MOST_TAGS:
        raise QuotaExceeded(f"A resource has at most {MOST_TAGS} tags.")
    return dict(sorted(after.items()))


def _rows(connection: Connection, *which: ColumnElement[bool], most: int | None = None) -> list[Project]:
    wanted = select(tables.projects).where(*which).order_by(_of.id).limit(most)
    found = []
    for row in connection.execute(wanted):
        values = row._asdict()
        seal = values.pop("seal")
        if not is_sealed(connection, "custom_projects", _told(values), seal):
            raise CustomChanged(f"the project {row.name} was changed in the database, not by the service")
        found.append(Project(**values | {"feature": Feature(row.feature)}))
    return found


def _values(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in Project.__dataclass_fields__}


def _told(values: Mapping[str, Any]) -> list[Any]:
    told = [values[column.name] for column in _of if column.name not in ("seal", "tags")]
    return [*told, *(part for pair in sorted(values["tags"].items()) for part in pair)]


def _seal(connection: Connection, values: Mapping[str, Any]) -> None:
    seal = row_seal(connection, "custom_projects", _told(values))
    connection.execute(update(tables.projects).where(_of.id == values["id"]).values(seal=seal))
