"""What else could be embedded, what it gives and what it costs: on LFW, outside fold 1 until the last table.

Not among the benchmarks that run by default: `python -m benchmarks variants` takes seven minutes on two cores.
"""

from __future__ import annotations

import io
import multiprocessing
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from benchmarks.measuring import markdown, medians
from benchmarks.pictures import SHARED
from regard.evaluation.accuracy.verification import pair_scores
from regard.evaluation.samples.pictures_on_disk import Labelled, ListedPairs, numbered, read_folder, read_pairs
from regard.settings import from_environment
from regard.vision.detection.second_look import tilt
from regard.vision.faces.faces import TILTED, VERSIONS, Face, FaceAnalyzer
from regard.vision.faces.mesh import five_of
from regard.vision.faces.similarity import score
from regard.vision.pictures.crops import ALIGNED, aligned, crop
from regard.vision.pictures.images import Picture, decode

RATES = (1e-3, 1e-4, 1e-5)
COSINES = (0.499, 0.583)
WIDER = 1.06
NEAREST = 50
COLUMNS = (*(f"TMR at {rate:g}" for rate in RATES), *(f"at cosine {cosine}" for cosine in COSINES))

Points = NDArray[np.float32]
Rows = NDArray[np.float32]
Matrix = NDArray[np.floating]
Mask = NDArray[np.bool_]
Way = tuple[str, bool]

# Each variant is the mean of embeddings: of which points, and whether mirrored.
FAST: list[Way] = [("mesh's where tilted", False)]
ACCURATE: list[Way] = [("second look", False), ("mesh after it", True)]
VARIANTS: dict[str, list[Way]] = {
    "one, on the detector's points": [("detector", False)],
    "**the mesh's points where the face is tilted (fast)**": FAST,
    "the detector's points, and the mirror image": [("detector", False), ("detector", True)],
    "a crop 6 % wider beside it": [("detector", False), ("wider", False)],
    "mirror image and wider crop": [("detector", False), ("detector", True), ("wider", False)],
    "picture enlarged twice before detection": [("enlarged", False)],
    "the same, and the mirror image": [("enlarged", False), ("enlarged", True)],
    "second look": [("second look", False)],
    "second look, and the mirror image": [("second look", False), ("second look", True)],
    "points of the mesh": [("mesh", False)],
    "points of the mesh, and the mirror image": [("mesh", False), ("mesh", True)],
    "mean of the detector's points and the mesh's": [("mean", False)],
    "detector's points mirrored, with the mesh's": [("detector", True), ("mesh", False)],
    "**second look's points, with the mesh's mirrored (accurate)**": ACCURATE,
    "all four of second look and mesh, plain and mirrored": [
        *((name, mirrored) for name in ("second look", "mesh after it") for mirrored in (False, True)),
    ],
}
# What the points of a way take beside the first detection.
STEPS = {
    "enlarged": ("enlarged",),
    "second look": ("second look",),
    "mesh": ("mesh",),
    "mean": ("mesh",),
    "mesh after it": ("second look", "mesh"),
}


def run() -> str:
    """The tables: variants, what was made of several embeddings, worse pictures, fold 1."""
    if not SHARED.is_dir():
        return markdown("Variants", ("not measured",), [("the pictures are not on this machine",)])
    listed, pairs = read_pairs(SHARED / "lfw_pairs.txt", SHARED / "lfw")
    in_fold = {str(each.picture) for each in listed}
    pictures = [each for each in read_folder(SHARED / "lfw") if str(each.picture) not in in_fold]
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawned) as pool:

        def every(work: Callable[[Path], Any], files: Sequence[Any], about: str) -> list[Any]:
            return list(track(pool.map(work, files, chunksize=8), about, len(files)))

        looks = every(_ways, [each.picture for each in pictures], "Outside fold 1")
        cohort = every(_profiles, sorted((SHARED / "synthetic_faces").glob("*.jpeg")), "Cohort")
        worse = {name: every(partial(_worse, name), _two_each(pictures), name) for name in WORSE}
        fold = every(_profiles, [each.picture for each in listed], "Fold 1")
    seen = [place for place, look in enumerate(looks) if look]
    subjects = numbered([pictures[place].subject for place in seen])
    ways = [looks[place] for place in seen]
    fast = _embeddings(ways, FAST)
    same, others = _pairs(subjects)
    outside = {"fast": fast, "accurate": _embeddings(ways, ACCURATE)}
    thresholds = {name: _at(rows @ rows.T, others, 1e-3) for name, rows in outside.items()}
    return "\n\n".join(
        [
            _variants(ways, same, others, _costs(Path(str(pictures[0].picture)))),
            _combined(fast, [look["detector", False] for look in ways], subjects, _rows(cohort, "fast")),
            _worse_told(worse),
            _fold_told(fold, pairs, thresholds),
        ]
    )


