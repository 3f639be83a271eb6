"""A model in a folder: head.onnx, manifest.json, results.json, report.html and what was seen of its pictures, there
together or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from regard.custom.versions.looks import Look
from regard.custom.workbench.figures import Figures
from regard.custom.workbench.outlines import Outline
from regard.custom.workbench.pictures import ADAPTER, CLASSIFIER, DETECTOR
from regard.custom.workbench.seeing import Glance, Kept, Twin
from regard.evaluation.custom.detector import TrainedDetector
from regard.evaluation.custom.manifest import written
from regard.evaluation.custom.results import LabelReport, Trained
from regard.evaluation.statistics.intervals import Interval
from regard.files import write_folder
from regard.vision.heads.head import Base, DamagedHead

VERSION: Final = 1
HEAD, MANIFEST, RESULTS, REPORT = "head.onnx", "manifest.json", "results.json", "report.html"
SEEN: Final = "seen.bin"


class Point(msgspec.Struct, frozen=True, array_like=True):
    """The mean F1 on pictures left out, of a head made of so many."""

    pictures: int
    f1: float


class Asked(msgspec.Struct, frozen=True):
    """A picture of the test: its file, what it shows, the score of each label, 0 to 1, and of a detector the boxes."""

    path: str
    digest: str
    shows: list[str]
    scores: list[float]
    boxes: list[Outline] = []


class Results(msgspec.Struct, frozen=True):
    """What a training came to, as `evaluation.custom.results.Summary` has it, and what is told of each test picture.

    `trained` is how many pictures were learned from, `beside` what the names of the labels were judged by. A copy has
    `figures` in place of the pictures.
    """

    version: int
    name: str
    trained: int
    labels: list[LabelReport]
    f1: float
    precision: float
    recall: float
    interval: Interval
    cross_validated: float
    false_labels: float | None
    curve: list[Point]
    with_more: float | None
    message: str
    pictures: list[Asked]
    twins: list[Twin]
    beside: dict[str, Any]
    kind: str = CLASSIFIER
    figures: Figures | None = None

    @property
    def names(self) -> list[str]:
        """The labels, in the order of the scores."""
        return [each.name for each in self.labels]

    @property
    def tested(self) -> list[LabelReport]:
        """The labels that pictures of the test show, the least F1 first: those of which there is a curve."""
        return sorted((each for each in self.labels if each.n), key=lambda each: each.f1)

    def told(self, picture: Asked) -> list[str]:
        """The labels that are told of a picture, the surest first."""
        found = [
            (score, each.name)
            for score, each in zip(picture.scores, self.labels, strict=True)
            if score >= each.threshold
        ]
        return [name for _, name in sorted(found, reverse=True)]

    def right(self, picture: Asked) -> bool:
        """Whether just what a picture shows is told of it; labels that were not learned count as not shown."""
        return set(self.told(picture)) == {name for name in picture.shows if name in self.names}


class Model(NamedTuple):
    """A model that was read: the bytes of its head, of the digest that its manifest names, and the manifest."""

    head: bytes
    manifest: dict[str, Any]

    @property
    def kind(self) -> str:
        """A classifier, a detector or an adapter."""
        return str(self.manifest["kind"])

    @property
    def base(self) -> Base:
        """What its features are of."""
        # The service's says besides how they are read.
        told = {name: self.manifest["base"][name] for name in Base.__struct_fields__}
        return msgspec.convert(told, Base)

    @property
    def labels(self) -> Sequence[Mapping[str, Any]]:
        """Its labels, each with `name` and `threshold` (0 to 1), in the order of the scores."""
        found: Sequence[Mapping[str, Any]] = self.manifest["labels"]
        return found


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    """What was seen of pictures, by the digests of their files, and what all of it hangs on."""

    on: str
    pictures: dict[str, tuple[int, bytes]]


def keep(
    folder: Path, trained: Trained | TrainedDetector, results: Results, page: str, seen: Sequence[Glance], on: str
) -> None:
    """Write the folder in one step, for its owner alone. `seen` hangs `on` an eye: another one looks again.

    Raises FileExistsError where something is there.
    """
    looks = _Seen(on, {each.digest: (each.kept.bits, each.kept.look.kept()) for each in seen})
    files = {HEAD: trained.onnx, MANIFEST: written(trained.manifest), REPORT: page.encode()}
    files |= {RESULTS: msgspec.json.format(msgspec.json.encode(results)) + b"\n", SEEN: msgspec.msgpack.encode(looks)}
    write_folder(folder, files)


def read_seen(folder: Path, on: str) -> dict[str, Kept]:
    """What the training of a folder saw, by the digests of files; nothing where another eye did. Raises ValueError and
    OSError.
    """
    try:
        found = msgspec.msgpack.decode((folder / SEEN).read_bytes(), type=_Seen)
        if found.on != on:
            return {}
        return {digest: Kept(bits, Look.read(data)) for digest, (bits, data) in found.pictures.items()}
    except msgspec.MsgspecError as error:
        raise ValueError(f"{folder / SEEN} is not what a training saw: {error}. Leave it out.") from None


def read_model(folder: Path) -> Model:
    """The model in a folder. Raises DamagedHead where it is not the one that its manifest names, and OSError."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=dict[str, Any])
        model = Model((folder / HEAD).read_bytes(), manifest)
        kind = manifest["kind"] in (CLASSIFIER, DETECTOR, ADAPTER)
        whole = kind and bool(model.base) and bool([each["name"] for each in model.labels])
        named = manifest["head"]
    except (msgspec.MsgspecError, LookupError, TypeError) as error:
        raise DamagedHead(f"{folder / MANIFEST} is no manifest of a model: {error}. Train it again.") from None
    found = sha256(model.head).hexdigest()
    if found != named or not whole:
        raise DamagedHead(f"{folder / HEAD} has SHA-256 {found}, its manifest names {named}. Train it again.")
    return model


def read_results(folder: Path) -> Results:
    """What the training of a folder came to. Raises ValueError and OSError."""
    try:
        found = msgspec.json.decode((folder / RESULTS).read_bytes(), type=Results)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{folder / RESULTS} has no results of a training: {error}. Train it again.") from None
    if any(len(each.scores) != len(found.labels) for each in found.pictures):
        raise ValueError(f"{folder / RESULTS} has scores of other labels. Train it again.")
    if any(not 0 <= box.label < len(found.labels) for each in found.pictures for box in each.boxes):
        raise ValueError(f"{folder / RESULTS} has boxes of other labels. Train it again.")
    return found
