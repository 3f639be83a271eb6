"""Unrelated pictures, as features: what a head of one's own is taught to give no label to.

Softmax among one's own labels gives one of them to whatever it is shown. One against the rest, with some two hundred
pictures of anything as part of the rest, does not. The pictures are not kept: this file has what the network sees of
them, where they come from and on what terms; `regard train background` makes it.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.pictures_on_disk import NotLabelled
from regard.vision.heads.head import LARGEST, Base
from regard.vision.heads.scenes import Source
from regard.vision.pictures.images import ImageError, Picture, decode
from regard.vision.things.features import READING

FILE: Final = "background.json"
LIST: Final = "labels.csv"
AGAIN: Final = "Make it again with `regard train background`."
See = Callable[[Picture], NDArray[np.float32]]


class Background(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: `steps` are int8 of shape (pictures, d), `scale` what one of them is, `reading` how layers are read."""

    base: Base
    reading: str
    scale: float
    pictures: int
    steps: bytes
    data: tuple[Source, ...]

    @classmethod
    def read(cls, file: Path) -> Background:
        """The background in a file. Raises ValueError, OSError."""
        try:
            found = msgspec.json.decode(file.read_bytes(), type=cls)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{file} is no background: {error}. {AGAIN}") from None
        if found.pictures < 1 or len(found.steps) % found.pictures:
            raise ValueError(f"{file}: its numbers do not fit its pictures. {AGAIN}")
        return found

    @classmethod
    def shipped(cls) -> Background:
        """The one that ships."""
        with resources.as_file(resources.files("regard.evaluation.custom").joinpath(FILE)) as file:
            return cls.read(file)

    def written(self) -> bytes:
        """The bytes of its file, the same for the same pictures."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def features(self, base: Base, reading: str) -> NDArray[np.float32]:
        """What is seen of the pictures, for a head over this model: (pictures, d). Raises ValueError over another."""
        if (self.base, self.reading) != (base, reading):
            raise ValueError(f"The unrelated pictures were looked at by another model than {base.model} now. {AGAIN}")
        steps = np.frombuffer(self.steps, np.int8).reshape(self.pictures, -1)
        return np.asarray(steps * np.float32(self.scale), np.float32)


def background(base: Base | None = None, reading: str = READING) -> NDArray[np.float32]:
    """What is seen of the unrelated pictures that ship: (pictures, d). Raises ValueError for another `base`."""
    shipped = Background.shipped()
    return shipped.features(base or shipped.base, reading)


def background_of(folder: Path, base: Base, reading: str, see: See) -> Background:
    """The background of the pictures that `labels.csv` in the folder lists by file, source and terms.

    Paths are as for `regard train scenes`. Raises NotLabelled, naming what cannot be read.
    """
    file = folder / LIST
    if not file.is_file():
        raise NotLabelled(f"{folder} has no {LIST}: a line a picture, with the columns file, source and terms.")
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"file", "source", "terms"} <= rows[0].keys():
        raise NotLabelled(f"{file} lists no pictures by file, source and terms.")
    seen = np.stack([_seen(folder, row["file"], see) for row in rows])
    scale = float(f"{np.abs(seen).max() / LARGEST:.6e}")
    counts = Counter((row["source"], row["terms"]) for row in rows)
    data = tuple(Source(source, terms, number) for (source, terms), number in sorted(counts.items()))
    return Background(base, reading, scale, len(seen), np.round(seen / scale).astype(np.int8).tobytes(), data)


def _seen(folder: Path, name: str, see: See) -> NDArray[np.float32]:
    path = folder / name if (folder / name).exists() else folder / "pictures" / name
    try:
        return see(decode(path.read_bytes()))
    except (OSError, ImageError) as error:
        raise NotLabelled(f"{path} cannot be read: {error}. Take it out of {LIST}, or put the picture there.") from None
