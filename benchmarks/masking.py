"""How right face cover is, on faces that nothing was made of, as they are and as on work sites.

Not among the benchmarks that run by default: `python -m benchmarks masking`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.shares import Share
from benchmarks.worksites import DRESSES, LIGHTS, lit, scene
from regard.settings import from_environment
from regard.vision.faces.faces import Face, FaceAnalyzer
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder

FOLDERS = {"with_mask": True, "without_mask": False}
# Faces on work sites, of so many pixels.
SIDES = (30, 40, 60, 90)
BANDS = (20, 35, 50, 75, 200)
AT = 80.0
WHOLE = "nothing, the crop as it is"


@dataclass(frozen=True, slots=True)
class Case:
    """A face in a picture, whether it is covered, and what there is about it; no face where none was found."""

    about: str
    covered: bool
    picture: Picture
    face: Face | None

    @property
    def side(self) -> float:
        """The height of the face, in pixels."""
        return 0.0 if self.face is None else self.face.box.height * self.picture.height


def run() -> str:
    """The tables."""
    folder = SHARED / "facemask"
    if not folder.is_dir():
        return markdown("Face cover", ("not measured",), [("the pictures are not on this machine",)])
    settings = from_environment()
    faces = FaceAnalyzer.opened(settings)
    inspector = EquipmentInspector(faces, LabelFinder.opened(settings).objects)
    told = {name: masks(faces, inspector, folder / name) for name in FOLDERS}
    balanced = sum(share.rate for share in told.values()) / len(told)
    crops = markdown(
        "Face cover",
        ("faces", "told right (95 % interval)"),
        [(name.replace("_", " a ", 1), str(share)) for name, share in told.items()],
        f"Balanced accuracy {balanced:.3f}. A face that is not found counts as an error.",
    )
    rows = worksites(inspector, list(cases(faces, SHARED, 1)))
    sites = markdown(
        "Face cover as on work sites",
        ("about the face", "bare", "said to be covered", "at 80 and more", "masked", "said to be", "at 80 and more"),
        rows,
    )
    return f"{crops}\n\n{sites}"


def masks(faces: FaceAnalyzer, inspector: EquipmentInspector, folder: Path, step: int = 1) -> Share:
    """How many pictures of with_mask/ or without_mask/ are told right; one in `step`."""
    files = sorted(folder.iterdir())[::step]
    right = 0
    for file in files:
        picture = decode(file.read_bytes())
        found = faces.detect_all(picture)
        mask = inspector.cover(picture, found[0]) if found else None
        right += mask is not None and mask.value == FOLDERS[folder.name]
    return Share(right, len(files))


def portraits(shared: Path, half: int) -> list[tuple[Path, bool]]:
    """The pictures of a half, 0 or 1, and whether their face is covered."""
    found = [
        (file, FOLDERS[name]) for name in FOLDERS for file in sorted((shared / "facemask" / name).iterdir())[half::2]
    ]
    people = sorted((shared / "lfw").iterdir())[10 * half :: 20]
    bare = [min(person.iterdir()) for person in people]
    bare += sorted((shared / "utkface").glob("*.jpg"))[20 * half :: 40]
    bare += sorted((shared / "synthetic_faces").glob("*.jp*g"))[half::5]
    return found + [(file, False) for file in bare]


def cases(faces: FaceAnalyzer, shared: Path, half: int, step: int = 1) -> Iterator[Case]:
    """One in `step` of the faces of a half: as they are, dressed for a work site, and in coloured lights."""
    chance = random.Random(half)
    grounds = [Image.open(file).convert("RGB") for file in sorted((shared / "coco20").iterdir())]
    for file, covered in portraits(shared, half)[::step]:
        picture = decode(file.read_bytes())
        found = faces.detect(picture)
        if not found:
            continue
        image, face = Image.fromarray(picture.pixels), found[0]
        yield Case(WHOLE, covered, picture, face)
        for about, dress in DRESSES.items():
            seen = scene(image, face, chance.choice(SIDES), chance.choice(grounds), dress, chance)
            yield Case(about, covered, seen, _middle(faces.detect(seen)))
        light = chance.choice([*LIGHTS, "no colours"])
        dress = chance.choice(list(DRESSES.values()))
        seen = lit(scene(image, face, chance.choice(SIDES), chance.choice(grounds), dress, chance), LIGHTS.get(light))
        yield Case(f"any of these, {light}", covered, seen, _middle(faces.detect(seen)))


def worksites(inspector: EquipmentInspector, seen: Sequence[Case]) -> list[tuple[str, ...]]:
    """The rows of the table, by what there is about a face and by its size: what bare faces and masked ones are said
    to be.
    """
    rows = []
    for about in dict.fromkeys(case.about for case in seen):
        rows.append(_row(inspector, about, [case for case in seen if case.about == about]))
    dressed = [case for case in seen if case.about != WHOLE]
    for low, high in pairwise(BANDS):
        there = [case for case in dressed if case.face is not None and low <= case.side < high]
        rows.append(_row(inspector, f"any of these, {low} to {high} pixels", there))
    return rows


def _row(inspector: EquipmentInspector, about: str, seen: Sequence[Case]) -> tuple[str, ...]:
    return about, *(
        each for covered in (False, True) for each in _told(inspector, [c for c in seen if c.covered == covered])
    )


def _told(inspector: EquipmentInspector, there: Sequence[Case]) -> list[str]:
    said = sure = faces = 0
    for case in there:
        if case.face is not None:
            mask = inspector.cover(case.picture, case.face)
            faces += 1
            if mask is None:
                continue
            said += mask.value
            sure += mask.value and mask.confidence >= AT
    return [f"{faces} of {len(there)}", *(f"{100 * each / max(faces, 1):.1f} %" for each in (said, sure))]


def _middle(faces: Sequence[Face]) -> Face | None:
    """The face that holds the middle of the picture."""
    for face in faces:
        box = face.box
        if box.left < 0.5 < box.left + box.width and box.top < 0.5 < box.top + box.height:
            return face
    return None
