"""Pictures as they are seen once: their features, faces, digests, and what they look like in 64 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.custom.workbench.pictures import Labelled
from regard.vision.heads.head import Base
from regard.vision.pictures.images import ImageError, Picture, decode

# Of 64 bits so many may differ in pictures that look alike: a copy of another size or quality has 0 to 2. Judgement.
ALIKE = 3


class Eye(Protocol):
    """What looks at pictures for labels of one's own: :class:`regard.vision.things.features.Features` is one."""

    @property
    def base(self) -> Base:
        """The model and the layers that features are of."""

    def features_of(self, picture: Picture) -> NDArray[np.float32]:
        """What is seen of a picture, (d,)."""


class Glance(NamedTuple):
    """A picture that was looked at; `face` is whether one fills a tenth of it, `look` its 64 bits."""

    path: str
    labels: tuple[str, ...]
    digest: str
    look: int
    face: bool
    features: NDArray[np.float32]


class Twin(NamedTuple):
    """A picture of the test, and one of the training: the same file, or one that looks alike."""

    test: str
    trained: str
    same: bool


def seen(
    pictures: Sequence[Labelled],
    eye: Eye,
    has_face: Callable[[Picture], bool],
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[list[Glance], list[str]]:
    """The pictures as they are seen, those of the same bytes once with the labels of all; and what is wrong with files.

    `progress` is told the share that is done, 0 to 1.
    """
    found: dict[str, Glance] = {}
    wrong = []
    for number, (path, labels) in enumerate(pictures, 1):
        try:
            data = path.read_bytes()
            digest = sha256(data).hexdigest()
            if known := found.get(digest):
                found[digest] = known._replace(labels=tuple(dict.fromkeys((*known.labels, *labels))))
            else:
                picture = decode(data)
                seen = eye.features_of(picture)
                found[digest] = Glance(str(path.resolve()), labels, digest, look_of(picture), has_face(picture), seen)
        except (OSError, ImageError) as error:
            wrong.append(f"{path}: {error}")
        progress(number / len(pictures))
    return list(found.values()), wrong


def look_of(picture: Picture) -> int:
    """64 bits that stay when a picture is scaled or saved anew: which of 9×8 grey fields is lighter than the next."""
    grey = np.asarray(Image.fromarray(picture.pixels).convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes())


def twins(test: Sequence[Glance], trained: Sequence[Glance]) -> list[Twin]:
    """The pictures of the test that the training has too, or one that looks alike; each with the closest."""
    if not trained:
        return []
    looks = np.array([each.look for each in trained], np.uint64)
    found = []
    for each in test:
        apart = np.bitwise_count(looks ^ np.uint64(each.look))
        place = int(apart.argmin())
        same = next((other for other in trained if other.digest == each.digest), None)
        if same or apart[place] <= ALIKE:
            found.append(Twin(each.path, (same or trained[place]).path, same is not None))
    return found
