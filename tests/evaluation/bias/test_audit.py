"""The audit as a whole, on embeddings of people who do not exist."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regard.evaluation.bias.abstention import NO_RULE, abstentions, remedies
from regard.evaluation.bias.audit import (
    FAILURE_TO_ENROL,
    FALSE_NON_MATCH,
    Findings,
    Threshold,
    at_rate,
    findings,
)
from regard.evaluation.samples.sample import Attribute, Sample, SampleError, crossed
from regard.evaluation.statistics.comparisons import genuine
from tests.helpers.evaluating import degraded

NOISE, MORE_NOISE = 0.9, 1.15


def _audited(sample: Sample) -> Findings:
    return findings(sample, [Threshold("loose", at_rate(sample, 1e-3))], (100,))


def _miss_rate(sample: Sample, score: float, group: int) -> float:
    pairs = genuine(sample.embeddings, sample.subjects)
    return float((pairs.scores < score)[sample.attributes[0].codes[pairs.first] == group].mean())


def test_pictures_degraded_by_a_known_amount_are_found_with_the_size_they_have() -> None:
    sample = degraded(1, 240, [NOISE, MORE_NOISE])
    found = _audited(sample)
    told = {(measure, one.higher): one for _, measure, _, one in found.found()}
    disparity = told[FALSE_NON_MATCH, "group 1"]
    # The size is what the same degradation does to very many people.
    score = found.attributes[0].thresholds[0].threshold.score
    many = degraded(99, 6000, [NOISE, MORE_NOISE])
    size = _miss_rate(many, score, 1) - _miss_rate(many, score, 0)
    assert disparity.difference_interval.low > 0
    assert disparity.difference_interval.holds(size)


@pytest.mark.long
def test_of_twenty_samples_without_bias_at_most_two_are_flagged() -> None:
    assert sum(any(_audited(degraded(seed, 120, [NOISE, NOISE])).found()) for seed in range(20)) <= 2


def test_a_group_whose_pictures_show_no_face_is_found() -> None:
    sample = degraded(2, 200, [NOISE, NOISE])
    lost = (sample.attributes[0].codes == 1) & (np.arange(len(sample)) % 5 == 0)
    sample = replace(sample, enrolled=~lost, embeddings=np.where(lost[:, None], 0, sample.embeddings))
    (told,) = [one for _, measure, _, one in _audited(sample).found() if measure == FAILURE_TO_ENROL]
    assert told.higher == "group 1"
    assert told.ratio is None
    assert told.difference_interval.holds(lost.sum() / (sample.attributes[0].codes == 1).sum())


def test_a_sample_without_identities_has_no_false_non_match_rate_and_says_so() -> None:
    sample = degraded(3, 150, [NOISE, NOISE], pictures=1)
    found = _audited(sample)
    assert "false non-match rates cannot be measured" in " ".join(found.notes)
    for rate in found.attributes[0].thresholds[0].false_non_match.rates:
        assert (rate.rate, rate.interval, rate.told) == (None, None, "not measured")
    assert found.attributes[0].thresholds[0].false_non_match.spread is None


def test_the_matrix_is_symmetric_and_everybody_is_its_sum() -> None:
    sample = degraded(4, 90, [NOISE] * 3)
    at = _audited(sample).attributes[0].thresholds[0]
    for one in range(3):
        assert at.pairs[one][one] == at.false_match.rates[one]
        for two in range(3):
            assert at.pairs[one][two].errors == at.pairs[two][one].errors
        others = sum(at.pairs[one][two].trials for two in range(3) if two != one)
        assert at.everybody[one].trials == others + 2 * at.pairs[one][one].trials


def test_the_same_sample_gives_the_same_findings() -> None:
    sample = degraded(5, 80, [NOISE, MORE_NOISE])
    assert _audited(sample) == _audited(sample)


def test_several_ways_to_group_are_also_crossed() -> None:
    one = Attribute.of("sex", ["f", "m", "f", "m"])
    two = Attribute.of("age", ["old", "old", "young", "young"])
    assert [each.names for each in crossed([one, two])][-1] == ("f × old", "f × young", "m × old", "m × young")
    days = Attribute.of("day", [str(place % 7) for place in range(70)])
    hours = Attribute.of("hour", [str(place % 10) for place in range(70)])
    assert crossed([days, hours]) == (days, hours), "70 groups at once would be too many"


def test_too_many_groups_or_none_are_refused() -> None:
    with pytest.raises(SampleError, match="at most 40"):
        Attribute.of("postcode", [str(place) for place in range(41)])
    sample = degraded(6, 20, [NOISE])
    with pytest.raises(SampleError, match="no column of groups"):
        _audited(replace(sample, attributes=()))
    with pytest.raises(SampleError, match="fewer than two people"):
        findings(replace(sample, enrolled=np.zeros(len(sample), bool)), [Threshold("any", 0.5)])


def test_a_rule_that_turns_the_bad_pictures_away_evens_the_errors_out() -> None:
    """Half of one group's pictures are ruined, and the filter knows which."""
    clean, ruined = degraded(7, 240, [NOISE, NOISE], pictures=6), degraded(7, 240, [NOISE, 3.0], pictures=6)
    bad = (clean.attributes[0].codes == 1) & (np.arange(len(clean)) % 2 == 0)
    vectors = np.where(bad[:, None], ruined.embeddings, clean.embeddings)
    sample = replace(clean, embeddings=vectors, rejected={"HIGH": bad, "AUTO": np.zeros(len(clean), bool)})
    thresholds = [Threshold("loose", at_rate(sample, 1e-3))]
    plain = findings(sample, thresholds, ())
    tried = abstentions(sample, plain, thresholds)
    found = {each.rule: each for each in tried}
    assert FALSE_NON_MATCH in found[NO_RULE].found
    assert FALSE_NON_MATCH in found["QualityFilter AUTO"].found
    assert FALSE_NON_MATCH not in found["QualityFilter HIGH"].found
    # What it costs: half of the group can no longer be enrolled, and that is found in turn.
    assert found["QualityFilter HIGH"].refused == [0.0, 0.5]
    assert FAILURE_TO_ENROL in found["QualityFilter HIGH"].found
    (remedy,) = [each for each in remedies(plain, tried) if each.measure == FALSE_NON_MATCH]
    assert remedy.rules == ["QualityFilter HIGH (refusing 50 % of group 1 and 0 % of group 0)"]
