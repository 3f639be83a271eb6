from __future__ import annotations

import itertools
import random
from collections import deque
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from regard.stewardship.parties.reach import Reach

MARKS = ("law-enforcement", "intelligence", "refused")


def _by_breadth(marks: dict[str, set[str]], edges: list[tuple[str, str]], start: str) -> dict[str, int]:
    """Each mark that can be reached, and over how many hands: the slow obvious way."""
    found: dict[str, int] = {}
    seen, waiting = {start}, deque([(start, 0)])
    while waiting:
        here, far = waiting.popleft()
        for mark in marks.get(here, ()):
            found.setdefault(mark, far)
        for source, target in edges:
            if source == here and target not in seen:
                seen.add(target)
                waiting.append((target, far + 1))
    return found


def test_the_first_of_the_moments_that_are_reached_counts_around_every_cycle() -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "a")]
    reach = Reach(dict.fromkeys("abcdef", ()), edges, {"b": 7.0, "d": 3.0, "e": 1.0})
    assert [reach.first(node) for node in "abcdef"] == [3.0, 3.0, 3.0, 3.0, 1.0, inf]
    assert reach.path_to("e", {"d"}.__contains__) == ("e", "a", "b", "c", "d")


def _agrees(marks: dict[str, set[str]], edges: list[tuple[str, str]]) -> None:
    reach = Reach(marks, edges)
    pairs = set(edges)
    for node in marks:
        expected = _by_breadth(marks, edges, node)
        assert reach.marks(node) == set(expected)
        for mark, far in expected.items():
            path = reach.path(node, mark)
            assert path[0] == node
            assert mark in marks[path[-1]]
            assert len(path) == far + 1
            assert set(itertools.pairwise(path)) <= pairs
        for mark in set(MARKS) - set(expected):
            assert reach.path(node, mark) == ()


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_small_graph_agrees_with_breadth_first_search(data: st.DataObject) -> None:
    nodes = [str(number) for number in range(data.draw(st.integers(1, 12)))]
    ends = st.sampled_from(nodes)
    edges = data.draw(st.lists(st.tuples(ends, ends), max_size=40))
    marks = {node: data.draw(st.sets(st.sampled_from(MARKS), max_size=2)) for node in nodes}
    _agrees(marks, edges)


def test_random_cyclic_graphs_agree_with_breadth_first_search(scale: float) -> None:
    chance = random.Random(7)
    for _ in range(round(1_000 * scale)):
        nodes = [str(number) for number in range(chance.randint(5, 30))]
        edges = [(chance.choice(nodes), chance.choice(nodes)) for _ in range(chance.randint(5, 60))]
        # One cycle at least, through a third of the nodes.
        ring = chance.sample(nodes, max(2, len(nodes) // 3))
        edges += list(zip(ring, ring[1:] + ring[:1], strict=True))
        marks = {node: {chance.choice(MARKS)} if chance.random() < 0.1 else set() for node in nodes}
        _agrees(marks, edges)


def test_a_chain_of_twenty_thousand_hands_is_followed() -> None:
    last = 20_000
    marks = {str(number): ["refused"] if number == last else [] for number in range(last + 1)}
    reach = Reach(marks, [(str(number), str(number + 1)) for number in range(last)])
    assert reach.marks("0") == {"refused"}
    assert len(reach.path("0", "refused")) == last + 1


def test_who_is_not_in_the_graph_reaches_nobody() -> None:
    assert Reach({}, []).marks("nobody") == frozenset()
