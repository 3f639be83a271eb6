"""The work of CreateDataset: lines of a manifest, or of another dataset, a few a step, until all are judged and kept.

A step keeps its lines and how far they go in one transaction: what a worker that was killed began is either there or
not, and the next goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NoReturn

from sqlalchemy import Connection

from regard.custom.codes import DatasetCode
from regard.custom.custom import CAUSE, CODE, Custom
from regard.custom.datasets import Dataset
from regard.custom.entries import MOST_ADAPTED, MOST_ENTRIES, TooManyEntries, TooManyLabels
from regard.custom.errors import NoSuchResource
from regard.custom.judged import Judged
from regard.custom.manifests import judge, lines_of
from regard.custom.projects import Feature
from regard.jobs.errors import JobFailed, Superseded
from regard.jobs.job import Outcome, Part, Step
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import require_standing, work
from regard.operations.custom.datasets import START
from regard.operations.custom.projects import custom_of
from regard.stores.errors import BucketRefused, ObjectUnavailable
from regard.stores.patience import persist
from regard.stores.stored import Stored

# Lines of a step: what a worker that is killed judges again, at most.
LINES = 500
# AWS's, of a manifest: 1 GB, and the share of its lines that may be wrong.
MOST_BYTES = 1 << 30
MOST_BAD = 0.2


@work(START)
def import_dataset(task: Task, rooms: Rooms) -> Outcome:
    """Fill the dataset that the job is of. Raises JobFailed, with a Code of AWS's where it has one."""
    require_standing(task, rooms)
    while task.is_done:
        task.step(_never)
    if "etag" in task.job.beside:
        _import(task, rooms)
    else:
        _copy(task, rooms)
    with rooms.gallery.reading() as connection:
        dataset = _own(connection, task, custom_of(rooms))
        stats = custom_of(rooms).entries.stats(connection, dataset)
    _require_enough(dataset, stats.entries, copied="etag" not in task.job.beside)
    return Outcome({}, {"lines": dataset.lines, "kept": stats.entries})


def failed(code: DatasetCode, cause: str = "") -> JobFailed:
    """What work raises for a code of AWS's: the dataset says AWS's text, and the cause behind it."""
    return JobFailed(f"{code.text} {cause}", **{CODE: str(code), CAUSE: cause})


def too_many_bad(lines: int, bad: int) -> bool:
    """Whether more of the lines are wrong than may be."""
    return bad > MOST_BAD * lines


def _import(task: Task, rooms: Rooms) -> None:
    custom = custom_of(rooms)
    stored = _manifest(task, rooms)
    with rooms.gallery.reading() as connection:
        dataset, feature = _own(connection, task, custom), _feature(connection, task, custom)
    lines = lines_of(_parts(stored, dataset.read), dataset.read)
    read = dataset.read
    while read < stored.size:
        some = list(islice(lines, LINES))
        begin, read = read, some[-1][0]
        judged = [judge(text, feature) for _, text in some]
        task.step(partial(_kept, task, rooms, begin, read, judged))


def _copy(task: Task, rooms: Rooms) -> None:
    """Copy lines as they are, as long as the dataset that they come from does not change."""
    custom, beside = custom_of(rooms), task.job.beside
    while True:
        with rooms.gallery.reading() as connection:
            dataset, feature = _own(connection, task, custom), _feature(connection, task, custom)
            try:
                source = custom.datasets.get(connection, beside["dataset"])
            except NoSuchResource:
                _changed()
            if source.version != beside["version"]:
                _changed()
            some = list(custom.entries.numbered(connection, source, feature, dataset.read, LINES))
        if not some:
            return
        begin, read, judged = dataset.read, some[-1][0], [line for _, line in some]
        task.step(partial(_kept, task, rooms, begin, read, judged))


def _changed() -> NoReturn:
    raise JobFailed("The dataset that is copied was changed or deleted meanwhile. Create this one again.")


