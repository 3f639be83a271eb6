"""The model card of an audit: what was measured, on whom, and what was found, in words that anyone can read;
:mod:`.report` is for programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regard.evaluation.bias.abstention import Abstention, Remedy
from regard.evaluation.bias.audit import FALSE_MATCH, AtThreshold, ByAttribute, Measure, each_measure
from regard.evaluation.bias.charts import Whisker, whiskers
from regard.evaluation.bias.disparity import CHANCE
from regard.evaluation.bias.report import Report
from regard.evaluation.document import Block, Chart, Heading, Listing, Paragraph, Table
from regard.evaluation.samples.sample import CROSSED
from regard.evaluation.statistics.rates import Rate, percent

NOTHING_COMPARED = (
    "Nothing was compared: no two groups have errors enough between them to tell one from the other. That is no pass. "
    "Give more people, groups of more people, or a threshold at which the model errs."
)


def card(report: Report) -> list[Block]:
    """The model card of a report, as blocks of a document."""
    told = report.findings
    blocks: list[Block] = [
        Heading("Bias audit", 1),
        Paragraph(
            f"Face model {report.model}, regard {report.service}, {report.made}. {told.pictures:,} pictures of "
            f"{told.people:,} people, in the groups that their labels name; no group was inferred. Every rate is at "
            "one threshold for all groups, with an interval of 95 % that draws people, not comparisons. SHA-256 of the "
            f"report: {report.digest}."
        ),
        Heading("What was found"),
        *_found(report),
    ]
    for attribute in told.attributes:
        blocks.extend(_attribute(attribute, [each for each in report.abstentions if each.attribute == attribute.name]))
    return [*blocks, Heading("How to read this"), Listing(_READING)]


def _found(report: Report) -> Iterator[Block]:
    told = report.findings
    if not told.asked:
        yield Paragraph(NOTHING_COMPARED)
    elif report.remedies:
        yield Listing([_remedy(each) for each in report.remedies])
    else:
        yield Paragraph(
            f"No disparity was found in {told.asked:,} comparisons. That is no proof that there is none: the intervals "
            "below say how large one could be."
        )
    if told.notes:
        yield Listing(told.notes)


def _remedy(remedy: Remedy) -> str:
    at = f" at {remedy.threshold}" if remedy.threshold else ""
    ways = [*remedy.rules, *(f"a threshold of {floor}" for floor in remedy.floors)]
    cure = f"no longer found with {', '.join(ways)}" if ways else "no rule that was tried evens it"
    return f"{remedy.attribute}, {remedy.measure}{at}: {remedy.disparity.told}; {cure}."


def _attribute(of: ByAttribute, tried: Sequence[Abstention]) -> Iterator[Block]:
    yield Heading(of.name)
    rows = [
        [group, f"{pictures:,}", f"{people:,}", rate.told, "; ".join(rate.warnings)]
        for group, pictures, people, rate in zip(
            of.groups, of.pictures, of.people, of.failure_to_enrol.rates, strict=True
        )
    ]
    yield Table(["group", "pictures", "people", "failure to enrol", "mind"], rows)
    for at in of.thresholds:
        yield from _threshold(of, at)
    if CROSSED in of.name:
        return
    yield Heading("What refusing would even out", 3)
    yield Table(["rule", "threshold", "group", "refused", "false match", "false non-match", "found"], _tried(of, tried))


def _threshold(of: ByAttribute, at: AtThreshold) -> Iterator[Block]:
    yield Heading(f"{of.name} at {at.threshold.name} (cosine {at.threshold.score:.3f})", 3)
    yield Table(
        ["group", "false match within", "false match with everybody", "false non-match", "mind"],
        [
            [group, within.told, everybody.told, missed.told, _mind(within, missed)]
            for group, within, everybody, missed in zip(
                of.groups, at.false_match.rates, at.everybody, at.false_non_match.rates, strict=True
            )
        ],
    )
    for name, threshold, measure in each_measure(of):
        if threshold == at.threshold:
            yield Chart(whiskers(f"{name} by {of.name} at {at.threshold.name}", _whiskers(of.groups, measure)))
            yield from _spread(name, measure)
    if at.mixed:
        yield Paragraph(f"{at.mixed:,} genuine pairs stand in two groups and are in no group's rate.")
    if len(of.groups) > 2:
        yield Paragraph("False matches between groups, rows against columns:")
        matrix = [[group, *map(_short, row)] for group, row in zip(of.groups, at.pairs, strict=True)]
        yield Table(["", *of.groups], matrix)
    if any(at.identification):
        yield Table(["group", "gallery", "false matches a probe", "FPIR at most", "measured"], _galleries(of, at))


def _spread(name: str, measure: Measure) -> Iterator[Block]:
    spread = measure.spread
    if spread is None:
        yield Paragraph(f"{name.capitalize()}: no ratio is given, since a group was not measured or has no errors.")
        return
    yield Paragraph(
        f"{name.capitalize()}: largest to smallest {spread.largest_to_smallest:.3g} "
        f"({_span(spread.largest_to_smallest_interval.low, spread.largest_to_smallest_interval.high)}), largest to "
        f"geometric mean {spread.largest_to_geometric_mean:.3g} "
        f"({_span(spread.largest_to_geometric_mean_interval.low, spread.largest_to_geometric_mean_interval.high)}), "
        f"Gini {spread.gini:.3g} ({_span(spread.gini_interval.low, spread.gini_interval.high)})."
    )


def _span(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}"


def _mind(within: Rate, missed: Rate) -> str:
    said = [f"{FALSE_MATCH}: {warning}" for warning in within.warnings]
    return "; ".join([*said, *(f"false non-match: {warning}" for warning in missed.warnings)])


def _whiskers(groups: Sequence[str], measure: Measure) -> list[Whisker]:
    return [
        Whisker(group, rate.rate or None, rate.interval.low, rate.interval.high)
        for group, rate in zip(groups, measure.rates, strict=True)
        if rate.interval is not None
    ]


def _galleries(of: ByAttribute, at: AtThreshold) -> list[list[str]]:
    return [
        [
            group,
            f"{each.gallery:,}",
            f"{each.false_matches:.3g}",
            f"{percent(each.rate)} ({percent(each.interval.low)} to {percent(each.interval.high)})",
            percent(each.measured),
        ]
        for group, sizes in zip(of.groups, at.identification, strict=True)
        for each in sizes
    ]


def _tried(of: ByAttribute, tried: Sequence[Abstention]) -> list[list[str]]:
    return [
        [
            each.rule,
            each.threshold,
            group,
            *(percent(rates[place]) for rates in (each.refused, each.false_match, each.false_non_match)),
            ", ".join(each.found) or "nothing",
        ]
        for each in tried
        for place, group in enumerate(of.groups)
    ]


def _short(rate: Rate) -> str:
    if rate.rate is not None and rate.interval is not None and not rate.errors:
        return f"under {percent(rate.interval.high)}"
    return percent(rate.rate)


_READING = (
    "A false match takes two people for one, a false non-match one person for two; a failure to enrol is a picture in "
    "which no face was found or embedded.",
    "A disparity is called found when its interval of 95 % excludes no difference, and when some comparison shows as "
    f"much in at most {CHANCE:.0%} of audits in which the same people fall to the groups by lot. Groups of few people "
    "are never called found, whatever their rates.",
    "That a disparity is no longer found under a rule may also be because less is left to find it in: look at what it "
    "refuses.",
    "Where no error was seen there is an upper bound and no ratio.",
    "Largest to smallest is above 1 in every sample, by chance alone; look at its interval.",
    "FPIR at most assumes that comparisons are independent; false matches gather on few probes, so fewer probes meet "
    "one, and those meet several. A probe whose person is in the gallery is missed as often as a genuine pair is.",
    "The rates are of this sample and its pictures. Others will differ.",
)
