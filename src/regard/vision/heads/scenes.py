"""A head for scenes: words that a classifier has no class for, each told by a linear answer on two of its layers.

The last feature says what a picture is of, the layer of stride 16, in three rows of three cells, what lies where: sky
above, grass below. Both come out of the inference that names things anyway. None ships: whoever has pictures of their
own makes one (`regard train scenes`), and docs/labels.md says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.vision.heads.head import Base, DamagedHead, chance

MODEL: Final = "things-and-scenes"
# What the last block whose sides are a sixteenth of the picture's gives on, and the last feature, as taps of a runtime.
LAYERS: Final = ("Add 39", "Transpose 2")
CELLS: Final = 3
AGAIN = "Make it again with `regard train scenes`."


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where pictures came from that a head was made of, on what terms, and how many."""

    name: str
    terms: str
    pictures: int


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one word is told.

    With x the numbers of a picture, as :func:`numbers` has them, the log odds are slope · Σ weights · 2^exponent · x +
    offset; `weights` are int8. The word is told from a confidence of `least` on, 0 to 100. `precision` is how often it
    was right then, and `recall` how often it was told where it is right, on pictures of sources that it was not made
    of; `yes` and `no` are on how many pictures it was made.
    """

    name: str
    weights: bytes
    slope: float
    offset: float
    least: float
    precision: float
    recall: float
    yes: int
    no: int


class SceneHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A head, as its file holds it. `exponents` is one a number; `data` says of what sources it was made."""

    name: str
    base: Base
    exponents: tuple[int, ...]
    words: tuple[Word, ...]
    data: tuple[Source, ...]

    @classmethod
    def read(cls, file: Path) -> SceneHead:
        """The head in a file. Raises DamagedHead, OSError."""
        try:
            head = msgspec.json.decode(file.read_bytes(), type=cls)
        except msgspec.MsgspecError as error:
            raise DamagedHead(f"{file} is no head for scenes: {error}. {AGAIN}") from None
        if not head.words or any(len(each.weights) != len(head.exponents) for each in head.words):
            raise DamagedHead(f"{file}: its weights do not fit its numbers. {AGAIN}")
        return head

    def written(self) -> bytes:
        """The bytes of its file, the same for the same head."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @property
    def version(self) -> str:
        """What it is told apart by: its name, and the beginning of the digest of its file."""
        return f"{self.name}-{sha256(self.written()).hexdigest()[:8]}"


class Scenes:
    """The words of one head, asked together. Thread-safe."""

    def __init__(self, head: SceneHead) -> None:
        self.version = head.version
        self.words = tuple(each.name for each in head.words)
        self._words = head.words
        steps = np.stack([np.frombuffer(each.weights, np.int8) for each in head.words])
        slopes = np.array([each.slope for each in head.words])
        scaled = slopes[:, None] * steps * np.exp2(np.array(head.exponents, np.float64))
        self._weights = scaled.astype(np.float32)

    @classmethod
    def opened(cls, file: Path, sha256: str) -> Scenes:
        """The head in a file, over the classifier of this digest. Raises DamagedHead, OSError."""
        head = SceneHead.read(file)
        if (head.base.model, head.base.sha256) != (MODEL, sha256):
            raise DamagedHead(f"{file} was made on another classifier, and means nothing on this one. {AGAIN}")
        return cls(head)

    def __call__(self, layers: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """The confidence, 0 to 100, of each word that is told of a picture. `layers` are those that LAYERS names."""
        odds = self._weights @ numbers(layers)
        sure = {each.name: 100 * chance(float(odd) + each.offset) for each, odd in zip(self._words, odds, strict=True)}
        return {each.name: sure[each.name] for each in self._words if sure[each.name] >= each.least}


def numbers(layers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """What a head reads: the first layer (1, c, h, w), the mean in each of 3×3 cells, then the last (1, d).

    float32 of shape (9c + d,): the upper left cell first, row by row.
    """
    inner, last = layers
    rows, columns = (np.array_split(np.arange(side), CELLS) for side in inner.shape[2:])
    cells = [inner[0][:, row][:, :, column].mean(axis=(1, 2)) for row in rows for column in columns]
    return np.concatenate([*cells, last.ravel()]).astype(np.float32)
