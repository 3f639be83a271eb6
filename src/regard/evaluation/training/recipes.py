"""The recipes of the heads that ship: which faces, which points, what is drawn; recipes.toml holds them."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec

from regard.evaluation.training.regression import RIDGE


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one head is made. `column` is that of the answer in a file of labels, `points` the name of a set of points.

    `unless` is a column whose 1 leaves a face out, `drawn` what is drawn on faces (:mod:`.drawn`), `share` of faces are
    taken to answer yes where the head is used; `model` and `layer` are what it reads, if not what the book says.
    `ridge` is how much a simple answer is preferred.
    """

    name: str
    asks: str
    column: str
    points: str
    share: float
    unless: str = ""
    drawn: str = ""
    model: str = ""
    layer: str = ""
    ridge: float = RIDGE


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"recipes": "recipe"}):
    """All recipes, the layer that they read, and the sources that none uses."""

    without: tuple[str, ...]
    model: str
    layer: str
    points: dict[str, tuple[int, ...]]
    recipes: tuple[Recipe, ...]

    def read_by(self, recipe: Recipe) -> tuple[str, str]:
        """Model and layer of a recipe."""
        return (recipe.model, recipe.layer) if recipe.model else (self.model, self.layer)

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
