"""Lines of text: where they are, looked for at a scale that suits their letters, and in which order they are read.

What they say, `text` reads. The detector was trained on pages: letters of 10 to 120 pixels on the ground of a page. A
crop of one line that fills its picture, and letters as high as a hand, it takes apart into words and letters, or does
not see; so a small picture is laid on a page instead of being enlarged, and large letters are looked at smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.models.runtime import Array
from regard.vision.pictures.overlaps import areas, shared

Corners = NDArray[np.float64]  # (N, 4, 2), in pixels of the picture

# The side that the detector enlarges smaller pictures to, and the longest it is shown: rapidocr's values.
_PAGE, _MOST_SIDE = 736, 2000
_MARGIN = 16
# Heights of lines in pixels, with the room that the detector leaves around letters (about 1.6 times their height).
# Measured on 16 short texts in two fonts: one LINE each up to 200 pixels, single letters and words beyond.
_SMALL, _LARGE, _GOOD = 14.0, 190.0, 72.0
# Of two outlines of one line, the smaller one lies in the larger by more than this share.
_SAME = 0.5
# Boxes are of one line when their directions agree to 10 degrees (the cosine), they share this much of the lower one's
# height, and the one runs into the other by more than this much of it.
_PARALLEL, _ROW, _RUNS_INTO = 0.985, 0.6, 0.2
# What is not the ground differs from it by more than this, of 255.
_DIFFERS = 40
# What stands alone is of at most so many parts (an i has two), so many times as wide as high, and is cut out with so
# much of its height around it: a bar is an I to the recogniser where it is cut closely, a 1 or a dash elsewhere.
_PARTS, _WIDEST, _AROUND = 2, 1.6, 0.15
# What is within the edges of a letter is of one colour in so much of it: of 25 fonts 0.97 and more at 48 pixels, of
# things on a plain ground that were read as a letter 0.84 and less. Of a sign with large letters on it more than the
# second share is. What is within has to be so much of the whole for that: of thin strokes little is.
_ONE_COLOUR, _A_SIGN, _SOLID = 0.9, 0.6, 0.25


def preparing(detector: Any) -> Callable[[Array], Array | None]:
    """How rapidocr's detector prepares a picture, to the bit, in a sixth of the time: of each channel there are but 256
    values, so that what becomes of them is looked up.
    """
    steps = detector.get_preprocess()
    values = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    tables = np.ascontiguousarray(steps.normalize(values).T, np.float32)

    def prepared(pixels: Array) -> Array | None:
        shown = steps.resize(pixels)
        if shown is None:
            return None
        return np.stack([cv2.LUT(cv2.extractChannel(shown, place), table) for place, table in enumerate(tables)])[None]

    return prepared


def found(pipeline: Any, pixels: Array) -> tuple[Corners, list[Array]]:
    """The corners of each line, and each line cut out and turned level, by the steps of rapidocr.

    `pixels` is uint8 of shape (H, W, 3), in the order of colours that the pipeline expects.
    """
    scale = min(1.0, _MOST_SIDE / max(pixels.shape[:2]))
    corners, crops = _look(pipeline, pixels, scale)
    if not crops:
        return _look_at_content(pipeline, pixels)
    heights = _heights(corners)
    middle, tallest = float(np.median(heights)) * scale, float(heights.max()) * scale
    if tallest > _LARGE:
        smaller = _look(pipeline, pixels, scale * _GOOD / tallest)
        return _together((corners, crops), smaller, _LARGE / 2 / scale)
    if middle < _SMALL and scale == 1 and min(pixels.shape[:2]) < _PAGE:
        return _look(pipeline, pixels, min(_PAGE / min(pixels.shape[:2]), _MOST_SIDE / max(pixels.shape[:2])))
    return corners, crops


def letter(pixels: Array) -> tuple[Corners, Array] | None:
    """The corners (1, 4, 2) and the crop of the one letter that a picture holds; None where it holds anything else.

    `pixels` is uint8 of shape (H, W, 3), dark on light or light on dark; the ground is of one colour at the edge. The
    detector takes a letter that is a bar for a line that lies on its side, and at some sizes for nothing. A thing on a
    plain ground is no letter: it has more than one colour.
    """
    differs = _differing(pixels)
    bounds = _content(differs)
    if bounds is None or _edge(differs).any():
        return None
    left, top, right, bottom = bounds
    height, width = bottom - top, right - left
    parts = cv2.connectedComponents(differs[top:bottom, left:right].astype(np.uint8))[0] - 1
    if parts > _PARTS or width > _WIDEST * height:
        return None
    if _is_a_thing(pixels, differs, bounds, _ONE_COLOUR):
        return None
    around = max(1, round(_AROUND * height))
    sides = (max(0, top - around), bottom + around, max(0, left - around), right + around)
    crop = pixels[sides[0] : sides[1], sides[2] : sides[3]]
    corners = np.array([[(left, top), (right, top), (right, bottom), (left, bottom)]], np.float64)
    return corners, np.ascontiguousarray(crop)


def reading_order(outlines: Corners) -> list[int]:
    """The places of lines in the order in which they are read: rows from the top, and each from its beginning.

    Outlines are clockwise from the top left of the upright line, so that they tell which way a page is turned; of lines
    that disagree the longer ones decide. Those belong to one row that overlap by half of the lower one's height.
    """
    if not len(outlines):
        return []
    along = outlines[:, 1] - outlines[:, 0] + outlines[:, 2] - outlines[:, 3]
    quarters = np.round(np.arctan2(along[:, 1], along[:, 0]) / (math.pi / 2)).astype(int) % 4
    lengths = np.linalg.norm(along, axis=1)
    mostly = max(range(4), key=lambda quarter: float(lengths[quarters == quarter].sum()))
    right = along[quarters == mostly].sum(axis=0)
    right /= max(float(np.linalg.norm(right)), 1e-9)
    down = np.array([-right[1], right[0]])
    starts, middles = (outlines @ right).min(axis=1), (outlines @ down).mean(axis=1)
    spans = np.ptp(outlines @ down, axis=1)
    rows: list[list[int]] = []
    for place in np.argsort(middles, kind="stable").tolist():
        last = rows[-1][-1] if rows else place
        near = abs(middles[place] - middles[last]) < min(spans[place], spans[last]) / 2
        if rows and near:
            rows[-1].append(place)
        else:
            rows.append([place])
    return [place for row in rows for place in sorted(row, key=lambda place: float(starts[place]))]


def _look(pipeline: Any, pixels: Array, scale: float) -> tuple[Corners, list[Array]]:
    """What the detector finds in the picture at a scale, on a page that is large enough not to be enlarged."""
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    down, right = (max(_MARGIN, math.ceil((_PAGE - side) / 2)) for side in (height, width))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = pixels if scale == 1 else cv2.resize(pixels, (width, height), interpolation=how)
    page = cv2.copyMakeBorder(shown, down, down, right, right, cv2.BORDER_CONSTANT, value=_ground(pixels))
    boxes = pipeline.text_det(page).boxes
    if boxes is None:
        return np.zeros((0, 4, 2)), []
    boxes = _joined(np.array(boxes, np.float32))
    crops = pipeline.crop_text_regions(page, boxes)
    corners = (boxes.astype(np.float64) - (right, down)) / (width / pixels.shape[1], height / pixels.shape[0])
    return np.clip(corners, 0, (pixels.shape[1], pixels.shape[0])), crops


def _joined(boxes: NDArray[Any]) -> NDArray[Any]:
    """The boxes, those of one line that run into each other joined: a letter that two of them hold is read twice."""
    boxes = boxes.copy()
    at = 0
    while at < len(boxes):
        others = np.arange(len(boxes)) != at
        bounds = _bounds(boxes)
        touching = (shared(bounds[[at]], bounds)[0] > 0) & others
        other = next((other for other in np.flatnonzero(touching) if _are_one_line(boxes[at], boxes[other])), None)
        if other is None:
            at += 1
            continue
        boxes[at] = _clockwise(cv2.boxPoints(cv2.minAreaRect(np.concatenate([boxes[at], boxes[other]]))))
        boxes = np.delete(boxes, other, axis=0)
        at = 0 if other < at else at
    return boxes


def _are_one_line(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two boxes (4, 2) run along each other, and the end of one into the beginning of the other."""
    directions = [_along(one), _along(other)]
    if abs(float(directions[0] @ directions[1])) < _PARALLEL:
        return False
    right = directions[0]
    down = np.array([-right[1], right[0]])
    ends, edges = (one @ right, other @ right), (one @ down, other @ down)
    height = min(float(np.ptp(edge)) for edge in edges)
    return _shared(*edges) > _ROW * height and _shared(*ends) > _RUNS_INTO * height


