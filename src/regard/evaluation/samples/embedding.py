"""Looking at the pictures of an evaluation: one face of each found, described and embedded, on every core.

What was found is kept, sealed, under the digest of the picture: a run that was interrupted goes on where it stopped,
and the next one over the same pictures takes no time. Biometric templates never lie open on a disk, not these either.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import multiprocessing
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from threading import Thread
from typing import BinaryIO, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.pictures_on_disk import Labelled
from regard.sealing import SealBroken, SealingKey, root_key
from regard.settings import Settings
from regard.vision.faces.embedder import DIMENSIONS
from regard.vision.faces.faces import Box, Face, FaceAnalyzer
from regard.vision.faces.quality import BARS, rejections
from regard.vision.pictures.crops import ALIGNED, TEMPLATE
from regard.vision.pictures.images import ImageError, Picture, decode

# central: the face nearest the middle, as photographs of a person are taken. largest: as CompareFaces chooses.
# aligned: the picture is a crop of 112×112 on the usual five points, and nothing is detected.
Choice = Literal["central", "largest", "aligned"]
Outcome = Literal["enrolled", "unreadable", "no face"]
# MEDIUM is AUTO.
FILTERS = ("LOW", "AUTO", "HIGH")
_BATCH = 16

Progress = Callable[[int, int], None]


class Found(msgspec.Struct, frozen=True, array_like=True):
    """What was found in a picture. Without a face only `outcome`, `cause` and the times say something.

    `embedding` is 128 little-endian float32. `faces` counts all that the detector saw. `side` is the longer side of
    the face in pixels, `confidence`, `brightness` and `sharpness` lie in 0 to 100, angles are degrees. `rejected`
    names the levels of QualityFilter that turn the face away. Times are seconds.
    """

    outcome: Outcome
    cause: str = ""
    embedding: bytes = b""
    faces: int = 0
    side: float = math.nan
    confidence: float = math.nan
    brightness: float = math.nan
    sharpness: float = math.nan
    yaw: float = math.nan
    pitch: float = math.nan
    roll: float = math.nan
    rejected: tuple[str, ...] = ()
    decoding: float = 0.0
    detecting: float = 0.0
    embedding_time: float = 0.0

    @property
    def enrolled(self) -> bool:
        """Whether there is an embedding."""
        return self.outcome == "enrolled"


def embeddings(found: Sequence[Found]) -> NDArray[np.float32]:
    """One row a picture, of length 1; a row of zeros, which matches nothing, where there is no embedding."""
    rows = np.zeros((len(found), DIMENSIONS), np.float32)
    for row, each in zip(rows, found, strict=True):
        if each.enrolled:
            row[:] = np.frombuffer(each.embedding, "<f4")
    return rows


def embed(
    pictures: Sequence[Labelled],
    settings: Settings,
    choice: Choice = "central",
    progress: Progress = lambda _done, _all: None,
) -> list[Found]:
    """What was found in each picture, in their order. `progress` is told how many of how many are done.

    Uses `settings.workers` processes, by default one a core. Raises MissingWeights when weights were not pulled, and
    Busy when another run holds the kept findings.
    """
    analyzer = FaceAnalyzer.opened(settings)
    folder = settings.data_dir / "evaluation"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = root_key(settings.data_dir, settings.master_key, settings.master_key_command)
    key = SealingKey(root.derived("evaluation"))
    digests = [_digest(labelled) for labelled in pictures]
    with Kept(folder / f"{_signature(analyzer, settings, choice)}.found", key) as kept:
        first = {digest: place for place, digest in reversed(list(enumerate(digests)))}
        lacking = [(digest, pictures[place]) for digest, place in first.items() if digest not in kept]
        done = len(pictures) - len(lacking)
        progress(done, len(pictures))
        for results in _looked_at(lacking, settings, choice):
            kept.add(results)
            done += len(results)
            progress(done, len(pictures))
        return [kept[digest] for digest in digests]


class Busy(RuntimeError):
    """Another process is adding to the same kept findings."""


class Kept:
    """Findings by digest, in a file that only grows: frames of a length and sealed bytes.

    A frame that a crash left half written is cut off at the next start.
    """

    def __init__(self, path: Path, key: SealingKey) -> None:
        self._path, self._key = path, key
        self._known: dict[bytes, Found] = {}
        self._file: BinaryIO

    def __enter__(self) -> Kept:
        self._file = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise Busy(f"Another run is writing {self._path.name}. Wait for it, or end it.") from None
        self._file.seek(0)
        whole = 0
        for frame, end in _frames(self._file):
            try:
                clear = self._key.open(frame, self._path.name.encode())
            except SealBroken:
                break
            self._known.update(msgspec.msgpack.decode(clear, type=dict[bytes, Found]))
            whole = end
        self._file.truncate(whole)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    def __getitem__(self, digest: bytes) -> Found:
        return self._known[digest]

    def add(self, found: dict[bytes, Found]) -> None:
        """Keep more findings; they are in the file when this returns."""
        sealed = self._key.seal(msgspec.msgpack.encode(found), self._path.name.encode())
        self._file.write(struct.pack(">I", len(sealed)) + sealed)
        self._file.flush()
        self._known.update(found)


def look_at(analyzer: FaceAnalyzer, labelled: Labelled, choice: Choice) -> Found:
    """What is found in one picture: of its faces the one that `choice` says is described and embedded."""
    begun = time.perf_counter()
    try:
        picture = decode(labelled.read())
    except (ImageError, OSError) as error:
        return Found("unreadable", type(error).__name__)
    decoded = time.perf_counter()
    faces = [_whole(picture)] if choice == "aligned" else analyzer.detect(picture)
    detected = time.perf_counter()
    if not faces:
        return Found("no face", decoding=decoded - begun, detecting=detected - decoded)
    face = faces[0] if choice == "largest" else min(faces, key=_off_middle)
    embedding = analyzer.embed(picture, [face])[0]
    embedded = time.perf_counter()
    description = analyzer.describe(picture, face, frozenset())
    return Found(
        "enrolled",
        embedding=embedding.astype("<f4").tobytes(),
        faces=len(faces),
        side=max(face.box.width * picture.width, face.box.height * picture.height),
        confidence=face.confidence,
        brightness=description.quality.brightness,
        sharpness=description.quality.sharpness,
        yaw=description.pose.yaw,
        pitch=description.pose.pitch,
        roll=description.pose.roll,
        rejected=tuple(level for level in FILTERS if rejections(face, description, level, picture)),
        decoding=decoded - begun,
        detecting=detected - decoded,
        embedding_time=embedded - detected,
    )


def _looked_at(
    lacking: list[tuple[bytes, Labelled]], settings: Settings, choice: Choice
) -> Iterator[dict[bytes, Found]]:
    if not lacking:
        return
    workers = min(settings.workers or len(os.sched_getaffinity(0)), -(-len(lacking) // _BATCH))
    # Spawned, not forked: the runtime that this process has opened holds threads.
    context = multiprocessing.get_context("spawn")
    one_thread = msgspec.structs.replace(settings, threads=1)
    with ProcessPoolExecutor(workers, context, initializer=_open, initargs=(one_thread, choice)) as pool:
        batches: list[Future[dict[bytes, Found]]] = [
            pool.submit(_look, lacking[start : start + _BATCH]) for start in range(0, len(lacking), _BATCH)
        ]
        try:
            for batch in as_completed(batches):
                yield batch.result()
        finally:
            pool.shutdown(cancel_futures=True)


_opened: tuple[FaceAnalyzer, Choice]


def _open(settings: Settings, choice: Choice) -> None:
    global _opened
    # An interruption from the keyboard reaches the whole group; the process that collects decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_who_collects, daemon=True).start()
    _opened = FaceAnalyzer.opened(settings), choice


def _end_with_who_collects() -> None:
    """End this process when that one was killed: it would wait for pictures for ever, with 300 MB of memory."""
    collects = multiprocessing.parent_process()
    assert collects is not None
    collects.join()
    os._exit(1)


def _look(batch: list[tuple[bytes, Labelled]]) -> dict[bytes, Found]:
    analyzer, choice = _opened
    return {digest: look_at(analyzer, labelled, choice) for digest, labelled in batch}


def _frames(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    while len(head := file.read(4)) == 4:
        frame = file.read(size := struct.unpack(">I", head)[0])
        if len(frame) < size:
            return
        yield frame, file.tell()


def _digest(labelled: Labelled) -> bytes:
    try:
        return hashlib.sha256(labelled.read()).digest()
    except OSError:
        return b"unreadable: " + str(labelled.picture).encode()


def _signature(analyzer: FaceAnalyzer, settings: Settings, choice: Choice) -> str:
    """What findings depend on beside the picture."""
    parts = (
        *analyzer.weights_used,
        analyzer.version,
        settings.runtime,
        settings.precision,
        settings.small_faces,
        choice,
        repr(BARS),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _off_middle(face: Face) -> float:
    box = face.box
    return math.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5)


def _whole(picture: Picture) -> Face:
    scale = np.array([picture.width, picture.height]) / ALIGNED
    return Face(Box(0, 0, 1, 1), 100.0, (TEMPLATE * scale).astype(np.float32))
