"""How much of receipts is read: by the engine, and by DetectText, which answers a hundred words.

Not among the benchmarks that run by default: `python -m benchmarks reading`.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rapidfuzz.distance import Levenshtein
from shapely import Point, Polygon

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.serving import answering
from benchmarks.shares import Share
from regard.operations.images.text import MOST_WORDS
from regard.settings import from_environment
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.text import TextReader, Word


@dataclass(frozen=True, slots=True)
class Written:
    """A line of the truth: its text, and where it is, in pixels."""

    text: str
    outline: Polygon


@dataclass
class Found:
    """What was read: words as they stand there, words parted at punctuation, words answered, and wrong characters."""

    words: Share = field(default_factory=Share)
    pieces: Share = field(default_factory=Share)
    answered: Share = field(default_factory=Share)
    wrong: int = 0
    letters: int = 0


def run() -> str:
    """The table."""
    folder = SHARED / "sroie"
    if not folder.is_dir():
        return markdown("Text", ("not measured",), [("the pictures are not on this machine",)])
    found = measured(folder)
    rows = [
        ("words read, letter by letter, by the engine", str(found.words)),
        ("the same, words parted at punctuation in the truth and in what was read", str(found.pieces)),
        ("words that `DetectText` answers, of the first hundred of each receipt", str(found.answered)),
        (
            "characters wrong, missing or too many in the lines of the truth, spaces among them",
            f"{found.wrong:,} of {found.letters:,}: {found.wrong / found.letters:.3f}",
        ),
    ]
    return markdown("Text", ("what", "receipts (95 % interval)"), rows, "Upper and lower case are the same.")


def measured(folder: Path, step: int = 1) -> Found:
    """One in `step` of the receipts, read."""
    reader = TextReader.opened(from_environment())
    found = Found()
    # The log goes on writing while the folder is taken away.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        answer = answering(Path(data))
        for file, truth in list(receipts(folder))[::step]:
            picture = decode(file.read_bytes())
            read = [word for line in reader(picture) for word in line.words]
            found.words += recall(truth, [word.text for word in read])
            found.pieces += recall(truth, [word.text for word in read], parted=True)
            found.wrong += errors(truth, read, picture)
            found.letters += sum(len(line.text) for line in truth)
            told = answer("DetectText", file.read_bytes())["TextDetections"]
            found.answered += of_the_first(truth, [each["DetectedText"] for each in told if each["Type"] == "WORD"])
    return found


def receipts(folder: Path) -> Iterator[tuple[Path, list[Written]]]:
    """The pictures and their lines, from top to bottom."""
    for file in sorted((folder / "box").glob("*.csv")):
        rows = [line.split(",", 8) for line in file.read_text().splitlines() if line.count(",") >= 8]
        lines = [
            Written(row[8], Polygon([(float(row[at]), float(row[at + 1])) for at in range(0, 8, 2)])) for row in rows
        ]
        yield folder / "img" / f"{file.stem}.jpg", sorted(lines, key=lambda line: line.outline.bounds[1])


def recall(truth: Iterable[Written], read: Iterable[str], parted: bool = False) -> Share:
    """How many words of the truth were read, as often as they stand there, wherever (ICDAR 2019 SROIE, task 2)."""
    there = Counter(_words((line.text for line in truth), parted))
    return Share((there & Counter(_words(read, parted))).total(), there.total())


def of_the_first(truth: Iterable[Written], answered: Iterable[str]) -> Share:
    """The same of the first hundred words of the truth."""
    there = Counter(_words((line.text for line in truth), False)[:MOST_WORDS])
    return Share((there & Counter(_words(answered, False))).total(), there.total())


def errors(truth: Iterable[Written], read: Iterable[Word], picture: Picture) -> int:
    """Edits (Levenshtein) from what was read within the lines of the truth to what stands there."""
    placed = [(word, Point(*(word.outline.mean(axis=0) * (picture.width, picture.height)))) for word in read]
    wrong = 0
    for line in truth:
        inside = [(middle.x, word.text) for word, middle in placed if line.outline.contains(middle)]
        said = " ".join(text for _, text in sorted(inside))
        wrong += Levenshtein.distance(said.casefold(), " ".join(line.text.split()).casefold())
    return wrong


def _words(texts: Iterable[str], parted: bool) -> list[str]:
    """Words, upper and lower case alike; parted: runs of letters and digits, and of what is neither, dropped."""
    if parted:
        texts = ("".join(each if each.isalnum() else " " for each in text) for text in texts)
    return [word for text in texts for word in text.casefold().split()]