def _variants(ways: list[dict[Way, Rows]], same: Mask, others: Mask, costs: dict[str, float]) -> str:
    rows = []
    for name, parts in VARIANTS.items():
        found = _embeddings(ways, parts)
        steps = {step for points, _ in parts for step in STEPS.get(points, ())}
        more = sum(costs[step] for step in steps) + (len(parts) - 1) * costs["embedding"]
        told = f"{costs['mesh']:.0f} ms for 1 face in 20" if parts is FAST else f"{more:.0f} ms" if more else "–"
        rows.append((name, *_told(found @ found.T, same, others), told))
    usual = costs["detection"] + costs["embedding"]
    return markdown(
        "Variants",
        ("embedding", *COLUMNS, "more time"),
        rows,
        f"{len(ways):,} pictures, {int(np.triu(others).sum()):,} impostor and {int(np.triu(same).sum()):,} genuine "
        f"pairs; f32; more time than the {usual:.0f} ms of decoding, detecting and one embedding.",
    )


def _combined(fast: Rows, raw: list[Rows], subjects: NDArray[np.int64], cohort: Rows) -> str:
    """Score normalisation against a cohort, and users of three pictures with and without weights."""
    same, others = _pairs(subjects)
    nearest = np.sort(fast @ cohort.T, axis=1)[:, -NEAREST:]
    mean, spread = nearest.mean(axis=1), nearest.std(axis=1)
    plain = fast @ fast.T
    normal = ((plain - mean[:, None]) / spread[:, None] + (plain - mean) / spread) / 2
    rows = [
        ("fast, as it is", *_told(plain, same, others)),
        ("normalised by mean and deviation", *_told(normal, same, others)[:3], "–", "–"),
        ("normalised by the mean", *_told(plain - (mean[:, None] + mean) / 2, same, others)[:3], "–", "–"),
    ]
    probes, users = _users(subjects)
    lengths = np.linalg.norm(raw, axis=1)
    own, strangers = np.eye(len(probes), dtype=np.bool_), subjects[probes][:, None] != subjects[probes]
    for name, members, power in (
        ("one picture", users[:, :1], 0),
        ("users of three pictures: the mean", users, 0),
        ("weighted by the length of the raw embedding", users, 1),
        ("weighted by its cube", users, 3),
    ):
        fused = (fast[members] * (lengths[members] ** power)[:, :, None]).sum(axis=1)
        fused /= np.linalg.norm(fused, axis=1, keepdims=True)
        rows.append((name, *_told(fast[probes] @ fused.T, own, strangers)))
    note = f"Cohort: the {NEAREST} nearest of {len(cohort)} generated portraits. Users: {len(probes):,} probes."
    return markdown("Several embeddings", ("of the fast profile", *COLUMNS), rows, note)


def _worse_told(worse: dict[str, list[Any]]) -> str:
    rows = []
    for name, pairs in worse.items():
        missing = sum(scores is None for scores in pairs) / len(pairs)
        told = np.array([scores or (-1.0,) * 3 for scores in pairs])
        levels = [score(80, version) for version in (VERSIONS["fast"], *VERSIONS.values())]
        rows.append((name, *(f"{share:.3f}" for share in (told >= levels).mean(axis=0)), f"{missing:.1%}"))
    note = f"{len(next(iter(worse.values())))} genuine pairs: one picture as it is, the other made worse."
    columns = ("at Similarity 80", "before: detector's points", "fast", "accurate", "no face found")
    return markdown("Worse pictures", columns, rows, note)


