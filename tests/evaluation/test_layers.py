"""A graph drawn in layers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.evaluation.layers import layered

NODES = "abcdefgh"
ties = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=20)


def places(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<rect [^>]*x="([\d.]+)" y="([\d.]+)"', svg)]


def test_who_supplies_stands_left_of_whom_they_supply() -> None:
    names = {"a": "Maker", "b": "Seller", "c": "Police"}
    svg = layered("ties", names, [("a", "b"), ("b", "c"), ("a", "c")], {("b", "c")})
    (a, _), (b, _), (c, _) = places(svg)
    assert a < b < c
    assert svg.count('class="line other"') == 1
    assert svg.count('class="node other"') == 2


def test_names_of_strangers_are_text_and_long_ones_are_cut() -> None:
    svg = layered("<t>", {"a": "<script>x</script>", "b": "n" * 80}, [])
    assert "<script" not in svg
    assert "n" * 21 + "…" in svg


@given(ties)
def test_whatever_the_ties_each_node_has_a_place_of_its_own_in_the_picture(drawn: list[tuple[str, str]]) -> None:
    svg = layered("ties", {each: each for each in NODES}, drawn, set(drawn[:2]))
    root = ElementTree.fromstring(svg)
    found = places(svg)
    assert len(set(found)) == len(NODES)
    assert all(x + 168 <= float(root.attrib["width"]) for x, _ in found)
    assert all(y + 28 <= float(root.attrib["height"]) for _, y in found)
    assert svg.count("<path") == len({tie for tie in drawn if tie[0] != tie[1]})


def test_nobody_is_no_picture() -> None:
    with pytest.raises(ValueError, match="no nodes"):
        layered("ties", {}, [])
