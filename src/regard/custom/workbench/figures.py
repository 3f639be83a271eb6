"""What a test came to without its pictures: what a copy has of it, which goes to people who may not see them."""

from __future__ import annotations

import msgspec

Place = tuple[float, float]


class Curve(msgspec.Struct, frozen=True, array_like=True):
    """Recall and precision, 0 to 1, from the surest picture on; `dot` is where the label is told from."""

    points: tuple[Place, ...]
    dot: Place | None


class Figures(msgspec.Struct, frozen=True, array_like=True):
    """Of how many `pictures` so many were told wrongly; `twins` are those that the training had too.

    `told`, `columns` and `cells` are the matrix: row, column, and how many pictures. `curves` are those of the labels
    with the least F1, by their places.
    """

    pictures: int
    wrong: int
    twins: int
    told: str
    columns: tuple[str, ...]
    cells: tuple[tuple[int, int, int], ...]
    curves: tuple[tuple[int, Curve], ...]
