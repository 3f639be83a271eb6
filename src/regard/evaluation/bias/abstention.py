"""Abstention: whether a disparity would end if poor pictures were refused (QualityFilter) or thresholds were higher,
tried on the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from regard.evaluation.bias.audit import (
    FAILURE_TO_ENROL,
    FALSE_MATCH,
    FALSE_NON_MATCH,
    ByAttribute,
    Findings,
    Measure,
    Threshold,
    each_measure,
    findings,
)
from regard.evaluation.bias.disparity import Disparity
from regard.evaluation.samples.sample import Sample, SampleError
from regard.evaluation.statistics.rates import percent

NO_RULE = "no rule"


class Abstention(msgspec.Struct, frozen=True):
    """Rates of an attribute's groups at a threshold under a rule; one a group, None where nothing is left to measure.

    `refused` is the share of pictures that are not enrolled, for want of a face or by the rule. `found` names the
    measures in which a disparity is still found; that one is not may also be because less is left to find it in.
    """

    rule: str
    attribute: str
    threshold: str
    refused: list[float | None]
    false_match: list[float | None]
    false_non_match: list[float | None]
    found: list[str]


class Remedy(msgspec.Struct, frozen=True):
    """A disparity that was found, and what ends it: rules, with what they refuse of its two groups, and higher
    thresholds (`floors`).
    """

    attribute: str
    measure: str
    threshold: str
    disparity: Disparity
    rules: list[str]
    floors: list[str]


def abstentions(sample: Sample, plain: Findings, thresholds: Sequence[Threshold], seed: int = 0) -> list[Abstention]:
    """Every rule at every threshold for every attribute; `plain` is what was found without a rule."""
    told = list(_told(NO_RULE, plain))
    for level, rejected in sample.rejected.items():
        try:
            filtered = findings(sample.where(~rejected), thresholds, (), seed)
        except SampleError:
            # The rule leaves nobody to compare.
            continue
        told.extend(_told(f"QualityFilter {level}", filtered))
    return told


def remedies(plain: Findings, tried: Sequence[Abstention]) -> list[Remedy]:
    """For each disparity that was found: the rules that end it at its threshold, and the higher thresholds that do."""
    order = [at.threshold.name for at in sorted(plain.attributes[0].thresholds, key=lambda at: at.threshold.score)]
    made = []
    for attribute, measure, at, one in plain.found():
        groups = next(each.groups for each in plain.attributes if each.name == attribute)
        two = {group: groups.index(group) for group in (one.higher, one.lower)}
        own = [
            each
            for each in tried
            if each.attribute == attribute and measure not in each.found and _measured(each, measure, two.values())
        ]
        rules, floors = [], []
        if at is not None:
            rules = [_costed(each, two) for each in own if each.threshold == at.name]
            above = order[order.index(at.name) + 1 :]
            floors = [each.threshold for each in own if each.rule == NO_RULE and each.threshold in above]
        made.append(Remedy(attribute, measure, at.name if at else "", one, rules, floors))
    return made


def _measured(tried: Abstention, measure: str, groups: Iterable[int]) -> bool:
    """Whether both groups are left to measure."""
    rates = {FALSE_MATCH: tried.false_match, FALSE_NON_MATCH: tried.false_non_match}.get(measure, tried.refused)
    return all(rates[group] is not None for group in groups)


def _costed(tried: Abstention, groups: Mapping[str, int]) -> str:
    refused = " and ".join(f"{percent(tried.refused[place])} of {group}" for group, place in groups.items())
    return f"{tried.rule} (refusing {refused})"


def _told(rule: str, found: Findings) -> list[Abstention]:
    return [
        Abstention(
            rule,
            each.name,
            at.threshold.name,
            _rates(each.failure_to_enrol),
            _rates(at.false_match),
            _rates(at.false_non_match),
            _found(each, at.threshold),
        )
        for each in found.attributes
        for at in each.thresholds
    ]


def _rates(measure: Measure) -> list[float | None]:
    return [rate.rate for rate in measure.rates]


def _found(of: ByAttribute, threshold: Threshold) -> list[str]:
    order = (FAILURE_TO_ENROL, FALSE_MATCH, FALSE_NON_MATCH)
    told = {
        name
        for name, at, measure in each_measure(of)
        if at in (None, threshold) and any(one.found for one in measure.disparities)
    }
    return [name for name in order if name in told]
