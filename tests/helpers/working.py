"""Jobs in the process of the test: handed in by operations, worked on by a worker that begins when the test says so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, insert

from regard.custom.custom import Custom
from regard.custom.versions.workshop import Workshop
from regard.jobs.desk import Desk
from regard.jobs.scratch import Scratch
from regard.jobs.working import Once, Work, Worker, waiting
from regard.operations.common.pictures import PictureReader
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import works
from regard.sealing import master_key
from regard.stewardship.records import tables
from regard.stores.errors import ObjectTooLarge, ObjectUnavailable
from tests.helpers.fakes import ORGANIZATION, Clock


class Shelf:
    """A store without a network: the objects of one folder, each by its name in whatever bucket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def found(self, _organization: str, bucket: str, name: str, _version: str | None, most: int) -> Any:
        path = self.folder / name
        if not path.is_file():
            raise ObjectUnavailable(f"s3://{bucket}/{name} is not there")
        if path.stat().st_size > most:
            raise ObjectTooLarge(f"s3://{bucket}/{name} has more than {most} bytes")
        return Lying(path)


class Lying:
    """An object of a shelf."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.etag = hashlib.sha256(path.read_bytes()).hexdigest()

    @property
    def name(self) -> str:
        return self._path.name

    def copy_to(self, file: Any) -> None:
        file.write(self._path.read_bytes())

    def parts(self, begin: int = 0, part: int = 8 << 20) -> Iterator[bytes]:
        data = self._path.read_bytes()
        yield from (data[at : at + part] for at in range(begin, len(data), part))


def with_jobs(rooms: Rooms, folder: Path, clock: Clock) -> Rooms:
    """The rooms with a desk, for films that lie in `folder`; its organization is registered."""
    engine: Engine = rooms.gallery._engine
    with suppress(Exception), engine.begin() as connection:
        connection.execute(insert(tables.organizations).values(**_organization()))
    key = master_key(folder / "master.key")
    desk = Desk(engine, rooms.gallery, key, clock)
    pictures = PictureReader(cast(Any, Shelf(folder)))
    custom = Custom(rooms.gallery, clock)
    workshop = Workshop(custom, rooms.gallery, key, clock)
    desk.at_end += [custom.settle, workshop.end]
    scratch = Scratch(folder, 1 << 30)
    return replace(rooms, jobs=desk, custom=custom, workshop=workshop, scratch=scratch, pictures=pictures)


def worker(rooms: Rooms, holder: str = "test-0") -> Worker:
    """A worker on the jobs of these rooms."""
    assert rooms.jobs is not None

    def of(function: Any) -> Work:
        return lambda task: function(task, rooms)

    return Worker(rooms.jobs, {name: of(function) for name, function in works().items()}, holder)


def work_off(rooms: Rooms, once: Once = lambda step: step()) -> int:
    """Work on everything that waits; how many jobs that were."""
    assert rooms.jobs is not None
    jobs = waiting(rooms.jobs)
    for job, number in jobs:
        worker(rooms).run(job, number, once)
    return len(jobs)


def _organization() -> Mapping[str, Any]:
    return {
        "id": ORGANIZATION,
        "name": "A firm",
        "sector": "retail",
        "jurisdictions": [],
        "standing": "listed",
        "operator": True,
        "created_at": 0.0,
    }
