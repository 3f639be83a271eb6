"""The record of an evaluation as a document: rates, never who. Not the record of decisions,
:mod:`regard.stewardship.records.records`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from regard.evaluation.accuracy.calibration import counted
from regard.evaluation.accuracy.detection import Detection
from regard.evaluation.accuracy.galleries import AT_RATE, Expected, Gallery
from regard.evaluation.accuracy.verification import Verification
from regard.evaluation.document import Block, Heading, Paragraph, Table
from regard.evaluation.statistics.rates import NOT_MEASURED, Rate, percent
from regard.vision.faces.similarity import Calibration, Measured

BY_PEOPLE = (
    "False match rates are by pairs of people: each weighs one, however many pictures they have. False non-match rates "
    "are by person. Intervals draw people. Behind a rate stand the pairs of people, or people, some of whose pictures "
    "erred, of how many."
)


class AtSimilarity(msgspec.Struct, frozen=True):
    """Error rates by people at the score of a similarity: each pair of people, or person, weighs one."""

    similarity: float
    score: float
    false_match: Rate
    false_non_match: Rate


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one `regard evaluate` measured, with what it was measured on and with."""

    face_model: str
    calibration: str
    embedder: str
    made: str
    people: int
    detection: Detection
    verification: Verification | None = None
    similarities: list[AtSimilarity] = []
    galleries: list[Gallery] = []
    expected: list[Expected] = []


def blocks(record: Record) -> list[Block]:
    """The record as blocks of a document."""
    return [
        Heading("Accuracy record", 1),
        Paragraph(
            f"{record.detection.pictures:,} pictures of {record.people:,} people, looked at on {record.made} with "
            f"FaceModelVersion {record.face_model}, calibration {record.calibration}, embedder {record.embedder[:16]}…"
        ),
        *_detection(record.detection),
        *(_verification(record.verification) if record.verification else ()),
        *(_similarities(record.similarities) if record.similarities else ()),
        *(_galleries(record.galleries) if record.galleries else ()),
        *(_expected(record.expected) if record.expected else ()),
    ]


def calibration_blocks(made: Calibration) -> list[Block]:
    """A calibration as blocks of a document: a table, a row a similarity."""
    rows = [
        [
            f"{point.similarity:g}",
            f"{point.rate:.2g}",
            f"{point.score:.3f}" + ("" if point.low is None else f" ({point.low:.3f} to {point.high:.3f})"),
            point.basis,
            _counted(point.false_match),
            _counted(point.false_non_match),
        ]
        for point in made.points
    ]
    columns = ["Similarity", "FMR", "cosine (95 %)", "basis", "measured FMR (95 %)", "measured FNMR (95 %)"]
    return [
        Heading(f"Calibration {made.name}"),
        Paragraph(f"Fitted on: {made.fitted_on}. Tested on: {made.tested_on}. Tail: {made.tail}."),
        Paragraph(BY_PEOPLE),
        Table(columns, rows),
    ]


def _detection(found: Detection) -> Iterator[Block]:
    yield Heading("Detection and enrolment")
    rows = [
        ["pictures", f"{found.pictures:,}"],
        ["that cannot be read", f"{found.unreadable:,}"],
        ["without a face", f"{found.without_face:,}"],
        ["with several faces", f"{found.several_faces:,}"],
        ["failure to detect", percent(found.failure_to_detect)],
        *(
            [f"failure to enrol, QualityFilter {level}", percent(rate)]
            for level, rate in found.failure_to_enrol.items()
        ),
    ]
    if found.sides:
        rows.append(
            ["longer side of faces, pixels: 5 %, median, 95 %", ", ".join(f"{side:.0f}" for side in found.sides)]
        )
    if speed := found.speed:
        times = f"{speed.decoding:.1f}, {speed.detecting:.1f}, {speed.embedding:.1f}"
        rows.append(["decoding, detecting, embedding on one core, median ms", times])
    yield Table(["", ""], rows)


def _verification(found: Verification) -> Iterator[Block]:
    yield Heading("Verification")
    rows = [
        ["genuine pairs", f"{found.genuine:,}"],
        ["impostor pairs, of people or listed", f"{found.impostor:,}"],
        ["accuracy over folds", f"{found.accuracy.mean:.4f} ± {found.accuracy.deviation:.4f}"],
        ["equal error rate", percent(found.equal_error_rate)],
        *([f"TMR at FMR {at.rate:g}", _at(at.true_match_rate, at.score)] for at in found.at_rates),
    ]
    yield Table(["", ""], rows)


def _at(rate: float | None, score: float | None) -> str:
    return f"{percent(rate)} at cosine {score:.3f}" if rate is not None else f"{NOT_MEASURED}: too few impostor pairs"


def _similarities(found: Sequence[AtSimilarity]) -> Iterator[Block]:
    yield Heading("At the API's thresholds")
    yield Paragraph(BY_PEOPLE)
    yield Table(
        ["Similarity", "cosine", "FMR (95 %)", "FNMR (95 %)"],
        [
            [f"{at.similarity:g}", f"{at.score:.3f}", _counted(counted(at.false_match)), at.false_non_match.told]
            for at in found
        ],
    )


def _galleries(found: Sequence[Gallery]) -> Iterator[Block]:
    yield Heading("Identification")
    yield Table(
        ["people", "Similarity", "FPIR", "FNIR", "first rank", f"FNIR at FPIR {AT_RATE:g}"],
        [
            [
                *([f"{gallery.people:,}"] if first else [""]),
                f"{at.similarity:g}",
                percent(at.false_positive_rate),
                percent(at.false_negative_rate),
                *([percent(gallery.first_rank), percent(gallery.missed_at_rate)] if first else ["", ""]),
            ]
            for gallery in found
            for first, at in zip((True, *[False] * len(gallery.thresholds)), gallery.thresholds, strict=False)
        ],
    )


def _expected(found: Sequence[Expected]) -> Iterator[Block]:
    yield Heading("What the calibration expects in a gallery")
    yield Table(
        ["gallery", "Similarity", "false matches a search", "searches with any"],
        [[f"{one.gallery:,}", f"{one.similarity:g}", f"{one.false_matches:.3g}", percent(one.any)] for one in found],
    )


def _counted(rate: Measured | None) -> str:
    if rate is None:
        return ""
    return f"{rate.rate:.2g} ({rate.low:.2g} to {rate.high:.2g}), {rate.errors:,} of {rate.trials:,}"
