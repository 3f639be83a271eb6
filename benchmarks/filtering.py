"""What the levels of QualityFilter keep and turn away, and what would have become of it at Similarity 80.

Not among the benchmarks that run by default: `python -m benchmarks filtering`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.settings import from_environment
from regard.vision.faces.faces import Face, FaceAnalyzer
from regard.vision.faces.quality import rejections
from regard.vision.faces.similarity import score
from regard.vision.pictures.images import Picture, decode

AT = 80.0
LEVELS = ("LOW", "MEDIUM", "HIGH")
# The most pictures of a person: a few people of LFW have hundreds.
MOST = 40
PLAIN, CARD = "as it is", "on an identity card, 100 pixels in a picture of 1,000"
TURNS = ((20, 30), (30, 40), (40, 90))
# The labels of UTKFace, as its file names number them.
GROUPS = {"0": "White", "1": "Black", "2": "Asian", "3": "Indian", "4": "other"}
# A change to a picture, given its face.
Change = Callable[[Image.Image, Face], Image.Image]


@dataclass(frozen=True, slots=True)
class Probe:
    """A face under a condition. `cosine` is with a straight picture of the same person that nothing was done to.

    `found` says whether there still was a face; `yaw` is in degrees; `rejected` has the levels that turn it away.
    """

    condition: str
    found: bool = False
    cosine: float = 0.0
    yaw: float = 0.0
    rejected: frozenset[str] = frozenset()


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Quality filters", ("not measured",), [("the pictures are not on this machine",)])
    analyzer = FaceAnalyzer.opened(from_environment())
    files = people(SHARED)
    seen = list(probes(analyzer, files))
    conditions = list(dict.fromkeys(probe.condition for probe in seen))
    rows = [_row(name, [probe for probe in seen if probe.condition == name]) for name in conditions]
    plain = [probe for probe in seen if probe.condition == PLAIN]
    rows += [_row(f"turned by {a}° to {b}°", [each for each in plain if a <= abs(each.yaw) < b]) for a, b in TURNS]
    measured = markdown(
        "Quality filters",
        ("the second picture of a person", "faces", f"matches at {AT:.0f}", *(f"{level} refuses" for level in LEVELS)),
        rows,
        f"{len(files)} people. In brackets: how many of the refused would have matched.",
    )
    return f"{measured}\n\n{_whom(analyzer)}"


def _row(name: str, seen: Sequence[Probe]) -> tuple[str, ...]:
    there = [probe for probe in seen if probe.found]
    faces = f"{len(there)} of {len(seen)}"
    return name, faces, _percent(_matching(there)), *(_refused(there, level) for level in LEVELS)


def _refused(there: Sequence[Probe], level: str) -> str:
    refused = [probe for probe in there if level in probe.rejected]
    said = _percent([level in probe.rejected for probe in there])
    return f"{said} ({_percent(_matching(refused))})" if refused else said


def _matching(seen: Iterable[Probe]) -> list[bool]:
    return [probe.cosine >= score(AT) for probe in seen]


def _percent(holds: Sequence[bool]) -> str:
    return f"{100 * sum(holds) / len(holds):.0f} %" if holds else "–"


def _whom(analyzer: FaceAnalyzer) -> str:
    """What the levels refuse of portraits by the groups that their labels name, and of faces with real masks."""
    groups: dict[str, list[Path]] = {}
    for file in sorted((SHARED / "utkface").glob("*.jpg"))[::2]:
        parts = file.name.split("_")
        if len(parts) == 4 and parts[2] in GROUPS:
            groups.setdefault(f"portraits, {GROUPS[parts[2]]}", []).append(file)
    for name in ("with_mask", "without_mask"):
        groups[f"faces {name.replace('_', ' a ')}"] = sorted((SHARED / "facemask" / name).iterdir())
    rows = []
    for name, files in sorted(groups.items()):
        seen = [refusing(analyzer, decode(file.read_bytes())) for file in files]
        there = [each for each in seen if each is not None]
        shares = (_percent([level in each for each in there]) for level in LEVELS)
        rows.append((name, f"{len(there)} of {len(seen)}", *shares))
    return markdown("Whom they refuse", ("pictures", "faces", *(f"{level} refuses" for level in LEVELS)), rows)


def refusing(analyzer: FaceAnalyzer, picture: Picture) -> frozenset[str] | None:
    """The levels that turn away the face in the middle of a picture; None where there is no face."""
    face = _central(analyzer.detect(picture))
    if face is None:
        return None
    description = analyzer.describe(picture, face, frozenset())
    return frozenset(level for level in LEVELS if rejections(face, description, level, picture))


def changes() -> dict[str, Change]:
    """What is done to the second picture of a person, by what it is called in the table."""
    return {
        CARD: on_a_card,
        **{f"face of {side} pixels": partial(scaled, side=side) for side in (60, 50, 40, 30, 20)},
        **{f"blurred by {by:.0%} of the face": partial(blurred, by=by) for by in (0.01, 0.02, 0.03, 0.04, 0.06)},
        **{f"at {left:.0%} of its light": partial(darkened, left=left) for left in (0.5, 0.25, 0.12, 0.06)},
        "with a mask drawn over mouth and nose": masked,
    }


def scaled(image: Image.Image, face: Face, side: float) -> Image.Image:
    """The picture at a size at which the longer side of its face has so many pixels."""
    ratio = side / _side(face, image.size)
    width, height = (max(1, round(each * ratio)) for each in image.size)
    return _kept(image.resize((width, height), Image.Resampling.LANCZOS))


def blurred(image: Image.Image, face: Face, by: float) -> Image.Image:
    """Out of focus: a Gaussian whose deviation is this ratio of the face."""
    return _kept(image.filter(ImageFilter.GaussianBlur(by * _side(face, image.size))))


def darkened(image: Image.Image, _face: Face, left: float) -> Image.Image:
    """With this ratio of its light, and the noise of a sensor (2 of 255)."""
    noise = np.random.default_rng(0).normal(0, 2, (image.height, image.width, 3))
    return _kept(Image.fromarray(np.clip(np.asarray(image) * left + noise, 0, 255).astype(np.uint8)))


def on_a_card(image: Image.Image, face: Face) -> Image.Image:
    """A card photographed: a face of 100 pixels, a little soft, in the middle of a picture of 1,000."""
    small = scaled(image, face, 100).filter(ImageFilter.GaussianBlur(1.0))
    made = Image.new("RGB", (1000, 1000), (150, 140, 130))
    made.paste((205, 215, 225), (100, 240, 900, 760))
    box = face.box
    middle = (small.width * (box.left + box.width / 2), small.height * (box.top + box.height / 2))
    made.paste(small, (500 - round(middle[0]), 500 - round(middle[1])))
    return _kept(made)


def masked(image: Image.Image, face: Face) -> Image.Image:
    """With a plain mask drawn from the bridge of the nose to the chin."""
    eyes, nose, mouth = face.points[:2], face.points[2], face.points[3:]
    across, middle = eyes[1] - eyes[0], mouth.mean(axis=0)
    top = (eyes.mean(axis=0) + nose) / 2
    corners = [top - 0.15 * across, top + 0.15 * across, nose + 0.75 * across, middle + 0.7 * across]
    chin = middle + 0.8 * (middle - nose)
    corners += [chin + 0.4 * across, chin - 0.4 * across, middle - 0.7 * across, nose - 0.75 * across]
    made = image.copy()
    ImageDraw.Draw(made).polygon([(float(x), float(y)) for x, y in corners], fill=(150, 190, 215))
    return _kept(made)


def people(folder: Path) -> list[list[Path]]:
    """The pictures of each person that has several, of `lfw` and `synthetic_faces`, at most MOST each."""
    found = [sorted(each.glob("*.jpg"))[:MOST] for each in sorted((folder / "lfw").iterdir())]
    drawn = sorted((folder / "synthetic_faces").glob("face_*_*.jp*g"), key=_identity)
    found += [list(files) for _, files in groupby(drawn, key=_identity)]
    return [files for files in found if len(files) > 1]


def probes(analyzer: FaceAnalyzer, files: Sequence[Sequence[Path]]) -> Iterator[Probe]:
    """Every picture of each person but the straightest, as it is, and the first of those with each change."""
    for each in files:
        reference, others = _chosen(analyzer, each)
        for place, file in enumerate(others):
            picture = decode(file.read_bytes())
            yield _probe(analyzer, PLAIN, picture, reference)
            face = _central(analyzer.detect(picture)) if place == 0 else None
            if face is not None:
                image = Image.fromarray(picture.pixels)
                for name, change in changes().items():
                    changed = np.ascontiguousarray(change(image, face))
                    yield _probe(analyzer, name, Picture(changed, "JPEG"), reference)


def _probe(analyzer: FaceAnalyzer, condition: str, picture: Picture, reference: NDArray[np.float32]) -> Probe:
    face = _central(analyzer.detect(picture))
    if face is None:
        return Probe(condition)
    description = analyzer.describe(picture, face, frozenset())
    return Probe(
        condition,
        True,
        float(reference @ analyzer.embed(picture, [face])[0]),
        description.pose.yaw,
        frozenset(level for level in LEVELS if rejections(face, description, level, picture)),
    )


def _chosen(analyzer: FaceAnalyzer, files: Iterable[Path]) -> tuple[NDArray[np.float32], list[Path]]:
    """The embedding of a person's straightest picture, and the other pictures."""
    found = []
    for file in files:
        picture = decode(file.read_bytes())
        face = _central(analyzer.detect(picture))
        if face is not None:
            pose = analyzer.describe(picture, face, frozenset()).pose
            found.append((abs(pose.yaw) + abs(pose.pitch), file, analyzer.embed(picture, [face])[0]))
    _, straightest, embedding = min(found, key=lambda each: each[0])
    return embedding, [file for _, file, _ in found if file != straightest]


def _central(faces: Sequence[Face]) -> Face | None:
    """The face in the middle."""
    return min(faces, key=lambda face: _off_middle(face), default=None)


def _off_middle(face: Face) -> float:
    box = face.box
    return (box.left + box.width / 2 - 0.5) ** 2 + (box.top + box.height / 2 - 0.5) ** 2


def _side(face: Face, size: tuple[int, int]) -> float:
    return max(face.box.width * size[0], face.box.height * size[1])


def _identity(file: Path) -> int:
    return int(file.stem.split("_")[1])


def _kept(image: Image.Image) -> Image.Image:
    """As a JPEG file keeps it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return Image.open(file).convert("RGB")
