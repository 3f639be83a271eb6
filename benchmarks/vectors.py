"""Search in pgvector beside search in memory: recall, time, and what it takes to come there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import markdown, medians, seconds
from regard.database import open_database
from regard.gallery.bulk import Arrival
from regard.gallery.collections import marks
from regard.gallery.faces import Candidate
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.index import vectors
from regard.gallery.search import Probe
from regard.sealing import master_key
from tests.helpers.databases import Server

SIZES = (10_000, 100_000)
DIMENSIONS, AT_ONCE, PROBES, MOST = 128, 10_000, 200, 10
# How far pictures of one person are from what they have in common: two have a cosine of 0.55, as of SFace.
SPREAD, PICTURES = 0.9, 5
ORGANIZATION, ENDLESS = "111122223333", 1 << 60
_Found = NDArray[np.float32]


def run() -> str:
    """The section of docs/benchmarks.md."""
    server, rows = Server(shared_buffers="'512MB'", maintenance_work_mem="'512MB'"), []
    try:
        for size in SIZES:
            for crowd in (_people, _strangers):
                rows += _measure(server, size, crowd)
    finally:
        server.stop()
    return markdown(
        "Search in pgvector",
        ("faces", "of whom", "search", "recall of the best 10", "of the probe's own", "ms", "built in, s"),
        rows,
        f"Embeddings of {DIMENSIONS} dimensions, drawn: {PICTURES} of each person at a cosine of 0.55, or one of each. "
        "PostgreSQL on the same machine. Recall is the share of what memory finds, which is exact, over "
        f"{PROBES} probes: new pictures of people who are there, whose own faces are counted once more by themselves. "
        "Built: in memory, the templates opened; for the scan, opened and copied; for the graph, what comes on top. "
        "`python -m benchmarks vectors`",
    )


def _measure(server: Server, size: int, crowd: Callable[[int], tuple[_Found, _Found]]) -> list[tuple[str, ...]]:
    name = f"bench{size}{crowd.__name__}"
    urls = server.database(name), server.database(f"{name}_keys")
    found, probes = crowd(size)
    with TemporaryDirectory(dir=".", prefix=".vectors-") as folder:
        memory, there = (_open(Path(folder), *urls, in_database=each) for each in (False, True))
        own = _own(_fill(memory, found))
        ways = {"memory": memory, "pgvector, scan": there, "pgvector, graph": there}
        taken: dict[str, tuple[set[str], ...]] = {}
        rows = []
        for way, gallery in ways.items():
            built = seconds(lambda way=way: _build(way, memory, there, probes[0]))
            taken[way] = tuple(_search(gallery, probe) for probe in probes)
            best = taken["memory"]
            mates = [all_best & faces for all_best, faces in zip(best, own, strict=True)]
            recalls = [_recall(taken[way], best), _recall(taken[way], mates)]
            turns = iter(range(ENDLESS))
            took = medians({way: lambda g=gallery, t=turns: _search(g, probes[next(t) % PROBES])})[way]
            told = (f"{size:,}", crowd.__doc__ or "", way, *recalls, f"{1000 * took:.1f}", f"{built:.1f}")
            rows.append(told)
    return rows


def _recall(found: Sequence[set[str]], wanted: Sequence[set[str]]) -> str:
    hit = sum(len(a & b) for a, b in zip(found, wanted, strict=True))
    return f"{hit / sum(map(len, wanted)):.3f}"


def _own(ids: Sequence[str]) -> list[set[str]]:
    """The faces of the person that each probe shows. Strangers beside them are seldom among the best."""
    step = len(ids) // PICTURES // PROBES * PICTURES
    return [set(ids[start : start + PICTURES]) for start in range(0, step * PROBES, step)]


def _open(folder: Path, url: str, keys: str, *, in_database: bool) -> Gallery:
    key = master_key(folder / "master.key")
    return open_gallery(open_database(url), folder / "keys.db", key, keys_url=keys, in_database=in_database)


def _build(way: str, memory: Gallery, there: Gallery, probe: _Found) -> None:
    if way == "memory":
        _search(memory, probe)
        return
    scanned = way.endswith("scan")
    if scanned:
        with memory.writing() as connection:
            marks.make(connection, memory.collections.find(connection, ORGANIZATION, "a").id, os.urandom(32).hex())
    vectors.INDEXED_FROM = ENDLESS if scanned else 0
    there.vectors.follow()


def _search(gallery: Gallery, probe: _Found) -> set[str]:
    found, _ = gallery.search.faces(ORGANIZATION, "a", Probe(embedding=probe, face_model="1.0"), MOST, -1.0)
    return {face.face_id for _, face in found}


def _fill(gallery: Gallery, found: _Found) -> list[str]:
    ids: list[str] = []
    with gallery.writing() as connection:
        gallery.collections.create(connection, ORGANIZATION, "a", "1.0", {})
    for start in range(0, len(found), AT_ONCE):
        faces = [Candidate((0.0, 0.0, 1.0, 1.0), 99.0, each) for each in found[start : start + AT_ONCE]]
        with gallery.writing() as connection:
            arrivals = [Arrival(None, None, each) for each in faces]
            ids += gallery.bulk.enrol(connection, ORGANIZATION, "a", arrivals, "1.0")
    return ids


def _people(size: int) -> tuple[_Found, _Found]:
    """people"""
    centres = _unit(size // PICTURES, 0)
    found = np.repeat(centres, PICTURES, axis=0) + SPREAD * _unit(size, 1)
    return _normed(found), _normed(centres[:: len(centres) // PROBES][:PROBES] + SPREAD * _unit(PROBES, 2))


def _strangers(size: int) -> tuple[_Found, _Found]:
    """strangers"""
    found = _unit(size, 0)
    return found, _normed(found[:: size // PROBES][:PROBES] + SPREAD * _unit(PROBES, 2))


def _unit(rows: int, seed: int) -> _Found:
    return _normed(np.random.default_rng(seed).standard_normal((rows, DIMENSIONS), np.float32))


def _normed(found: _Found) -> _Found:
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)
