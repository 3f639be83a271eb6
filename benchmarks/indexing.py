"""IndexFaces from a folder against dlib and face_recognition, on one core, with the accuracy of both beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.dlib_peer import DISTANCE, DlibPeer
from benchmarks.measuring import markdown, medians, ratios
from benchmarks.pictures import SHARED, small
from regard.commands.inside import Inside
from regard.server import open_analyzer
from regard.settings import from_environment
from regard.vision.images import decode
from regard.vision.similarity import score

ROUNDS, PAIRS = 40, 100
# The cosine that tells the pictures outside the measured pairs apart best; the API's own 80 is stricter.
LFW_SCORE = 0.35


def run() -> str:
    """The section of docs/benchmarks.md."""
    os.sched_setaffinity(0, {0})
    peer = DlibPeer()
    pictures = small(50)
    with tempfile.TemporaryDirectory() as folder:
        inside = Inside(from_environment(data_dir=Path(folder)))
        inside.ask("CreateCollection", CollectionId="bench")
        ours = _turns(lambda data: _index(inside, data), pictures)
        theirs = _turns(peer.embeddings, pictures)
        taken = medians({"ours": ours, "peer": theirs}, ROUNDS)
        found = {
            "ours": sum(len(_index(inside, data)["FaceRecords"]) for data in pictures) / len(pictures),
            "peer": sum(len(peer.embeddings(data)) for data in pictures) / len(pictures),
        }
        faster = ratios(theirs, ours, ROUNDS) * found["ours"] / found["peer"]
    right = _accuracy(peer)
    rows = [
        ("regard, IndexFaces", f"{found['ours'] / taken['ours']:.1f}", f"{faster:.1f}×", *right["regard"]),
        ("dlib, face_encodings", f"{found['peer'] / taken['peer']:.1f}", "1×", *right["dlib"]),
    ]
    return markdown(
        "Indexing",
        ("", "faces/s on one core", "times faster", "right of all pairs", "at default thresholds"),
        rows,
        f"Pictures of 250×250 pixels; {found['ours']:.2f} faces are found in each by ours, {found['peer']:.2f} by "
        "the peer. Ours detects, describes, embeds, seals and commits; the peer detects and embeds, "
        f"both with their defaults. Pairs: {PAIRS} of one person and {PAIRS} of two, of LFW's first fold; first at the "
        f"threshold of each that suits LFW ({LFW_SCORE} cosine; {DISTANCE} distance), then at what users get "
        "(Similarity 80; 0.6). `python -m benchmarks indexing`",
    )


def _turns(work: Callable[[bytes], object], pictures: list[bytes]) -> Callable[[], object]:
    following = cycle(pictures)
    return lambda: work(next(following))


_names = (f"face-{number}" for number in range(1_000_000))


def _index(inside: Inside, data: bytes) -> dict[str, list[object]]:
    # A new name each time: the same picture under the same name would be found instead of enrolled.
    return inside.ask("IndexFaces", CollectionId="bench", Image={"Bytes": data}, ExternalImageId=next(_names))


def _accuracy(peer: DlibPeer) -> dict[str, tuple[str, str]]:
    if not SHARED.is_dir():
        return {"regard": ("not measured", "not measured"), "dlib": ("not measured", "not measured")}
    analyzer = open_analyzer(from_environment())

    def ours(data: bytes) -> np.ndarray | None:
        picture = decode(data)
        faces = analyzer.detect(picture)
        return analyzer.embed(picture, faces[:1])[0].astype(float) if faces else None

    cosines = [(same, _pair(ours, *files, np.dot)) for same, *files in _pairs()]
    distances = [
        (same, _pair(lambda data: next(iter(peer.embeddings(data)), None), *files, _closeness))
        for same, *files in _pairs()
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