def _fold_told(fold: list[Any], pairs: ListedPairs, thresholds: dict[str, float]) -> str:
    rows, same = [], pairs.same
    for name, threshold in thresholds.items():
        scores = pair_scores(_rows(fold, name), pairs)
        right = int(((scores >= threshold) == same).sum())
        strict = float((scores[same] >= score(80, VERSIONS[name])).mean())
        matched = float((scores[same] >= threshold).mean())
        cells = (f"{threshold:.3f}", f"{right} of {len(same)}", f"{matched:.3f}", f"{strict:.3f}")
        rows.append((name, *cells))
    columns = ("fold 1", "cosine of 1 in 1,000 elsewhere", "right", "genuine pairs that match", "at Similarity 80")
    return markdown("Fold 1", columns, rows, f"No face was found in {sum(not each for each in fold)} pictures.")


@cache
def _analyzer() -> FaceAnalyzer:
    return FaceAnalyzer.opened(msgspec.structs.replace(from_environment(), precision="f32", threads=1))


def _ways(path: Path) -> dict[Way, Rows]:
    """The embedding, not yet of length 1, by each way that a variant asks for; empty without a face."""
    analyzer, picture = _analyzer(), decode(path.read_bytes())
    face = _central(analyzer.detect(picture))
    if face is None:
        return {}
    points = _points(analyzer, picture, face)
    wanted = {part for parts in VARIANTS.values() for part in parts}
    return {(name, mirrored): _raw(analyzer, picture, points[name], mirrored) for name, mirrored in wanted}


def _points(analyzer: FaceAnalyzer, picture: Picture, face: Face) -> dict[str, Points]:
    pixels, box = picture.pixels, _box(picture, face)
    seen, mesh = face.points, five_of(analyzer._mesh(picture.pixels, box, face.points))
    again = analyzer._second_look(pixels, box, seen)
    middle = seen.mean(axis=0)
    return {
        "detector": seen,
        "wider": np.asarray(middle + (seen - middle) * WIDER, np.float32),
        "enlarged": _enlarged(analyzer, picture, seen),
        "mesh": mesh,
        "mesh's where tilted": mesh if abs(tilt(seen)) > TILTED else seen,
        "mean": np.asarray((seen + mesh) / 2, np.float32),
        "second look": again,
        "mesh after it": five_of(analyzer._mesh(pixels, box, again)),
    }


def _enlarged(analyzer: FaceAnalyzer, picture: Picture, points: Points) -> Points:
    size = (2 * picture.width, 2 * picture.height)
    larger = np.asarray(Image.fromarray(picture.pixels).resize(size, Image.Resampling.BICUBIC))
    found = _central(analyzer.detect(Picture(larger, "PNG")))
    return points if found is None else np.asarray(found.points / 2, np.float32)


def _raw(analyzer: FaceAnalyzer, picture: Picture, points: Points, mirrored: bool) -> Rows:
    chip = crop(picture.pixels, aligned(points), ALIGNED)[:, :: -1 if mirrored else 1]
    found = analyzer._embedder._model(chip.transpose(2, 0, 1)[None].astype(np.float32, order="C"))[0][0]
    return np.asarray(found, np.float32)


def _profiles(path: Path) -> dict[str, Rows]:
    """The embeddings of both profiles; empty without a face."""
    analyzer, picture = _analyzer(), decode(path.read_bytes())
    face = _central(analyzer.detect(picture))
    return {} if face is None else {name: analyzer.embed(picture, [face], of)[0] for name, of in VERSIONS.items()}


WORSE: dict[str, tuple[str, int]] = {
    "as it is": ("", 0),
    "face of 32 pixels": ("small", 32),
    "face of 24 pixels": ("small", 24),
    "dim (12 % of the light, noise)": ("dim", 0),
    "tilted by 20° to 40°": ("tilted", 0),
}


def _worse(name: str, pair: tuple[Path, Path]) -> tuple[float, float, float] | None:
    """The cosines of a pair whose second picture was made worse: before, fast, accurate; None without a face."""
    analyzer, clear = _analyzer(), decode(pair[0].read_bytes())
    poor = _made_worse(analyzer, decode(pair[1].read_bytes()), *WORSE[name], crc32(pair[1].name.encode()))
    faces = _central(analyzer.detect(clear)), _central(analyzer.detect(poor))
    if faces[0] is None or faces[1] is None:
        return None
    here, there = ((clear, faces[0]), (poor, faces[1]))
    before = [analyzer._embedder(picture.pixels, [face.points])[0] for picture, face in (here, there)]
    both = [[analyzer.embed(picture, [face], of)[0] for picture, face in (here, there)] for of in VERSIONS.values()]
    old, fast, accurate = (float(one @ other) for one, other in (before, *both))
    return old, fast, accurate


