"""What pictures show, by those who labelled them, and what a model tells of them."""

from __future__ import annotations

import msgspec


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """A box in pixels of its picture, whose `name` is what is in it. What a model tells has a `confidence`, 0 to 1."""

    name: str
    left: float
    top: float
    width: float
    height: float
    confidence: float = 1.0


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """A picture of a manifest: where it is, its size in pixels, and what it shows: labels of the whole, or boxes.

    `line` counts the lines of the manifest from 0.
    """

    line: int
    source: str
    width: int
    height: int
    labels: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The labels of what it shows, each once, in the order of the alphabet."""
        return tuple(sorted({*self.labels, *(each.name for each in self.frames)}))


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What a model tells of a picture: how sure it is of each label that it gives to the whole, 0 to 1, or boxes."""

    labels: dict[str, float] = msgspec.field(default_factory=dict)
    frames: tuple[Frame, ...] = ()
    # What moderation tells without the adapter.
    base: dict[str, float] = msgspec.field(default_factory=dict)
