"""Heads made of labelled faces, by a recipe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.training.examples import Example
from regard.evaluation.training.looking import Look, Looker
from regard.evaluation.training.recipes import Recipe
from regard.evaluation.training.regression import (
    FOLDS,
    NotFitted,
    alike,
    area,
    balanced,
    calibrated,
    fitted,
    folds,
)
from regard.vision.heads.head import LARGEST, Base, Data, Head, Measured

# Below it nothing can be said of people left out.
LEAST_PEOPLE = 10
TOLD_AT = 0.8
Floats = NDArray[np.float64]


def made(recipe: Recipe, points: Sequence[int], examples: Sequence[Example], looker: Looker) -> Head:
    """The head of a recipe. `points` are those of the looker's that it looks at, in the looker's order.

    Raises NotFitted where faces or people are too few.
    """
    looks = [look for example in examples for look in looker(example, recipe.drawn)]
    return head_of(recipe, points, looker.points, looker.base, looks)


def head_of(recipe: Recipe, points: Sequence[int], known: Sequence[int], base: Base, looks: Sequence[Look]) -> Head:
    """The head of faces that were looked at, at the points `known`. Raises NotFitted."""
    yes = np.array([look.yes for look in looks], bool)
    people = [look.example.person for look in looks]
    for answer in (True, False):
        there = len({person for person, each in zip(people, yes, strict=True) if each == answer})
        if there < LEAST_PEOPLE:
            raise NotFitted(
                f"{recipe.name}: {there} people answer {'yes' if answer else 'no'}, and it takes {LEAST_PEOPLE} at "
                "least. Add faces of other people."
            )
    rows = np.searchsorted(known, points)
    layer = np.stack([look.sampled[rows] for look in looks]).astype(np.float64)
    # Powers of two, so that scaling rounds nothing.
    exponents = -np.round(np.log2(np.maximum(layer.std(axis=(0, 1)), 2.0**-20))).astype(int)
    inputs = (layer * np.exp2(exponents)).reshape(len(looks), -1)
    mean = inputs.mean(axis=0)
    near = alike(inputs - mean)
    scores = _left_out(near, yes, folds(people), recipe.ridge)
    slope, offset = calibrated(scores, yes, recipe.share)
    duals, start = fitted(near, yes, recipe.ridge)
    weights = (inputs - mean).T @ duals / inputs.shape[1]
    step = float(np.abs(weights).max()) / LARGEST
    steps = np.round(weights / step)
    whole = _rounded(slope * step)
    return Head(
        name=recipe.name,
        asks=recipe.asks,
        base=base,
        points=tuple(points),
        exponents=tuple(map(int, exponents)),
        weights=steps.astype(np.int8).tobytes(),
        slope=whole,
        offset=round(offset + slope * start - whole * float(steps @ mean), 2),
        share=recipe.share,
        data=_data(looks),
        measured=_measured(looks, scores, slope * scores + offset, recipe.share),
    )


def _left_out(near: Floats, yes: NDArray[np.bool_], fold: NDArray[np.int64], ridge: float) -> Floats:
    """The score of each face by a head that was made without the people of its fold, for faces alike by `near`."""
    scores = np.zeros(len(yes))
    for each in range(FOLDS):
        kept = fold != each
        if kept.all():
            continue
        duals, start = fitted(near[np.ix_(kept, kept)], yes[kept], ridge)
        scores[~kept] = near[np.ix_(~kept, kept)] @ duals + start
    return scores


def _measured(looks: Sequence[Look], scores: Floats, odds: Floats, share: float) -> Measured:
    yes = np.array([look.yes for look in looks], bool)
    real = ~np.array([look.drawn for look in looks], bool)
    # Fewer real ones than this say nothing.
    drawn = min(yes[real].sum(), (~yes[real]).sum()) < LEAST_PEOPLE
    counted = np.ones(len(looks), bool) if drawn else real
    weights = balanced(yes[counted], share)
    right = (odds[counted] > 0) == yes[counted]
    sure = np.abs(odds[counted]) >= np.log(TOLD_AT / (1 - TOLD_AT))
    return Measured(
        folds=FOLDS,
        auc=round(area(scores[counted], yes[counted]), 3),
        right=round(float(weights @ right / weights.sum()), 3),
        right_at_80=round(float(weights @ (right & sure) / max(weights @ sure, 1e-9)), 3),
        told_at_80=round(float(weights @ sure / weights.sum()), 3),
        drawn=bool(drawn),
    )


def _data(looks: Sequence[Look]) -> tuple[Data, ...]:
    found = []
    for source, terms in dict.fromkeys((look.example.source, look.example.terms) for look in looks):
        there = [look for look in looks if (look.example.source, look.example.terms) == (source, terms)]
        found.append(
            Data(
                source=source,
                terms=terms,
                people=len({look.example.person for look in there}),
                yes=sum(look.yes for look in there),
                no=sum(not look.yes for look in there),
                drawn=sum(look.drawn for look in there),
            )
        )
    return tuple(sorted(found, key=lambda each: each.source))


def _rounded(number: float) -> float:
    """To four digits."""
    return float(f"{number:.3e}")
