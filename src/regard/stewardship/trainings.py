"""Trainings: what labels of one's own learned of people goes when the people go.

Whoever is erased, or withdraws the consent that a project trains by, takes along the lines that name them, what was
seen of their pictures, and every version that was trained with these: it answers nothing from the next call on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, or_, select, update

from regard.custom.datasets import Dataset
from regard.custom.errors import CustomChanged, NoSuchResource
from regard.custom.people import are_all_noted
from regard.custom.projects import Feature, Project
from regard.custom.tables import projects
from regard.custom.versions.models import Pictured
from regard.custom.versions.workshop import Workshop
from regard.database import reading
from regard.gallery.gallery import Gallery
from regard.jobs.job import Job, Outcome, State
from regard.stewardship.council.collections import BASIS, PURPOSE
from regard.stewardship.people.access import Taught
from regard.stewardship.people.consents import Consents
from regard.stewardship.records import tables

_ERASED = "Withdrawn: somebody in the pictures that it was trained with was erased."
_ENDED = "Withdrawn: a consent to training with somebody's pictures ended."
_NAMED, _PROJECT = "external/", "project:"
# Lines of a sweep, some three seconds of a core: 250,000 are noted in a quarter of an hour.
MOST_NOTED = 20_000
_of = tables.consents.c
_log = logging.getLogger(__name__)


class Trainings:
    """Lets lines and versions go with people. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        workshop: Workshop,
        consents: Consents,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._gallery = gallery
        self._workshop = workshop
        self._consents = consents
        self._clock = clock

    def erase(self, organization: str, whose: str) -> int:
        """Let go of all that names a subject of the gallery; how many versions were withdrawn."""
        if not whose.startswith(_NAMED):
            return 0
        with self._gallery.writing() as connection:
            return self._let_go(connection, organization, whose.removeprefix(_NAMED), _ERASED, None)

    def taught(self, organization: str, whose: str) -> Taught:
        """What labels of an organization have of a subject of the gallery: the person asked what is held on them."""
        if not whose.startswith(_NAMED):
            return Taught()
        person, lines, custom = whose.removeprefix(_NAMED), list[dict[str, str]](), self._workshop.custom
        with self._gallery.reading() as connection:
            for project, dataset in custom.all_datasets(connection, organization):
                sources = custom.entries.naming(connection, dataset, project.feature, person)
                lines += [{"project": project.name, "dataset": dataset.type, "picture": each} for each in sources]
            sought = self._workshop.pictured(organization, [each["picture"] for each in lines], [person])
            found = self._workshop.trained_with(connection, organization, sought)
            versions = tuple({"project": each.project.name, "version": each.name} for each in found)
        return Taught(tuple(lines), versions)

    def imported(self, connection: Connection, job: Job, _outcome: Outcome) -> None:
        """Let go of lines that came into a dataset while somebody was erased whom they name.

        To be asked within the transaction that ends the job which fills the dataset, before the dataset is told of it.
        """
        dataset = self._workshop.custom.datasets.by_job(connection, job.id)
        if dataset is None or job.state is not State.SUCCEEDED:
            return
        objections = self._gallery.objections
        since = {name for name, at in objections.erasures().items() if at >= dataset.created_at}
        if since:
            project = self._workshop.projects.get(connection, job.organization, dataset.project)
            self._named_gone(connection, project, dataset, since)

    def again(self, names: set[bytes]) -> int:
        """Let go again of what a backup brought back of people, by the digests of their erasures; how many versions."""
        with self._gallery.writing() as connection:
            for organization in connection.execute(select(projects.c.organization).distinct()).scalars().all():
                for project, dataset in self._workshop.custom.all_datasets(connection, organization):
                    self._named_gone(connection, project, dataset, names)
            gone = self._workshop.withdraw(connection, Pictured(people=frozenset(names)), _ERASED)
            for number in {version.project.id for version in gone}:
                self._workshop.features.drop(connection, number)
            return len(gone)

    def settle(self) -> int:
        """Let go of what consents covered that ended since, in projects on consent; how many versions were withdrawn.

        What was not done stays to be done: it is looked for from time to time.
        """
        ended = or_(_of.withdrawn_at.is_not(None), _of.expires_at <= self._clock())
        due = (_of.settled.is_(False), _of.collection.startswith(_PROJECT, autoescape=True), ended)
        with reading(self._engine) as connection:
            wanted = select(_of.receipt, _of.organization, _of.collection, _of.subject).where(*due)
            found = connection.execute(wanted).all()
        return sum(self._settle(*row) for row in found)

    def note_people(self, most: int = MOST_NOTED) -> int:
        """Note whom lines name that were written before there was an index of it, `most` at once or somewhat more; how
        many. The next sweep goes on.
        """
        noted, custom = 0, self._workshop.custom
        with self._gallery.reading() as connection:
            if are_all_noted(connection):
                return 0
            owners = connection.execute(select(projects.c.organization).distinct()).scalars().all()
            found = [each for owner in owners for each in custom.all_datasets(connection, owner)]
        for project, dataset in found:
            while noted < most and (lines := self._noted(project, dataset)):
                noted += lines
        return noted

    def _noted(self, project: Project, dataset: Dataset) -> int:
        try:
            with self._gallery.writing() as connection:
                return self._workshop.custom.entries.note_people(connection, dataset, project.feature)
        except (CustomChanged, NoSuchResource) as error:
            # It is deleted meanwhile, or was edited: who asks for its lines is told.
            _log.warning("whom lines of the dataset %s name was not noted: %s", dataset.id, error)
            return 0

    def withdrawn(self) -> None:
        """The same, right after somebody withdrew: that stands, whatever goes wrong here."""
        try:
            with self._gallery.overwriting():
                self.settle()
        except Exception:
            _log.exception("what a consent covered is let go of at the next sweep")

    def _settle(self, receipt: str, organization: str, collection: str, person: str) -> int:
        name, gone = collection.removeprefix(_PROJECT), 0
        with reading(self._engine) as connection:
            project = self._workshop.projects.named(connection, organization, name)
        # Another receipt of the same person may count still.
        on_consent = project is not None and project.tags.get(BASIS) == "consent"
        covered = project is not None and self._consents.covers_training(
            organization, name, person, project.tags.get(PURPOSE, "")
        )
        with self._gallery.writing() as connection:
            if on_consent and not covered:
                gone = self._let_go(connection, organization, person, _ENDED, project)
            connection.execute(update(tables.consents).where(_of.receipt == receipt).values(settled=True))
        return gone

    def _let_go(self, connection: Connection, organization: str, person: str, why: str, project: Project | None) -> int:
        looked = [project] if project else self._all(connection, organization)
        sources, listed = set[str](), set[int]()
        for each in looked:
            for dataset in self._workshop.custom.datasets.of(connection, each):
                listed.add(each.id)
                sources |= self._lines_gone(connection, each, dataset, person)
        sought = self._workshop.pictured(organization, sources, [person])
        gone = self._workshop.withdraw(connection, sought, why, project)
        # Which pictures manifests in buckets name with somebody is not known any more: all are looked at again.
        unlisted = {each.id for each in looked} - listed
        for number in unlisted | {version.project.id for version in gone}:
            self._workshop.features.drop(connection, number)
        return len(gone)

    def _all(self, connection: Connection, organization: str) -> list[Project]:
        return self._workshop.projects.page(connection, organization, 0, None, tuple(Feature))

    def _named_gone(self, connection: Connection, project: Project, dataset: Dataset, names: set[bytes]) -> None:
        """Let go of the lines of a dataset that name anybody of these digests."""
        organization = project.organization
        lines = self._workshop.custom.entries.each(connection, dataset, project.feature)
        people = sorted({person for line in lines for person in line.people})
        found = self._gallery.objections.names((organization, _NAMED + person) for person in people)
        for person, name in zip(people, found, strict=True):
            if name in names:
                self._lines_gone(connection, project, dataset, person)

    def _lines_gone(self, connection: Connection, project: Project, dataset: Dataset, person: str) -> set[str]:
        custom = self._workshop.custom
        sources = custom.entries.all_naming(connection, dataset, project.feature, person)
        for source in sources:
            custom.entries.remove(connection, dataset, source)
        if sources:
            self._workshop.features.forget(connection, project.id, sources)
            custom.datasets.change(connection, dataset, version=dataset.version + 1)
        return set(sources)
