"""The workshop: versions with all that belongs to them, and the end of the jobs that train and copy them."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from regard.custom.arns import Arn, parse
from regard.custom.custom import Custom
from regard.custom.errors import CustomChanged, NoSuchResource
from regard.custom.projects import Project
from regard.custom.versions import states
from regard.custom.versions.features import KeptFeatures
from regard.custom.versions.loaded import Backbone, Head, Loaded
from regard.custom.versions.models import ModelFile, Pictured, model_of, pictured_in
from regard.custom.versions.policies import Policies, drop_policies
from regard.custom.versions.versions import Standing, Version, Versions
from regard.gallery.gallery import Gallery
from regard.jobs.job import Job, Outcome, State
from regard.sealing import SealingKey

# Beside the parameters of a job: the version that it makes.
VERSION = "custom version"
# What an outcome of such a job says of the version: members of its description, and what the log is told.
TOLD, DIGEST, LOGGED = "Told", "Digest", "Logged"


@dataclass(frozen=True, slots=True)
class Made:
    """A version whose model is there: what the log tells of it. `labels` are sealed, and told as a commitment."""

    job: Job
    version: Version
    digest: str
    labels: tuple[str, ...]
    people: bool


class Workshop:
    """Versions, their models and features, and the policies of their projects. Thread-safe.

    `tell` is called within the transaction in which the model of a version is there: the log's record of it; and
    `tell_withdrawn` in the one from which on it is gone.
    """

    def __init__(
        self, custom: Custom, gallery: Gallery, key: SealingKey, clock: Callable[[], float] = time.time
    ) -> None:
        self.custom = custom
        self.projects = custom.projects
        self.versions = Versions(gallery, self.projects, clock)
        self.policies = Policies(clock)
        self.features = KeptFeatures(gallery, key)
        self.clock = clock
        self._gallery = gallery
        self.loaded = Loaded()
        self.tell: Callable[[Connection, Made], None] = lambda _connection, _made: None
        self.tell_withdrawn: Callable[[Connection, Version], None] = lambda _connection, _version: None
        self._naming = key.derived("custom/pictured")

    def end(self, connection: Connection, job: Job, outcome: Outcome) -> None:
        """End the version that a job trained or copied, within the transaction that ends the job."""
        number = job.beside.get(VERSION)
        if number is None:
            return
        done, end = job.state is State.SUCCEEDED, outcome.end
        told = {"StatusMessage": job.cause, **end.get(TOLD, {})}
        self.versions.end(connection, number, done, told, end.get(DIGEST, ""))
        if done:
            try:
                version = self.versions.get(connection, job.organization, number)
            except NoSuchResource:
                return
            if version.state is states.State.EXPIRED:
                return
            logged = end[LOGGED]
            self.tell(connection, Made(job, version, end[DIGEST], tuple(logged["labels"]), logged["people"]))

    def head(self, standing: Standing, *bases: Backbone) -> Head:
        """The head of a version, read if it is not in memory. Raises CustomChanged where it is of none of `bases`."""

        def read() -> ModelFile:
            with self._gallery.reading() as connection:
                return model_of(connection, self.versions, standing.id, standing.digest)

        head = self.loaded.of(standing.digest, read)
        if head.manifest.base not in bases:
            raise CustomChanged(
                f"the version {standing.name} was trained on another backbone, and means nothing on this one: train it "
                "again"
            )
        return head

    def open(self, connection: Connection, version: Version) -> Head:
        """The head of a version, which is in memory then. Raises CustomChanged."""
        return self.loaded.of(version.digest, lambda: model_of(connection, self.versions, version.id, version.digest))

    def tags(self, connection: Connection, organization: str, arn: str) -> dict[str, str]:
        """The tags of a version, a project or a dataset. Raises NoSuchResource, CustomChanged."""
        if not _is_version(arn):
            return self.custom.tags(connection, organization, arn)
        return self.versions.find(connection, organization, arn).tags

    def tag(
        self, connection: Connection, organization: str, arn: str, tags: Mapping[str, str], without: Sequence[str] = ()
    ) -> None:
        """Add tags to a version, a project or a dataset, and remove those of the keys `without`.

        Raises NoSuchResource, QuotaExceeded, CustomChanged.
        """
        if _is_version(arn):
            self.versions.tag(connection, self.versions.find(connection, organization, arn), tags, without)
        else:
            self.custom.tag(connection, organization, arn, tags, without)

    def pictured(self, organization: str, pictures: Iterable[str] = (), people: Iterable[str] = ()) -> Pictured:
        """Pictures by their source-refs, and people by their names, as models keep them.

        People are digested as those who were erased are: what a backup brings back is known by it.
        """
        named = self._gallery.objections.names([(organization, f"external/{each}") for each in people])
        return Pictured(frozenset(self._digest(organization, each) for each in pictures), frozenset(named))

    def withdraw(
        self, connection: Connection, sought: Pictured, why: str, project: Project | None = None
    ) -> list[Version]:
        """Withdraw every version that was trained with any of these, or those of one project; which ones.

        Copies go with them, whoever has them, and what is being copied. `why` is their StatusMessage. The models are
        gone with the transaction.
        """
        meets = {number for number, kept in pictured_in(connection, self.versions) if kept.meets(sought)}
        gone: list[Version] = []
        # A copy is younger than what it is one of.
        for number in sorted({*meets, *self.versions.ids(connection, states.State.COPYING)}):
            version = self.versions.get(connection, self.versions.owner(connection, number), number)
            source = parse(str(version.asked.get("SourceProjectVersionArn", "")))
            copied = source is not None and any(_is(source, each) for each in gone)
            if copied or (number in meets and _of_project(version, source, project)):
                gone.append(version)
        for version in gone:
            self.versions.withdraw(connection, version, why)
            self.tell_withdrawn(connection, version)
        return gone

    def trained_with(self, connection: Connection, organization: str, sought: Pictured) -> list[Version]:
        """The versions of an organization that were trained with any of these."""
        kept = pictured_in(connection, self.versions, organization)
        return [self.versions.get(connection, organization, number) for number, own in kept if own.meets(sought)]

    def _digest(self, organization: str, source: str) -> bytes:
        return hmac.digest(self._naming, f"{organization}/{source}".encode(), hashlib.sha256)[:16]

    def delete(self, version: Version) -> None:
        """Let go of what hangs on a version that was deleted."""
        self.versions.forget(version.id)

    def drop(self, connection: Connection, project: Project) -> None:
        """Delete what else a project has that is deleted: its policies, and what was seen of its pictures."""
        drop_policies(connection, project.id)
        self.features.drop(connection, project.id)


def _is(arn: Arn, version: Version) -> bool:
    """Whether an ARN is a version's."""
    return arn.organization == version.project.organization and arn.resource == version.resource


def _of_project(version: Version, source: Arn | None, project: Project | None) -> bool:
    """Whether a version, or the one that it was copied from, is of a project; of any where none is said."""
    if project is None or version.project.id == project.id:
        return True
    return source is not None and (source.organization, source.project) == (project.organization, project.name)


def _is_version(arn: str) -> bool:
    named = parse(arn)
    return named is not None and bool(named.version)
