"""Pictures with boxes, that detectors of one's own are measured on: photographs, receipts, and scenes put together."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from benchmarks.labelled import ANIMALS, files_in
from benchmarks.pictures import SHARED
from regard.vision.pictures.images import Picture, decode

# What shows in pictures that are put together here.
MASKS, THINGS = ("with_mask", "without_mask"), ("animal", "thing")
SIZE = (480, 360)
# Lines of text of a picture, at most: as many as a manifest may have.
MOST = 50
# Receipts are cut into strips so many times as high as a line of text, which overlap by half.
STRIP = 8
Boxes = list[tuple[str, float, float, float, float]]


def voc() -> Iterator[tuple[Picture, Boxes]]:
    """VOC's photographs with the boxes that people drew."""
    for file in sorted((SHARED / "voc100" / "xml").glob("*.xml")):
        boxes: Boxes = []
        for each in ElementTree.parse(file).getroot().iter("object"):
            left, top, right, bottom = (
                float(each.findtext(f"bndbox/{side}", "0")) for side in ("xmin", "ymin", "xmax", "ymax")
            )
            boxes.append((each.findtext("name", ""), left, top, right - left, bottom - top))
        (picture,) = (SHARED / "voc100" / "images").glob(f"{file.stem}.*")
        yield decode(picture.read_bytes()), boxes[:MOST]


def masks(number: int) -> Iterator[tuple[Picture, Boxes]]:
    """Scenes with one or two faces set in, each in one picture alone: none of the test was learned from."""
    crops = {name: sorted((SHARED / "facemask" / name).iterdir()) for name in MASKS}
    for scene, boxes in _scenes(number, crops):
        yield Picture(np.asarray(scene), "JPEG"), boxes


def apart(number: int) -> Iterator[tuple[Picture, Boxes]]:
    """Scenes with one or two photographs of animals or of things set in, each in one picture alone."""
    for scene, boxes in _scenes(number, _kinds(), files_in("coco20") + files_in("voc100")):
        yield Picture(np.asarray(scene), "JPEG"), boxes


def things(number: int) -> Iterator[tuple[Image.Image, Boxes]]:
    """The same, of as many scenes as one likes: the photographs come again."""
    crops = {name: each * (1 + 2 * number // len(each)) for name, each in _kinds().items()}
    return _scenes(number, crops, files_in("coco20") + files_in("voc100"))


def _kinds() -> dict[str, list[Path]]:
    files = files_in("imagenet")
    return {
        "animal": [each for each in files if int(each.name[1:9]) < ANIMALS],
        "thing": [each for each in files if int(each.name[1:9]) >= ANIMALS],
    }


def _scenes(
    number: int, crops: dict[str, list[Path]], scenes: Sequence[Path] = ()
) -> Iterator[tuple[Image.Image, Boxes]]:
    """Scenes with one or two crops set in, 50 to 160 pixels wide; crops and places are drawn, alike each time."""
    scenes = scenes or [*files_in("imagenet"), *files_in("coco20")]
    names, draw = sorted(crops), Random(0)
    for each in range(number):
        scene = Image.open(scenes[each % len(scenes)]).convert("RGB").resize(SIZE)
        boxes: Boxes = []
        for half in range(draw.choice((1, 2))):
            name = draw.choice(names)
            if crops[name]:
                boxes.append((name, *_set_in(scene, crops[name].pop(), SIZE[0] // 2 * half, draw)))
        if boxes:
            yield scene, boxes


def _set_in(scene: Image.Image, file: Path, left: int, draw: Random) -> tuple[int, int, int, int]:
    crop = Image.open(file).convert("RGB")
    width = draw.randint(50, 160)
    crop = crop.resize((width, min(300, round(width * crop.height / crop.width))))
    place = left + draw.randint(0, 240 - width), draw.randint(0, 360 - crop.height)
    scene.paste(crop, place)
    return *place, width, crop.height


def receipts() -> Iterator[tuple[Picture, Boxes]]:
    """Receipts with the boxes of their lines of text."""
    for file in sorted((SHARED / "sroie" / "box").glob("*.csv")):
        boxes: Boxes = []
        with file.open(newline="", encoding="utf-8", errors="replace") as lines:
            for row in list(csv.reader(lines)):
                across, down = [float(each) for each in row[0:8:2]], [float(each) for each in row[1:8:2]]
                boxes.append(("line", min(across), min(down), max(across) - min(across), max(down) - min(down)))
        (picture,) = (SHARED / "sroie" / "img").glob(f"{file.stem}.*")
        yield decode(picture.read_bytes()), boxes[:MOST]


def strips() -> Iterator[tuple[Picture, Boxes]]:
    """The receipts in strips, as the documents advise where things are small: what is whole in a strip has its box."""
    for whole, boxes in receipts():
        high = int(STRIP * np.median([each[4] for each in boxes]))
        for top in range(0, whole.height - high // 2, high):
            pixels = whole.pixels[top : top + high]
            there = [
                (name, left, down - top, wide, tall)
                for name, left, down, wide, tall in boxes
                if down >= top and down + tall <= top + len(pixels)
            ]
            if there:
                yield Picture(np.ascontiguousarray(pixels), whole.format), there
