"""Rates of detection and enrolment: in how many pictures no face is found, and how many faces a filter turns away.
Faces are found in :mod:`regard.vision.detection`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from regard.evaluation.samples.embedding import FILTERS, Found


class Speed(msgspec.Struct, frozen=True):
    """Median milliseconds a picture on one core; each process does one picture at a time."""

    decoding: float
    detecting: float
    embedding: float


class Detection(msgspec.Struct, frozen=True):
    """Of `pictures`, how many could not be read, show no face, one, or several.

    `failure_to_detect` is the share of readable pictures without a face. `failure_to_enrol` is the share of all
    pictures that end without an embedding, by level of QualityFilter; NONE filters nothing. `sides` are the longer
    sides of the faces in pixels: 5 %, half and 95 % are shorter.
    """

    pictures: int
    unreadable: int
    without_face: int
    one_face: int
    several_faces: int
    failure_to_detect: float
    failure_to_enrol: dict[str, float]
    sides: tuple[float, float, float] | None
    speed: Speed | None


def detection(found: Sequence[Found]) -> Detection:
    """The rates of pictures that were looked at. Raises ValueError when there are none."""
    if not found:
        raise ValueError("There are no pictures.")
    enrolled = [each for each in found if each.enrolled]
    unreadable = sum(each.outcome == "unreadable" for each in found)
    without = sum(each.outcome == "no face" for each in found)
    lost = {"NONE": len(found) - len(enrolled)}
    lost |= {level: lost["NONE"] + sum(level in each.rejected for each in enrolled) for level in FILTERS}
    return Detection(
        len(found),
        unreadable,
        without,
        sum(each.faces == 1 for each in enrolled),
        sum(each.faces > 1 for each in enrolled),
        without / max(len(found) - unreadable, 1),
        {level: number / len(found) for level, number in lost.items()},
        _sides(enrolled),
        _speed(enrolled),
    )


def _sides(enrolled: Sequence[Found]) -> tuple[float, float, float] | None:
    if not enrolled:
        return None
    low, middle, high = np.quantile([each.side for each in enrolled], [0.05, 0.5, 0.95]).tolist()
    return low, middle, high


def _speed(enrolled: Sequence[Found]) -> Speed | None:
    if not enrolled:
        return None
    times = [(each.decoding, each.detecting, each.embedding_time) for each in enrolled]
    return Speed(*(1000 * np.median(times, axis=0)).tolist())
