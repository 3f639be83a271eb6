"""Error rates of liveness by kind, on people that nothing was fitted to, in the terms of ISO/IEC 30107-3: APCER, the
share of attacks of a kind that pass, and BPCER, the share of live sessions that do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regard.evaluation.document import Block, Paragraph, Table
from regard.evaluation.liveness.fitting import passes
from regard.evaluation.liveness.running import Seen
from regard.evaluation.liveness.sessions import KINDS, LIVE
from regard.evaluation.statistics.rates import Rate
from regard.vision.liveness.checks import checks
from regard.vision.liveness.fit import Fit

# What refuses, in the words of the table.
_COLUMNS = {"colours": "colours", "background": "background", "solid": "solid"}


@dataclass(frozen=True, slots=True)
class KindRate:
    """A kind of session: its error rate, and of how many sessions each check was among those that failed."""

    kind: str
    rate: Rate
    failed: Counter[str]


def rates(seen: Sequence[Seen], fit: Fit, *, light: bool) -> list[KindRate]:
    """The rates of the half `test`."""
    found = []
    for kind in KINDS:
        those = [each for each in seen if each.case.half == "test" and each.case.kind == kind]
        erred = [passes(each, fit, light=light) != (kind == LIVE) for each in those]
        failed: Counter[str] = Counter()
        for each in those:
            failed.update(check.name for check in checks(each.measures, fit, light=light) if not check.passed)
        found.append(KindRate(kind, _rate([each.case.person for each in those], erred), failed))
    return found


def _rate(people: Sequence[int], erred: Sequence[bool]) -> Rate:
    """The rate over sessions whose people come again: its variance is that between people."""
    numbers = sorted(set(people))
    trials = np.array([people.count(number) for number in numbers], float)
    errors = np.array([sum(e for e, p in zip(erred, people, strict=True) if p == number) for number in numbers], float)
    total, free = float(trials.sum()), max(len(numbers) - 1, 1)
    share = float(errors.sum()) / total if total else 0.0
    off = errors - share * trials
    variance = (free + 1) / free * float((off * off).sum()) / total**2 if total else 0.0
    return Rate.of(float(errors.sum()), total, len(numbers), variance, free, total)


def blocks(seen: Sequence[Seen], fit: Fit) -> list[Block]:
    """The measurement as blocks of a document."""
    halves = [len({each.case.person for each in seen if each.case.half == half}) for half in ("fit", "test")]
    return [
        Paragraph(
            f"Fitted to {fit.live} live sessions and {fit.attacks} attacks of {halves[0]} generated people; the rates "
            f"are of sessions of {halves[1]} others. All are rendered. Where none erred, the rate is under what so "
            "many trials leave possible at 95 %; other intervals know that people come more than once. Beside them: "
            "how many sessions each check refused, and how often another did."
        ),
        *(_table(rates(seen, fit, light=light), light) for light in (True, False)),
        Table(
            ["measure", "limit", "half of live sessions"],
            [[name, f"{fit.limits[name]:.3f}", f"{fit.typical[name]:.3f}"] for name in fit.limits],
        ),
        _worths(fit),
    ]


def _table(found: Sequence[KindRate], light: bool) -> Table:
    name = "FaceMovementAndLightChallenge" if light else "FaceMovementChallenge: the same films, colours ignored"
    columns = ["kind", "sessions", "people", "erred", "APCER; live: BPCER (95 %)", *_COLUMNS, "others"]
    return Table(columns, [_row(each) for each in found], caption=name)


def _row(each: KindRate) -> list[str]:
    other = sum(each.failed.values()) - sum(each.failed[name] for name in _COLUMNS)
    refused = [str(each.failed[name]) for name in _COLUMNS]
    return [
        each.kind,
        f"{each.rate.trials:,}",
        str(each.rate.people),
        f"{each.rate.errors:,}",
        each.rate.told,
        *refused,
        str(other),
    ]


def _worths(fit: Fit) -> Table:
    rows = [
        [
            f"{one.margin:g}",
            f"{one.confidence:g}",
            f"{one.live} of {one.of_live}",
            f"{one.attacks} of {one.of_attacks}",
            f"{other.confidence:g}",
            f"{other.live} of {other.of_live}",
            f"{other.attacks} of {other.of_attacks}",
        ]
        for one, other in zip(fit.light, fit.movement, strict=True)
    ]
    columns = ["margin", "Confidence", "live", "attacks", "without colours", "live", "attacks"]
    return Table(columns, rows, caption="What a session is worth that passes with at least this margin")
