"""The recipes of the heads that ship: which faces, which points, what is drawn; recipes.toml holds them."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one head is made. `column` is that of the answer in a file of labels, `points` the name of a set of points.

    `unless` is a column whose 1 leaves a face out, `drawn` what is drawn on faces (:mod:`.drawn`), `share` of faces are
    taken to answer yes where the head is used.
    """

    name: str
    asks: str
    column: str
    points: str
    share: float
    unless: str = ""
    drawn: str = ""


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"recipes": "recipe"}):
    """All recipes, the layer that they read, and the sources that none uses."""

    without: tuple[str, ...]
    base: str
    layer: str
    points: dict[str, tuple[int, ...]]
    recipes: tuple[Recipe, ...]

    def recipe(self, name: str) -> Recipe:
        """The recipe of this name. Raises LookupError, which names those there are."""
        for each in self.recipes:
            if each.name == name:
                return each
        names = ", ".join(each.name for each in self.recipes)
        raise LookupError(f"There is no head named {name!r}. There are {names}.")


@lru_cache
def book() -> Book:
    """The recipes that ship."""
    return msgspec.toml.decode(
        resources.files("regard.evaluation.training").joinpath("recipes.toml").read_bytes(), type=Book
    )
