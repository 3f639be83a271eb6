"""A figure over time as a line."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from regard.evaluation.lines import line


def heights(svg: str) -> list[float]:
    return [float(each) for each in re.findall(r'<circle [^>]*cy="([\d.]+)"', svg)]


def test_twice_as_much_stands_twice_as_high() -> None:
    svg = line("calls", ["a", "b", "c"], [0, 50, 100])
    bottom, middle, top = heights(svg)
    assert bottom - top == pytest.approx(2 * (bottom - middle))
    assert svg.count("<polyline") == 1
    assert "50" in svg


def test_what_is_not_told_is_a_gap_and_not_nothing() -> None:
    svg = line("calls", list("abcde"), [1, 2, None, 2, 1])
    assert (svg.count("<polyline"), len(heights(svg))) == (2, 4)


@pytest.mark.parametrize("figures", [[None], [0], [3], [2_500_000.0, 1]])
def test_whatever_it_is_it_stands_within_the_picture(figures: list[float | None]) -> None:
    svg = line("<calls> & more", [f"<{place}>" for place in range(len(figures))], figures)
    root = ElementTree.fromstring(svg)
    height = float(root.attrib["height"])
    assert all(0 <= each <= height for each in heights(svg))


def test_a_line_through_nothing_is_refused() -> None:
    for names, figures in (([], []), (["a"], [1.0, 2.0])):
        with pytest.raises(ValueError, match="make no line"):
            line("calls", names, figures)
