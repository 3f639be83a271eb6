"""How right face cover is, on the faces that nothing here was fitted to.

Not among the benchmarks that run by default: `python -m benchmarks masking`.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.shares import Share
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.images import decode
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder

FOLDERS = {"with_mask": True, "without_mask": False}


def run() -> str:
    """The table."""
    folder = SHARED / "facemask"
    if not folder.is_dir():
        return markdown("Face cover", ("not measured",), [("the pictures are not on this machine",)])
    settings = from_environment()
    faces = FaceAnalyzer.opened(settings)
    inspector = EquipmentInspector.opened(settings, faces, LabelFinder.opened(settings).objects)
    told = {name: masks(faces, inspector, folder / name) for name in FOLDERS}
    balanced = sum(share.rate for share in told.values()) / len(told)
    return markdown(
        "Face cover",
        ("faces", "told right (95 % interval)"),
        [(name.replace("_", " a ", 1), str(share)) for name, share in told.items()],
        f"Balanced accuracy {balanced:.3f}. A face that is not found counts as an error.",
    )


def masks(faces: FaceAnalyzer, inspector: EquipmentInspector, folder: Path, step: int = 1) -> Share:
    """How many pictures of with_mask/ or without_mask/ are told right; one in `step` of those nothing was fitted to."""
    # Every other picture, from the first on, fitted the three numbers of the regression.
    files = sorted(folder.iterdir())[1 :: 2 * step]
    right = 0
    for file in files:
        picture = decode(file.read_bytes())
        found = faces.detect_all(picture)
        right += bool(found) and inspector.cover(picture, found[0]).value == FOLDERS[folder.name]
    return Share(right, len(files))
