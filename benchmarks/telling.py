"""How often labels on people and light are right: what photographs show, judged by eye, beside what is told of them.

Not among the benchmarks that run by default: `python -m benchmarks telling`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.shares import Share
from regard.settings import from_environment
from regard.vision.pictures.images import decode
from regard.vision.things.labels import LabelFinder
from regard.vision.things.people import GROUP

BY_EYE = Path(__file__).parents[1] / "tests" / "data" / "people_by_eye.csv"
FOLDERS = ("voc100/images", "coco20", "aws_docs_media", "imagenet")
CROWD = 10
AT = (55, 80)
Row = Mapping[str, str]
# By picture what is there, and the confidences of the labels that are told of it.
Told = list[tuple[Row, Mapping[str, float]]]
# Whether a label is right of a row of the file: None where that cannot be told by eye.
_TRUTH: dict[str, Callable[[Row], bool | None]] = {
    "Person": lambda row: int(row["people"]) > 0,
    "Face": lambda row: _said(row["face"]),
    "Portrait": lambda row: _said(row["portrait"]),
    "Group": lambda row: int(row["people"]) >= GROUP,
    "Crowd": lambda row: int(row["people"]) >= CROWD,
    "Dark": lambda row: _said(row["dark"]),
}
_NOBODY = {"people": "0", "face": "n", "portrait": "n", "dark": "n"}


def run() -> str:
    """The table."""
    if not SHARED.is_dir():
        return markdown("People and light", ("not measured",), [("the pictures are not on this machine",)])
    finder = LabelFinder.opened(from_environment())
    found = told(finder, SHARED)
    lines = [
        (name, *(str(right(found, name, at)) for at in AT), *(str(named(found, name, at)) for at in AT))
        for name in _TRUTH
    ]
    columns = [f"{what} at {at}" for what in ("right", "of those there, told") for at in AT]
    return markdown(
        f"People and light in {len(found)} photographs, judged by eye",
        ("label", *columns),
        lines,
        "Pictures of which it could not be said by eye count for neither.",
    )


def told(finder: LabelFinder, shared: Path) -> Told:
    """What is there in each picture, judged by eye, and the confidences of the labels that are told of it."""
    with BY_EYE.open() as file:
        rows = {row["picture"]: row for row in csv.DictReader(file)}
    found: Told = []
    for path in _pictures(shared):
        labels = finder(decode(path.read_bytes()))
        row = rows.get(path.relative_to(shared).as_posix(), _NOBODY)
        found.append((row, {label.name: label.confidence for label in labels}))
    return found


def right(found: Told, name: str, at: float) -> Share:
    """Of the pictures of which a label is told with a confidence of `at` or more, those where it is right."""
    of = [_TRUTH[name](row) for row, labels in found if labels.get(name, 0) >= at]
    return Share(sum(each is True for each in of), sum(each is not None for each in of))


def named(found: Told, name: str, at: float) -> Share:
    """Of the pictures of which a label would be right, those of which it is told with a confidence of `at` or more."""
    there = [labels.get(name, 0) >= at for row, labels in found if _TRUTH[name](row)]
    return Share(sum(there), len(there))


def _said(word: str) -> bool | None:
    return None if word == "u" else word == "y"


def _pictures(shared: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in sorted((shared / folder).iterdir()) if path.suffix.lower() in (".jpg", ".jpeg"))
