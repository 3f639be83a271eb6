"""Labelled pictures as features: the sets that heads of one's own are measured on."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.pictures import SHARED
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.images import ImageError, decode
from regard.vision.things.features import Features

ATTRIBUTES = ("eyeglasses", "beard", "mustache", "mouth_open", "smile")
# WordNet's numbers of ImageNet's animals are below this one.
ANIMALS = 2_600_000
# A picture's edge is so much of its width, as far down as its middle; between the two shares of edges by how light they
# are lie those that are neither light nor dark.
_EDGE, _DARK, _LIGHT = 1 / 8, 0.4, 0.6
Seen = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Set:
    """Pictures as features with their labels, how many heads are made of, and pictures that show no label, if any."""

    name: str
    features: Seen
    labels: Bools
    names: Sequence[str]
    trained: Sequence[int]
    unrelated: Seen | None


def sets_of(features: Features) -> list[Set]:
    """What there is to measure on: masks, attributes of faces, animals, people, backgrounds."""
    photographs = seen_of(features, without_faces())
    return [
        _masks(features, photographs),
        _attributes(features, photographs),
        _animals(features),
        _people(features),
        _backgrounds(features),
    ]


def files_in(folder: str) -> list[Path]:
    """The pictures below a folder of the shared data, in order."""
    return sorted(each for each in (SHARED / folder).rglob("*") if each.suffix.lower() in {".jpg", ".jpeg", ".png"})


def without_faces() -> list[Path]:
    """Photographs in which no face is found. One of a person without a mask shows just that, and is not unrelated."""
    faces = FaceAnalyzer.opened(from_environment())
    photographs = [*files_in("imagenet"), *files_in("coco20"), *files_in("voc100")]
    return [each for each in photographs if not faces.detect(decode(each.read_bytes()))]


def seen_of(features: Features, files: Iterable[Path]) -> Seen:
    """What is seen of pictures: (n, d)."""
    found = []
    for file in files:
        try:
            found.append(features.features_of(decode(file.read_bytes())))
        except ImageError:
            continue
    return np.stack(found)


def _masks(features: Features, photographs: Seen) -> Set:
    seen = [seen_of(features, files_in(f"facemask/{each}")) for each in ("with_mask", "without_mask")]
    labels = np.eye(2, dtype=bool)[np.repeat([0, 1], [len(each) for each in seen])]
    return Set("mask or not", np.concatenate(seen), labels, ("mask", "no mask"), (20, 100, 250), photographs)


def _attributes(features: Features, photographs: Seen) -> Set:
    with (SHARED / "attributes" / "labels.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[each] in {"0", "1"} for each in ATTRIBUTES)]
    seen = seen_of(features, [SHARED / "attributes" / "pictures" / row["file"] for row in rows])
    truth = np.array([[row[each] == "1" for each in ATTRIBUTES] for row in rows])
    return Set("five attributes of faces", seen, truth, ATTRIBUTES, (400,), photographs)


def _animals(features: Features) -> Set:
    """Whatever there is is one of the two, so that no picture is unrelated."""
    files = files_in("imagenet")
    animal = np.array([int(each.name[1:9]) < ANIMALS for each in files])
    names = ("animal", "thing")
    return Set("animal or thing", seen_of(features, files), np.stack([animal, ~animal], 1), names, (60,), None)


def _people(features: Features) -> Set:
    """VOC's photographs by whether a person is among the objects that are drawn around."""
    files = sorted((SHARED / "voc100" / "xml").glob("*.xml"))
    kinds = [{each.findtext("name") for each in ElementTree.parse(file).getroot().iter("object")} for file in files]
    person = np.array(["person" in each for each in kinds])
    pictures = [next((SHARED / "voc100" / "images").glob(f"{file.stem}.*")) for file in files]
    names = ("person", "no person")
    return Set("a person in it or not", seen_of(features, pictures), np.stack([person, ~person], 1), names, (25,), None)


def _backgrounds(features: Features) -> Set:
    """Generated portraits by what is behind the head: what the pixels at both edges say, without those in between."""
    files = files_in("synthetic_faces")
    light = np.array([_edges(file) for file in files])
    dark, bright = light <= np.quantile(light, _DARK), light >= np.quantile(light, _LIGHT)
    kept = np.flatnonzero(dark | bright)
    truth = np.stack([bright, dark], 1)[kept]
    seen = seen_of(features, [files[place] for place in kept])
    return Set("light or dark background", seen, truth, ("light", "dark"), (60,), None)


def _edges(file: Path) -> float:
    """How light a picture is at both sides of its upper half, 0 to 255."""
    grey = np.asarray(Image.open(file).convert("L"))
    wide = round(grey.shape[1] * _EDGE)
    upper = grey[: len(grey) // 2]
    return float(np.concatenate([upper[:, :wide], upper[:, -wide:]], axis=1).mean())