def _along(box: NDArray[Any]) -> NDArray[Any]:
    """The direction of a box's longer side, as a unit vector."""
    sides = (box[1] - box[0], box[2] - box[1])
    longer = max(sides, key=lambda side: float(np.linalg.norm(side)))
    return np.asarray(longer / max(float(np.linalg.norm(longer)), 1e-9))


def _shared(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(min(one.max(), other.max()) - max(one.min(), other.min()))


def _clockwise(box: NDArray[Any]) -> NDArray[Any]:
    """The corners from the top left on, as the detector gives them."""
    left, right = np.split(box[np.argsort(box[:, 0], kind="stable")], 2)
    (top_left, bottom_left), (top_right, bottom_right) = (half[np.argsort(half[:, 1])] for half in (left, right))
    return np.stack([top_left, top_right, bottom_right, bottom_left])


def _look_at_content(pipeline: Any, pixels: Array) -> tuple[Corners, list[Array]]:
    """A look at what stands on the ground, at a size at which it would be found if it were one line."""
    differs = _differing(pixels)
    bounds = _content(differs)
    if bounds is None or _is_a_thing(pixels, differs, bounds, _A_SIGN):
        return np.zeros((0, 4, 2)), []
    left, top, right, bottom = bounds
    scale = min(_GOOD / 1.6 / min(bottom - top, right - left), _MOST_SIDE / max(bottom - top, right - left))
    corners, crops = _look(pipeline, pixels[top:bottom, left:right], scale)
    return corners + np.array([left, top]), crops


def _together(
    first: tuple[Corners, list[Array]], smaller: tuple[Corners, list[Array]], least: float
) -> tuple[Corners, list[Array]]:
    """The large lines of the smaller look, which are higher than `least`, and what they do not cover of the first."""
    large = np.flatnonzero(_heights(smaller[0]) > least)
    if not len(large):
        return first
    covers = _bounds(smaller[0][large])
    boxes = _bounds(first[0])
    covered = shared(boxes, covers).max(axis=1) / np.maximum(areas(boxes), 1e-9)
    others = np.flatnonzero(covered < _SAME).tolist()
    crops = [smaller[1][place] for place in large] + [first[1][place] for place in others]
    return np.concatenate([smaller[0][large], first[0][others]]), crops


def _bounds(corners: NDArray[Any]) -> NDArray[Any]:
    """The box around each outline: left, top, width, height."""
    least = corners.min(axis=1)
    return np.concatenate([least, corners.max(axis=1) - least], axis=1)


def _heights(corners: Corners) -> NDArray[np.float64]:
    """The shorter side of each outline."""
    sides = np.stack([np.linalg.norm(corners[:, a] - corners[:, b], axis=1) for a, b in pairwise((0, 1, 2))])
    return np.asarray(sides.min(axis=0))


def _ground(pixels: Array) -> list[float]:
    """The colour of the edge: the middle one of each channel."""
    return [float(value) for value in np.median(_edge(pixels), axis=0)]


def _edge(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _differing(pixels: Array) -> NDArray[np.bool_]:
    """Which pixels (H, W) are not of the ground."""
    return np.asarray(cv2.absdiff(pixels, np.array([*_ground(pixels), 0.0])).max(axis=2) > _DIFFERS)


def _is_a_thing(pixels: Array, differs: NDArray[np.bool_], bounds: tuple[int, int, int, int], least: float) -> bool:
    """Whether what differs is solid, and of one colour in less than the share `least` of what is within its edges."""
    left, top, right, bottom = bounds
    within = pixels[cv2.erode(differs.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0].astype(np.float32)
    if len(within) < _SOLID * (right - left) * (bottom - top):
        return False
    return float((np.abs(within - np.median(within, axis=0)).max(axis=1) <= _DIFFERS).mean()) < least


def _content(differs: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is not of the ground."""
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
