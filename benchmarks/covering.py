"""How many faces redaction covers, in pictures and films, of those that people drew boxes around, and what is left.

Not among the benchmarks that run by default: `python -m benchmarks covering`.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.shares import Share
from regard.operations.images.redaction import cover_of
from regard.operations.videos.redaction import LOOKS
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture, decode
from regard.vision.pictures.redaction import Style, covered, head
from regard.vision.video.covering import HELD, covering
from regard.vision.video.film import Film, Frame, Limits

_DATA = Path(__file__).parents[1] / "tests" / "data"
BY_HAND, IN_FILMS = _DATA / "redaction_boxes.csv", _DATA / "film_boxes.csv"
# A face is covered when the covers hold this much of its box; from this size on, in pixels, it counts towards the bar.
COVERED, LEAST_SIDE = 0.8, 16
# Of a face in a film: at the edge of a cover that moves less is not to be left open.
COVERED_IN_FILMS = 0.9
# The faces whose likeness is measured: a smaller one is not told from others anyway.
LEAST_KNOWN, SURE = 30, 70

Corners = tuple[int, int, int, int]


@dataclass
class Found:
    """What was covered: large and small faces, and the cosines of covered crops to what they were, by style."""

    large: Share = field(default_factory=Share)
    small: Share = field(default_factory=Share)
    lost: list[tuple[str, Corners]] = field(default_factory=list)
    likeness: dict[Style, list[float]] = field(default_factory=lambda: {style: [] for style in Style})
    # Pictures without a face, and those of them in which something is covered.
    empty: Share = field(default_factory=Share)
    pictures: int = 0


@dataclass
class FoundInFilms:
    """What was covered on the frames of films that have boxes: at a look, and on frames between two looks."""

    looked: Share = field(default_factory=Share)
    between: Share = field(default_factory=Share)
    lost: list[tuple[str, int, Corners]] = field(default_factory=list)


def run() -> str:
    """The table."""
    if not SHARED.is_dir():
        return markdown("Redaction", ("not measured",), [("the pictures are not on this machine",)])
    analyzer = FaceAnalyzer.opened(from_environment())
    found, films = covers(analyzer, SHARED, Style), covers_in_films(analyzer, SHARED, IN_FILMS_BY_HAND)
    rows = [
        (f"faces of {LEAST_SIDE} pixels and up that are covered (95 % interval)", str(found.large)),
        ("smaller ones", str(found.small)),
        ("pictures without a face in which something is covered", f"{found.empty.right} of {found.empty.of}"),
    ]
    for style, cosines in found.likeness.items():
        what = f"cosine of a crop to its original, {style.value}, {len(cosines)} faces of {LEAST_KNOWN} pixels and up"
        rows.append((what, f"{max(cosines):.2f} at most"))
    rows += [
        ("faces in films, on frames that were looked at", str(films.looked)),
        ("on frames between two looks", str(films.between)),
    ]
    missed = f"Missed: {found.lost or 'none'}; in films: {films.lost or 'none'}."
    return markdown("Redaction", ("what", f"{found.pictures} pictures, {len(IN_FILMS_BY_HAND)} films"), rows, missed)


def covers(analyzer: FaceAnalyzer, shared: Path, styles: type[Style] | tuple[Style, ...], step: int = 1) -> Found:
    """What is covered in one in `step` of the pictures with boxes drawn by hand."""
    found = Found()
    for file, boxes in list(_by_hand(shared).items())[::step]:
        picture = decode(file.read_bytes())
        faces = analyzer.detect_all(picture)
        areas = [head(face.box) for face in faces]
        white = Picture(np.full_like(picture.pixels, 255), "PNG")
        hidden = covered(white, areas).pixels[:, :, 0] == 0
        found.pictures += 1
        if not boxes:
            found.empty += Share(int(bool(faces)), 1)
        for left, top, right, bottom in boxes:
            is_covered = hidden[top:bottom, left:right].mean() >= COVERED
            share = Share(int(is_covered), 1)
            if math.sqrt((right - left) * (bottom - top)) < LEAST_SIDE:
                found.small += share
                continue
            found.large += share
            if not is_covered:
                found.lost.append((file.name, (left, top, right, bottom)))
        known = [face for face in faces if face.box.width * picture.width >= LEAST_KNOWN and face.confidence >= SURE]
        before = analyzer.embed(picture, known)
        for style in styles:
            after = analyzer.embed(covered(picture, areas, style), known)
            found.likeness[style] += (before * after).sum(axis=1).tolist()
    return found


def covers_in_films(analyzer: FaceAnalyzer, shared: Path, films: Iterable[str]) -> FoundInFilms:
    """What is covered on the frames of these films that have boxes drawn by hand."""
    found = FoundInFilms()
    for name in films:
        by_frame, limits = IN_FILMS_BY_HAND[name], Limits.of(from_environment())
        with Film(shared / "clips" / name, 0, limits) as film:
            every = max(1, int(film.about.rate / LOOKS))
            for frame, areas in _near(analyzer, film, set(by_frame), every):
                for corners in by_frame.get(frame.number, ()):
                    is_covered = _hidden(frame.picture, areas, corners) >= COVERED_IN_FILMS
                    if frame.number % every:
                        found.between += Share(int(is_covered), 1)
                    else:
                        found.looked += Share(int(is_covered), 1)
                    if not is_covered:
                        found.lost.append((name, frame.number, corners))
    return found


def _near(analyzer: FaceAnalyzer, film: Film, wanted: set[int], every: int) -> Iterator[tuple[Frame, list[Box]]]:
    """Every frame of a film as it is covered; looked at are only those frames that make a difference to wanted ones."""
    number = 0

    def frames() -> Iterator[Frame]:
        nonlocal number
        for frame in film:
            number = frame.number
            yield frame

    def look(picture: Picture) -> list[Box]:
        if all(abs(number - each) > HELD * every for each in wanted):
            return []
        return [cover_of(face) for face in analyzer.detect_all(picture)]

    return covering(frames(), look, every)


def _hidden(picture: Picture, areas: list[Box], corners: Corners) -> float:
    """The share of a box that the areas cover."""
    left, top, right, bottom = corners
    white = Picture(np.full_like(picture.pixels, 255), "PNG")
    return float((covered(white, areas).pixels[top:bottom, left:right, 0] == 0).mean())


def _in_films() -> dict[str, dict[int, list[Corners]]]:
    """By film and frame the boxes, of 16 pixels and up; none on a frame where no face can be made out."""
    found: dict[str, dict[int, list[Corners]]] = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(IN_FILMS.read_text().splitlines()):
        boxes = found[row["film"]][int(row["frame"])]
        if row["left"]:
            boxes.append((int(row["left"]), int(row["top"]), int(row["right"]), int(row["bottom"])))
    return found


IN_FILMS_BY_HAND = _in_films()


def _by_hand(shared: Path) -> dict[Path, list[Corners]]:
    """The boxes of every picture that was looked at; none where there is no face."""
    found: dict[Path, list[Corners]] = defaultdict(list)
    for row in csv.DictReader(BY_HAND.read_text().splitlines()):
        boxes = found[shared / row["picture"]]
        if row["left"]:
            boxes.append((int(row["left"]), int(row["top"]), int(row["right"]), int(row["bottom"])))
    return found
