"""Pictures as they are seen once: their features, faces, digests, and what they look like in 64 bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from PIL import Image

from regard.custom.judged import Box
from regard.custom.versions.looks import Look
from regard.custom.workbench.pictures import Labelled
from regard.vision.pictures.images import ImageError, Picture, decode

# Of 64 bits so many may differ in pictures that look alike: a copy of another size or quality has 0 to 2. Judgement.
ALIKE = 3


class Kept(NamedTuple):
    """What was seen of a picture, by whom it is not looked at again: its 64 bits, and the look."""

    bits: int
    look: Look


class Glance(NamedTuple):
    """A picture that was looked at, as it is labelled."""

    path: str
    digest: str
    labels: tuple[str, ...]
    boxes: tuple[Box, ...]
    kept: Kept

    @property
    def names(self) -> tuple[str, ...]:
        """Its labels and those of its boxes, each once."""
        return tuple(dict.fromkeys((*self.labels, *(each.name for each in self.boxes))))


class Twin(NamedTuple):
    """A picture of the test, and one of the training: the same file, or one that looks alike."""

    test: str
    trained: str
    same: bool


def seen(
    pictures: Sequence[Labelled],
    look: Callable[[Picture], Look],
    known: Mapping[str, Kept] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[list[Glance], list[str]]:
    """The pictures as they are seen, those of the same bytes once with the labels of all; and what is wrong with files.

    What is `known` by the digest of its file is not looked at again. `progress` is told the share that is done, 0 to 1.
    """
    found: dict[str, Glance] = {}
    wrong = []
    for number, each in enumerate(pictures, 1):
        try:
            data = each.path.read_bytes()
            digest = sha256(data).hexdigest()
            if there := found.get(digest):
                found[digest] = _joined(there, each)
            else:
                kept = (known or {}).get(digest) or _looked(decode(data), look)
                _require_size(each, kept.look)
                found[digest] = Glance(str(each.path.resolve()), digest, each.labels, each.boxes, kept)
        except (OSError, ImageError, ValueError) as error:
            wrong.append(f"{each.path}: {error}")
        progress(number / len(pictures))
    return list(found.values()), wrong


def _looked(picture: Picture, look: Callable[[Picture], Look]) -> Kept:
    return Kept(look_of(picture), look(picture))


def _joined(there: Glance, other: Labelled) -> Glance:
    labels = tuple(dict.fromkeys((*there.labels, *other.labels)))
    return there._replace(labels=labels, boxes=tuple(dict.fromkeys((*there.boxes, *other.boxes))))


def _require_size(labelled: Labelled, look: Look) -> None:
    """Raise ValueError where boxes are measured in another picture than this one."""
    if labelled.boxes and labelled.size != (look.width, look.height):
        wide, high = labelled.size or (0, 0)
        raise ValueError(f"its boxes are of a picture of {wide}×{high} pixels, and it has {look.width}×{look.height}")


def look_of(picture: Picture) -> int:
    """64 bits that stay when a picture is scaled or saved anew: which of 9×8 grey fields is lighter than the next."""
    grey = np.asarray(Image.fromarray(picture.pixels).convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes())


def twins(test: Sequence[Glance], trained: Sequence[Glance]) -> list[Twin]:
    """The pictures of the test that the training has too, or one that looks alike; each with the closest."""
    if not trained:
        return []
    bits = np.array([each.kept.bits for each in trained], np.uint64)
    found = []
    for each in test:
        apart = np.bitwise_count(bits ^ np.uint64(each.kept.bits))
        place = int(apart.argmin())
        same = next((other for other in trained if other.digest == each.digest), None)
        if same or apart[place] <= ALIKE:
            found.append(Twin(each.path, (same or trained[place]).path, same is not None))
    return found
