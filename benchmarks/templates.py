"""What sealing every template under a key of its own costs: loading a collection, and the start of a service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import delete

from benchmarks.measuring import markdown, seconds
from regard.gallery.bulk import Arrival
from regard.gallery.faces import Candidate
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.search import Probe
from regard.sealing import master_key
from regard.stewardship.records import tables
from tests.helpers.fakes import Clock
from tests.helpers.peopled import House

SIZES = (100_000, 1_000_000)
DIMENSIONS, AT_ONCE, ROUNDS, ERASED = 128, 10_000, 5, 10


def run() -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    for size in SIZES:
        # The checkout's own disk: the system's temporary folder may be memory.
        with TemporaryDirectory(dir=".", prefix=".templates-") as folder, _house(Path(folder)) as house:
            taken = (
                _enrol(house, size),
                _open(house),
                _first_search(house),
                _first_search(house, cached=True),
                _replay(house),
                _replay(house, restored=True),
            )
        rows.append((f"{size:,}", *(f"{each:.2f}" for each in taken)))
    return markdown(
        "Sealed templates",
        (
            "faces",
            "enrol, s",
            "open the gallery, s",
            "first search, s",
            "from the cache, s",
            "replay the erasures, s",
            "after a restored backup, s",
        ),
        rows,
        f"Templates of {DIMENSIONS} dimensions, each of another person and so under another key. "
        f"Enrolling seals vectors that are given and commits them, {AT_ONCE:,} a transaction; it is measured once. "
        "Opening sweeps keys without faces. The first search opens every template, or the cache of them that is "
        "written behind it and when the service stops, read from the system's memory. "
        f"{ERASED} people were erased; a start looks through everybody only where the database has not seen one of the "
        f"erasures, as after a restored backup. Medians of {ROUNDS}. `python -m benchmarks templates`",
    )


@contextmanager
def _house(folder: Path) -> Iterator[House]:
    house = House(folder, Clock())
    house.collection("a", "attested")
    yield house
    house.close()


def _enrol(house: House, size: int) -> float:
    chance, taken = np.random.default_rng(0), 0.0
    for start in range(0, size, AT_ONCE):
        vectors = chance.standard_normal((AT_ONCE, DIMENSIONS), np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        arrivals = [
            Arrival(None, f"person-{number}", Candidate((0.0, 0.0, 1.0, 1.0), 99.0, vector))
            for number, vector in enumerate(vectors, start)
        ]
        taken += seconds(partial(_commit, house, arrivals))
    for number in range(ERASED):
        house.erase(f"person-{number}")
    return taken


def _commit(house: House, arrivals: list[Arrival]) -> None:
    with house.gallery.writing() as connection:
        house.gallery.bulk.enrol(connection, house.organization, "a", arrivals, "1.0")


def _opened(house: House) -> Gallery:
    return open_gallery(house.engine, house.folder / "keys.db", master_key(house.folder / "master.key"), house.clock)


def _open(house: House) -> float:
    return median(seconds(lambda: _opened(house)) for _ in range(ROUNDS))


def _first_search(house: House, *, cached: bool = False) -> float:
    probe = Probe(embedding=np.eye(1, DIMENSIONS, dtype=np.float32)[0], face_model="1.0")
    taken = []
    for _ in range(ROUNDS):
        # Closing writes a cache.
        if not cached:
            shutil.rmtree(house.folder / "index", ignore_errors=True)
        gallery = _opened(house)
        taken.append(seconds(partial(gallery.search.faces, house.organization, "a", probe, 1, 0.0)))
        gallery.close()
    return median(taken)


def _replay(house: House, *, restored: bool = False) -> float:
    taken = []
    for _ in range(ROUNDS):
        if restored:
            with house.engine.begin() as connection:
                connection.execute(delete(tables.erasures))
        taken.append(seconds(house.erasure.replay))
    return median(taken)
