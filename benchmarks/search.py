"""SearchFaces and SearchFacesByImage, beside the bare vector search and the bare models, at 1 k and 100 k faces."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import exact
from benchmarks.measuring import markdown, medians
from regard.gallery.faces import Candidate
from regard.operations.rooms import Rooms
from tests.fakes import ORGANIZATION, Client, open_rooms, picture_of

SIZES = (1_000, 100_000)
DIMENSIONS = 128
AT_ONCE = 10_000


def run() -> str:
    rows = []
    for size in SIZES:
        # The checkout's own disk: the system's temporary folder may be memory.
        with TemporaryDirectory(dir=".", prefix=".search-") as folder:
            rooms = open_rooms(Path(folder))
            vectors = _fill(rooms, size)
            taken = _measure(rooms, vectors)
        bare, by_face, by_picture, embedding = taken.values()
        rows.append(
            (
                f"{size:,}",
                _shown(bare),
                _shown(by_face),
                _shown(by_face - bare),
                _shown(by_picture - embedding),
            )
        )
    in_collections = markdown(
        "Search in a collection",
        (
            "faces",
            "bare search, ms",
            "SearchFaces, ms",
            "over the bare search, ms",
            "SearchFacesByImage less vision, ms",
        ),
        rows,
        f"Embeddings of {DIMENSIONS} dimensions, one caller, in process: no HTTP, no signature. The bare search is one "
        "product of the matrix with the probe and the order of the best ten, in NumPy. Each search of ours reads the "
        "collection's version and the rows of what it found. Vision is decoding, detecting and embedding, which the "
        "first table times; here a stand-in does it.",
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
            rooms.gallery.faces.enrol(connection, ORGANIZATION, "a", b"picture", some, "1.0")
    return vectors


def _measure(rooms: Rooms, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> dict[str, float]:
    client = Client(rooms)
    face = client("ListFaces", CollectionId="a", MaxResults=1)["Faces"][0]["FaceId"]
    image = {"Bytes": picture_of(1)}

    def bare() -> object:
        scores = vectors @ vectors[0]
        best = np.argpartition(-scores, 10)[:10]
        return best[np.argsort(-scores[best])]

    def vision() -> object:
        call = client.call("SearchFacesByImage", CollectionId="a", Image=image)
        picture = rooms.pictures.read(call, image)
        return rooms.faces.embed(picture, rooms.faces.detect(picture)[:1])

    return medians(
        {
            "bare": bare,
            "by face": lambda: client("SearchFaces", CollectionId="a", FaceId=face),
            "by picture": lambda: client("SearchFacesByImage", CollectionId="a", Image=image),
            "vision": vision,
        }
    )


def _shown(seconds: float) -> str:
    return f"{1000 * seconds:.2f}"
