"""Custom labels as one thing: projects, datasets and their entries, a file each, on the gallery's database and keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from regard.custom.arns import parse
from regard.custom.datasets import Dataset, Datasets, DatasetState
from regard.custom.entries import Entries
from regard.custom.errors import NoSuchResource
from regard.custom.projects import Feature, Project, Projects
from regard.gallery.gallery import Gallery
from regard.jobs.job import Job, Outcome, State

# Under which names a job that failed tells a code of AWS's, and the cause without AWS's text of it.
CODE, CAUSE = "DatasetCode", "Cause"


class Custom:
    """Projects, datasets and entries. Each method that takes a connection works in the caller's transaction."""

    def __init__(self, gallery: Gallery, clock: Callable[[], float] = time.time) -> None:
        self.projects = Projects(clock)
        self.datasets = Datasets(self.projects, gallery, clock)
        self.entries = Entries(gallery)

    def settle(self, connection: Connection, job: Job, _outcome: Outcome) -> None:
        """Tell the dataset that a job makes of the job's end, in its transaction. One that failed has no entries."""
        dataset = self.datasets.by_job(connection, job.id)
        if dataset is None:
            return
        if job.state is State.SUCCEEDED:
            self.datasets.to(connection, dataset, DatasetState.CREATED, job=None)
            return
        self.entries.clear(connection, dataset)
        self.datasets.fail(connection, dataset, job.end.get(CODE, ""), job.end.get(CAUSE, job.cause))

    def all_datasets(self, connection: Connection, organization: str) -> list[tuple[Project, Dataset]]:
        """Every dataset of an organization, with its project. Raises CustomChanged."""
        projects = self.projects.page(connection, organization, 0, None, tuple(Feature))
        return [(project, dataset) for project in projects for dataset in self.datasets.of(connection, project)]

    def delete_datasets(self, connection: Connection, datasets: Sequence[Dataset]) -> None:
        """Delete datasets with all in them; afterwards their keys are to be destroyed (`entries.destroy_keys`)."""
        for dataset in datasets:
            self.entries.clear(connection, dataset)
            self.datasets.delete(connection, dataset)

    def tags(self, connection: Connection, organization: str, arn: str) -> dict[str, str]:
        """The tags of a project or a dataset. Raises NoSuchResource, CustomChanged."""
        return self._tagged(connection, organization, arn).tags

    def tag(
        self, connection: Connection, organization: str, arn: str, tags: Mapping[str, str], without: Sequence[str] = ()
    ) -> None:
        """Add tags to a project or a dataset, and remove those of the keys `without`.

        Raises NoSuchResource, QuotaExceeded, CustomChanged.
        """
        found = self._tagged(connection, organization, arn)
        if isinstance(found, Project):
            self.projects.tag(connection, found, tags, without)
        else:
            self.datasets.tag(connection, found, tags, without)

    def _tagged(self, connection: Connection, organization: str, arn: str) -> Project | Dataset:
        named = parse(arn)
        if named is None or named.version:
            raise NoSuchResource(arn)
        if named.dataset:
            return self.datasets.find(connection, organization, arn)[1]
        return self.projects.find(connection, organization, arn)
