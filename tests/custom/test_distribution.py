"""Distribution: a fifth goes to the test, of each label about a fifth, and no label is on one side alone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.custom.distribution import LEAST_IMAGES, TooFewImages, chosen
from regard.custom.judged import Judged


def lines(*names: tuple[str, ...]) -> list[tuple[int, Judged]]:
    return [
        (number, Judged(source=f"s3://bucket/{number}.png", labels=of, usable=bool(of)))
        for number, of in enumerate(names, 1)
    ]


def test_a_fifth_goes_of_each_label_and_the_same_each_time() -> None:
    given_lines = lines(*[("screw",)] * 50, *[("nut",)] * 25, *[()] * 10)
    gone = chosen(given_lines)
    assert Counter(dict(given_lines)[number].labels for number in gone) == {("screw",): 10, ("nut",): 5, (): 2}
    assert chosen(given_lines) == gone == sorted(gone)
    assert gone != list(range(gone[0], gone[0] + len(gone)))


def test_a_label_of_one_picture_cannot_be_on_both_sides() -> None:
    with pytest.raises(TooFewImages, match="“nut”"):
        chosen(lines(("screw",), ("screw",), ("nut",)))
    assert chosen([]) == []


@given(st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3).map(sorted).map(tuple), max_size=60))
def test_every_label_stays_and_about_a_fifth_of_it_goes(names: list[tuple[str, ...]]) -> None:
    counts = Counter(name for of in names for name in of)
    enough = [of for of in names if all(counts[name] >= LEAST_IMAGES for name in of)]
    counts = Counter(name for of in enough for name in of)
    enough = [of for of in enough if all(counts[name] >= LEAST_IMAGES for name in of)]
    counts = Counter(name for of in enough for name in of)
    if any(count < LEAST_IMAGES for count in counts.values()):
        return
    given_lines = dict(lines(*enough))
    went = Counter(name for number in chosen(given_lines.items()) for name in given_lines[number].labels)
    assert all(0 <= went[name] < count for name, count in counts.items())
    alone = Counter(of[0] for of in enough if len(of) == 1)
    assert all(went[name] >= 1 for name, count in alone.items() if count == counts[name])
