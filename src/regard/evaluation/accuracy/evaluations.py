"""The evaluations that one may ask for, from pictures that were looked at to their record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.accuracy.calibration import measured
from regard.evaluation.accuracy.detection import detection
from regard.evaluation.accuracy.galleries import expected, identified
from regard.evaluation.accuracy.record import AtSimilarity, Record
from regard.evaluation.accuracy.verification import accuracy, drawn_pairs, pair_scores, verification
from regard.evaluation.samples.embedding import Found, embeddings
from regard.evaluation.samples.pictures_on_disk import Labelled, ListedPairs
from regard.evaluation.samples.sample import Sample, sample_of
from regard.evaluation.statistics.scores import Scores
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.faces.similarity import calibration

SIMILARITIES = (80.0, 90.0, 99.0, 99.9)
GALLERIES = (100, 300, 1_000, 3_000, 10_000, 30_000)
EXPECTED = (1_000, 10_000, 100_000, 1_000_000)


def detect(pictures: Sequence[Labelled], found: Sequence[Found], analyzer: FaceAnalyzer) -> Record:
    """The record of failures to detect and to enrol, and of speed. Raises ValueError when no picture could be read."""
    if not any(each.outcome != "unreadable" for each in found):
        raise ValueError(f"None of the {len(found):,} pictures could be read: give JPEG or PNG files.")
    return Record(**_about(pictures, found, analyzer))


def verify(
    pictures: Sequence[Labelled],
    found: Sequence[Found],
    analyzer: FaceAnalyzer,
    pairs: ListedPairs | None = None,
    same: Sequence[tuple[str, str]] = (),
) -> Record:
    """One to one: on the pairs listed, or without a list on all pairs, with accuracy on pairs drawn by lot.

    A listed pair one of whose pictures has no embedding counts as no match. Without a list the rates are of enrolled
    pictures, with intervals, and failures to enrol are told beside; each pair of people weighs one, and those that are
    the `same` person under two names are left out. Raises ValueError when there is too little to compare.
    """
    rows = embeddings(found)
    if pairs is not None:
        _require_both_kinds(rows, pairs)
        scores = pair_scores(rows, pairs)
        told = accuracy(scores, pairs.same, pairs.fold)
        return Record(
            **_about(pictures, found, analyzer), verification=verification(Scores.of_pairs(scores, pairs.same), told)
        )
    sample = _enrolled(pictures, found, same)
    drawn = drawn_pairs(sample.subjects)
    told = accuracy(pair_scores(sample.embeddings, drawn), drawn.same, drawn.fold)
    rates = measured(sample, _thresholds())
    return Record(
        **_about(pictures, found, analyzer),
        verification=verification(Scores.of_everybody(sample.embeddings, sample.subjects, sample.apart), told),
        similarities=[AtSimilarity(level, _thresholds()[level], *rates[level]) for level in SIMILARITIES],
    )


def identify(
    pictures: Sequence[Labelled], found: Sequence[Found], analyzer: FaceAnalyzer, sizes: Sequence[int] = GALLERIES
) -> Record:
    """One to many: galleries drawn from the people, and what the calibration expects in larger ones."""
    sample = _enrolled(pictures, found)
    rates = {level: calibration().false_match_rate(level) for level in SIMILARITIES}
    return Record(
        **_about(pictures, found, analyzer),
        galleries=identified(sample.embeddings, sample.subjects, sizes, _thresholds()),
        expected=expected(rates, EXPECTED),
    )


def _thresholds() -> dict[float, float]:
    return {level: calibration().score(level) for level in SIMILARITIES}


def _enrolled(pictures: Sequence[Labelled], found: Sequence[Found], same: Sequence[tuple[str, str]] = ()) -> Sample:
    whole = sample_of(pictures, found, same)
    sample = whole.of(whole.enrolled)
    if int(sample.subjects.max(initial=-1)) < 1:
        raise ValueError("Fewer than two people could be enrolled; there is nothing to compare.")
    return sample


def _require_both_kinds(rows: NDArray[np.float32], pairs: ListedPairs) -> None:
    """Of pairs that cannot be compared, or of one kind only, an accuracy says nothing. Raises ValueError."""
    there: NDArray[np.bool_] = (rows != 0).any(axis=1)
    compared = pairs.same[np.logical_and(there[pairs.first], there[pairs.second])]
    if compared.all() or not compared.any():
        own = int(compared.sum())
        raise ValueError(
            f"Of {len(pairs.same):,} pairs {own:,} of one person and {len(compared) - own:,} of two could be compared, "
            f"with a face in {int(there.sum()):,} of {len(rows):,} pictures: there must be some of both. Give pairs of "
            "both kinds, in pictures that show a face."
        )


def _about(pictures: Sequence[Labelled], found: Sequence[Found], analyzer: FaceAnalyzer) -> dict[str, Any]:
    return {
        "face_model": analyzer.version,
        "calibration": calibration().name,
        "embedder": analyzer.embedder,
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "people": len({each.subject for each in pictures}),
        "detection": detection(found),
    }
