"""SearchFaces and SearchFacesByImage, beside the bare vector search and the bare models, at 1 k and 100 k faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import exact
from benchmarks.measuring import markdown, medians
from benchmarks.pictures import small
from regard.gallery.faces import Candidate
from regard.operations.common.rooms import Rooms
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.images import decode
from tests.helpers.fakes import ORGANIZATION, Client, open_rooms

SIZES = (1_000, 100_000)
DIMENSIONS = 128
AT_ONCE = 10_000


def run() -> str:
    rows = []
    for size in SIZES:
        # The checkout's own disk: the system's temporary folder may be memory.
        with TemporaryDirectory(dir=".", prefix=".search-") as folder:
            rooms = replace(open_rooms(Path(folder)), faces=FaceAnalyzer.opened(from_environment()))
            vectors = _fill(rooms, size)
            taken = _measure(rooms, vectors)
        rows.append((f"{size:,}", *(f"{1000 * seconds:.2f}" for seconds in taken.values())))
    in_collections = markdown(
        "Search in a collection",
        ("faces", "bare search, ms", "SearchFaces, ms", "bare models, ms", "SearchFacesByImage, ms"),
        rows,
        f"Embeddings of {DIMENSIONS} dimensions, one caller, in process: no HTTP, no signature. The bare search is one "
        "product of the matrix with the probe and the order of the best ten, in NumPy. The bare models detect and "
        "embed one face of a decoded picture of 250×250 pixels. Each search of ours reads the collection's "
        "version and the rows of what it found. `python -m benchmarks search`",
    )
    return f"{in_collections}\n\n{exact.run()}"


def _fill(rooms: Rooms, size: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    vectors = np.random.default_rng(0).standard_normal((size, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    Client(rooms)("CreateCollection", CollectionId="a")
    for start in range(0, size, AT_ONCE):
        some = [
            Candidate((0.0, 0.0, 1.0, float(place)), 99.0, vector)
            for place, vector in enumerate(vectors[start : start + AT_ONCE], start)
        ]
        with rooms.gallery.writing() as connection:
            rooms.gallery.faces.enrol(connection, ORGANIZATION, "a", b"picture", some, rooms.faces.version)
    return vectors


def _measure(rooms: Rooms, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> dict[str, float]:
    client = Client(rooms)
    face = client("ListFaces", CollectionId="a", MaxResults=1)["Faces"][0]["FaceId"]
    data = small(1)[0]
    picture = decode(data)

    def bare() -> object:
        scores = vectors @ vectors[0]
        best = np.argpartition(-scores, 10)[:10]
        return best[np.argsort(-scores[best])]

    return medians(
        {
            "bare": bare,
            "by face": lambda: client("SearchFaces", CollectionId="a", FaceId=face),
            "models": lambda: rooms.faces.embed(picture, rooms.faces.detect(picture)[:1]),
            "by picture": lambda: client("SearchFacesByImage", CollectionId="a", Image={"Bytes": data}),
        }
    )
