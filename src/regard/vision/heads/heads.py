"""The heads of a model: those that ship and one's own, asked together of one face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.vision.heads.head import DamagedHead, Head, chance, sampled, union

SUFFIX = ".json"


class Heads:
    """Heads on layers of one model. Thread-safe. `heads` that are of another model's file are left out."""

    def __init__(self, heads: Iterable[Head], model: str, sha256: str) -> None:
        self.heads = tuple(each for each in heads if (each.base.model, each.base.sha256) == (model, sha256))
        self._banks = {layer: _Bank([each for each in self.heads if each.base.layer == layer]) for layer in self.layers}

    @classmethod
    def opened(cls, model: str, sha256: str, folder: Path | None = None) -> Heads:
        """Those that ship, and those of `folder` in the place of any of the same name. Raises DamagedHead."""
        return cls(known(folder).values(), model, sha256)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the model that they read."""
        return tuple(dict.fromkeys(each.base.layer for each in self.heads))

    def __call__(self, layers: Mapping[str, NDArray[np.float32]], places: NDArray[np.floating]) -> dict[str, float]:
        """By the name of each head the probability of yes, 0 to 1, from layers and places as in `odds`."""
        return {name: chance(each) for name, each in self.odds(layers, places).items()}

    def odds(self, layers: Mapping[str, NDArray[np.float32]], places: NDArray[np.floating]) -> dict[str, float]:
        """By the name of each head the log odds of yes.

        `layers` are (channels, rows, columns); `places` (n, 2) are the points that heads name by their numbers, as
        ratios of the crop: those of the mesh, or of the grid of :mod:`regard.vision.faces.chip`.
        """
        found: dict[str, float] = {}
        for layer, bank in self._banks.items():
            found |= bank(layers[layer], places)
        return found


class _Bank:
    """Heads of one layer, as one matrix over the points of all."""

    def __init__(self, heads: list[Head]) -> None:
        self._names = [each.name for each in heads]
        self._points = union(heads)
        self._offsets = [each.offset for each in heads]
        weights = np.zeros((len(heads), len(self._points), len(heads[0].exponents)), np.float32)
        for row, head in zip(weights, heads, strict=True):
            row[np.searchsorted(self._points, head.points)] = head.matrix()
        self._weights = weights.reshape(len(heads), -1)

    def __call__(self, layer: NDArray[np.float32], places: NDArray[np.floating]) -> dict[str, float]:
        odds = self._weights @ sampled(layer, places[self._points]).ravel()
        return {name: float(each) + offset for name, each, offset in zip(self._names, odds, self._offsets, strict=True)}


def known(folder: Path | None = None) -> dict[str, Head]:
    """Every head by its name: those that ship, and over them those of one's own. Raises DamagedHead."""
    found: dict[str, Head] = {}
    with resources.as_file(resources.files("regard.vision.heads").joinpath("shipped")) as shipped:
        for place in (shipped, folder):
            if place is None:
                continue
            if not place.is_dir():
                raise DamagedHead(f"{place} is no folder of heads. Set REGARD_HEADS_DIR to one, or leave it out.")
            found |= {head.name: head for head in map(Head.read, sorted(place.glob(f"*{SUFFIX}")))}
    return found