def _made_worse(analyzer: FaceAnalyzer, picture: Picture, kind: str, side: int, seed: int) -> Picture:
    image, chance = Image.fromarray(picture.pixels), np.random.default_rng(seed)
    face = _central(analyzer.detect(picture))
    if kind == "small" and face is not None:
        scale = side / float(max(_box(picture, face)[2:]))
        image = image.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    if kind == "tilted":
        image = image.rotate(chance.choice([-1, 1]) * chance.uniform(20, 40), Image.Resampling.BICUBIC)
    if kind == "dim":
        dark = np.asarray(image) * 0.12 + chance.normal(0, 3, (*image.size[::-1], 3))
        image = Image.fromarray(np.clip(dark, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return decode(file.getvalue())


def _costs(path: Path) -> dict[str, float]:
    """Milliseconds of each step on one picture."""
    analyzer, data = _analyzer(), path.read_bytes()
    picture = decode(data)
    face = _central(analyzer.detect(picture))
    assert face is not None
    box = _box(picture, face)
    steps = {
        "detection": lambda: analyzer.detect(decode(data)),
        "embedding": lambda: analyzer._embedder(picture.pixels, [face.points]),
        "mesh": lambda: analyzer._mesh(picture.pixels, box, face.points),
        "second look": lambda: analyzer._second_look(picture.pixels, box, face.points),
        "enlarged": lambda: _enlarged(analyzer, picture, face.points),
    }
    return {name: 1000 * taken for name, taken in medians(steps).items()}


def _two_each(pictures: Sequence[Labelled]) -> list[tuple[Any, Any]]:
    """The first picture of each person with the next two."""
    of: dict[str, list[Any]] = {}
    for each in pictures:
        of.setdefault(each.subject, []).append(each.picture)
    return [(first, other) for first, *rest in of.values() for other in rest[:2]]


def _users(subjects: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pictures of people who have four or more, and for each the next three of the same person."""
    many = [subject for subject, number in Counter(subjects.tolist()).items() if number > 3]
    own = [np.flatnonzero(subjects == subject) for subject in many]
    after = [np.stack([np.roll(places, -step) for step in (1, 2, 3)], axis=1) for places in own]
    return np.concatenate(own), np.concatenate(after)


def _embeddings(ways: list[dict[Way, Rows]], parts: list[Way]) -> Rows:
    rows = np.sum([[look[part] / np.linalg.norm(look[part]) for look in ways] for part in parts], axis=0)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _rows(found: list[dict[str, Rows]], profile: str) -> Rows:
    """One row a picture; zeros, which match nothing, where no face was found."""
    return np.array([each.get(profile, np.zeros(128)) for each in found], np.float32)


def _pairs(subjects: NDArray[np.int64]) -> tuple[Mask, Mask]:
    same = subjects[:, None] == subjects
    return same & ~np.eye(len(subjects), dtype=np.bool_), ~same


def _at(scores: Matrix, others: Mask, rate: float) -> float:
    """The score that `rate` of impostor pairs reach."""
    impostors = scores[others]
    return float(np.partition(impostors, -round(rate * len(impostors)))[-round(rate * len(impostors))])


def _told(scores: Matrix, same: Mask, others: Mask) -> list[str]:
    genuine = scores[same]
    return [f"{(genuine >= level).mean():.4f}" for level in (*(_at(scores, others, rate) for rate in RATES), *COSINES)]


def _central(faces: list[Face]) -> Face | None:
    def off_middle(face: Face) -> float:
        box = face.box
        return float(np.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5))

    return min(faces, key=off_middle, default=None)


def _box(picture: Picture, face: Face) -> NDArray[np.float64]:
    box = face.box
    return np.array([box.left, box.top, box.width, box.height]) * ((picture.width, picture.height) * 2)
