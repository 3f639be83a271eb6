"""IndexFaces from a folder against dlib and face_recognition, on one core, with the accuracy of both beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.dlib_peer import DISTANCE, DlibPeer
from benchmarks.measuring import markdown, seconds
from benchmarks.pictures import SHARED, small
from regard.commands.common.inside import Inside
from regard.commands.gallery.gallery import indexed
from regard.commands.gallery.sources import NameFrom, sources_in
from regard.settings import from_environment
from regard.stewardship.office import start_office
from regard.stores.buckets import Buckets
from regard.vision.eyes import open_analyzer
from regard.vision.faces.similarity import score
from regard.vision.pictures.images import decode

ROUNDS, COUNT, PAIRS = 11, 50, 100
# The cosine that tells the pictures outside the measured pairs apart best; the API's own 80 is stricter.
LFW_SCORE = 0.35


def run() -> str:
    """The section of docs/benchmarks.md."""
    os.sched_setaffinity(0, {0})
    peer = DlibPeer()
    pictures = small(COUNT)
    with tempfile.TemporaryDirectory() as folder:
        settings = from_environment(data_dir=Path(folder))
        # No command founds a council: the service starts once.
        start_office(settings).organizations.first_start()
        inside = Inside(settings)
        inside.ask("CreateCollection", CollectionId="bench")
        files = _written(pictures, Path(folder) / "pictures")
        found = {
            "ours": _index(inside, files),
            "peer": sum(len(peer.embeddings(data)) for data in pictures),
        }
        rates = [
            (found["ours"] / seconds(lambda: _index(inside, files)), found["peer"] / seconds(lambda: _all(peer, files)))
            for _ in range(ROUNDS)
        ]
    right = _accuracy(peer)
    ours, theirs = (median(rate[side] for rate in rates) for side in (0, 1))
    faster = median(rate[0] / rate[1] for rate in rates)
    rows = [
        ("regard, IndexFaces", f"{ours:.1f}", f"{faster:.1f}×", *right["regard"]),
        ("dlib, face_encodings", f"{theirs:.1f}", "1×", *right["dlib"]),
    ]
    return markdown(
        "Indexing",
        ("", "faces/s on one core", "times faster", "right of all pairs", "at default thresholds"),
        rows,
        f"A folder of {COUNT} pictures of 250×250 pixels, indexed as `regard index` does; medians of {ROUNDS} rounds. "
        f"Ours finds {found['ours']} faces in them, the peer {found['peer']}. Ours detects, describes, embeds, seals, "
        "commits and logs; the peer detects and embeds, both with their defaults. "
        f"Pairs: {PAIRS} of one person and {PAIRS} of two, of LFW's first fold; first at the "
        f"threshold of each that suits LFW ({LFW_SCORE} cosine; {DISTANCE} distance), then at what users get "
        "(Similarity 80; 0.6). `python -m benchmarks indexing`",
    )


def _written(pictures: list[bytes], folder: Path) -> list[Path]:
    folder.mkdir()
    files = [folder / f"{number}.jpg" for number in range(len(pictures))]
    for file, data in zip(files, pictures, strict=True):
        file.write_bytes(data)
    return files


_BUCKETS = Buckets(from_environment())
_names = (f"face-{number}" for number in range(1_000_000))


def _index(inside: Inside, files: list[Path]) -> int:
    """How many faces were enrolled, under new names: under the same they would be found instead."""
    named = [replace(source, name=next(_names)) for source in sources_in(map(str, files), NameFrom.NONE, _BUCKETS, "")]
    return sum(len(result["faces"]) for _, result in indexed(inside, named, "bench"))


def _all(peer: DlibPeer, files: list[Path]) -> None:
    for file in files:
        peer.embeddings(file.read_bytes())


def _accuracy(peer: DlibPeer) -> dict[str, tuple[str, str]]:
    if not SHARED.is_dir():
        return {"regard": ("not measured", "not measured"), "dlib": ("not measured", "not measured")}
    analyzer = open_analyzer(from_environment())

    def ours(data: bytes) -> np.ndarray | None:
        picture = decode(data)
        faces = analyzer.detect(picture)
        return analyzer.embed(picture, faces[:1])[0].astype(float) if faces else None

    cosines = [(same, _pair(ours, one, other, np.dot)) for same, one, other in _pairs()]
    distances = [
        (same, _pair(lambda data: next(iter(peer.embeddings(data)), None), one, other, _closeness))
        for same, one, other in _pairs()
    ]
    return {
        "regard": (_right(cosines, LFW_SCORE), _right(cosines, score(80))),
        "dlib": (_right(distances, -DISTANCE), _right(distances, -DISTANCE)),
    }


def _pair(
    embed: Callable[[bytes], np.ndarray | None],
    one: Path,
    other: Path,
    nearness: Callable[[np.ndarray, np.ndarray], float],
) -> float:
    a, b = embed(one.read_bytes()), embed(other.read_bytes())
    return -np.inf if a is None or b is None else float(nearness(a, b))


def _closeness(one: np.ndarray, other: np.ndarray) -> float:
    return -float(np.linalg.norm(one - other))


def _right(scored: list[tuple[bool, float]], threshold: float) -> str:
    return f"{np.mean([same == (near >= threshold) for same, near in scored]):.3f}"


def _pairs() -> list[tuple[bool, Path, Path]]:
    lines = [line.split() for line in (SHARED / "lfw_pairs.txt").read_text().splitlines()]
    genuine = [(True, _file(a, i), _file(a, j)) for a, i, j in (line for line in lines if len(line) == 3)]
    impostor = [(False, _file(a, i), _file(b, j)) for a, i, b, j in (line for line in lines if len(line) == 4)]
    return genuine[:PAIRS] + impostor[:PAIRS]


def _file(name: str, number: str) -> Path:
    return SHARED / "lfw" / name / f"{name}_{int(number):04}.jpg"