def _kept(task: Task, rooms: Rooms, begin: int, read: int, lines: list[Judged]) -> Step:
    """Keep lines that follow behind `begin`. Raises Superseded where somebody else was here, and JobFailed."""
    custom = custom_of(rooms)
    try:
        # Whoever changes a dataset by an operation has the whole database: nobody else is at this one.
        with rooms.gallery.writing(f"job/{task.job.id}") as connection:
            dataset = _own(connection, task, custom)
            if dataset.read != begin:
                raise Superseded
            adapts = _feature(connection, task, custom) is Feature.CONTENT_MODERATION
            most = MOST_ADAPTED if adapts else MOST_ENTRIES
            if dataset.lines + len(lines) > most:
                raise TooManyEntries(f"It has more than {most:,} lines.")
            lost = custom.entries.write(connection, dataset, lines, replace=False)
            bad = lost + sum(line.bad and not line.dropped for line in lines)
            counts = {"lines": dataset.lines + len(lines), "bad": dataset.bad + bad}
            custom.datasets.change(connection, dataset, read=read, version=dataset.version + 1, **counts)
    except TooManyEntries as error:
        raise failed(DatasetCode.MANIFEST_ROWS_EXCEEDS_MAXIMUM, str(error)) from None
    except TooManyLabels:
        raise failed(DatasetCode.MANIFEST_TOO_MANY_LABELS, "A dataset has at most 250 labels.") from None
    return Step((Part(b"", 0),), len(lines))


def _require_enough(dataset: Dataset, entries: int, *, copied: bool) -> None:
    if copied:
        return
    if not entries:
        raise failed(
            DatasetCode.MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT, "No line of it is a JSON object with a source-ref."
        )
    if too_many_bad(dataset.lines, dataset.bad):
        raise failed(DatasetCode.TOO_MANY_RECORDS_IN_ERROR, told_bad(dataset.lines, dataset.bad))


def told_bad(lines: int, bad: int) -> str:
    """How many lines are wrong, in a sentence."""
    return f"{bad:,} of {lines:,} lines are wrong, blank or repeated; at most {MOST_BAD:.0%} may be."


def _manifest(task: Task, rooms: Rooms) -> Stored:
    place = task.job.given["DatasetSource"]["GroundTruthManifest"]["S3Object"]
    where = task.job.organization, place["Bucket"], place["Name"], place.get("Version")
    try:
        found = persist(lambda: rooms.pictures.buckets.found(*where, 1 << 62))
    except BucketRefused as error:
        raise failed(DatasetCode.INVALID_PERMISSIONS_MANIFEST_S3_BUCKET, f"{error}.") from error
    except ObjectUnavailable as error:
        raise failed(DatasetCode.MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT, f"{error}.") from error
    if found.etag != task.job.beside["etag"]:
        cause = f"{found.name} was replaced since the dataset was asked for."
        raise failed(DatasetCode.MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT, cause)
    if found.size > MOST_BYTES:
        cause = f"{found.name} has {found.size:,} bytes; {MOST_BYTES:,} may be."
        raise failed(DatasetCode.MANIFEST_SIZE_TOO_LARGE, cause)
    return found


def _parts(stored: Stored, begin: int) -> Iterator[bytes]:
    try:
        yield from stored.parts(begin)
    except ObjectUnavailable as error:
        raise failed(DatasetCode.MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT, f"{error}.") from error


def _own(connection: Connection, task: Task, custom: Custom) -> Dataset:
    """The dataset of the job. Raises JobFailed where it is gone, or failed before."""
    dataset = custom.datasets.by_job(connection, task.job.id)
    if dataset is None:
        raise JobFailed("The dataset is not there any more, or failed before. Create it again.")
    return dataset


def _feature(connection: Connection, task: Task, custom: Custom) -> Feature:
    return custom.projects.find(connection, task.job.organization, task.job.given["ProjectArn"]).feature


def _never() -> Step:
    raise AssertionError("a step that was done is not done again")
