"""The index: exact, whatever came and went."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.gallery.fusion import fused
from regard.gallery.index import Index
from tests.fakes import person

NAMES = st.sampled_from([f"face-{number}" for number in range(12)])
STEPS = st.lists(st.tuples(st.booleans(), NAMES, st.integers(0, 5)), max_size=60)


def _brute_force(
    vectors: dict[str, NDArray[np.float32]], query: NDArray[np.float32], most: int, at_least: float
) -> list[str]:
    exact = query.astype(np.float64)
    scores = {name: round(float(vector.astype(np.float64) @ exact), 6) for name, vector in vectors.items()}
    near = [name for name, score in scores.items() if score >= at_least]
    return sorted(near, key=lambda name: (-scores[name], name))[:most]


@given(STEPS, st.integers(0, 5), st.integers(1, 14), st.sampled_from([-1.0, 0.0, 0.5]))
def test_a_search_finds_what_brute_force_finds(
    steps: list[tuple[bool, str, int]], probe: int, most: int, at_least: float
) -> None:
    index, vectors = Index(), dict[str, NDArray[np.float32]]()
    for added, name, number in steps:
        if added:
            vectors[name] = person(number, 16)
            index.add([name], [vectors[name]])
        else:
            vectors.pop(name, None)
            index.remove([name])
    assert index.ids == vectors.keys()
    found = index.search(person(probe, 16), most, at_least)
    assert [name for name, _ in found] == _brute_force(vectors, person(probe, 16), most, at_least)


@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from([-1.0, 0.1]))
def test_a_crowd_of_near_equals_is_ranked_as_brute_force_ranks_it(seed: int, most: int, at_least: float) -> None:
    chance = np.random.default_rng(seed)
    crowd = person(1) + chance.choice([0, 1e-7, 1e-6, 0.1], (50, 1)) * chance.standard_normal((50, 128))
    rows = (crowd / np.linalg.norm(crowd, axis=1, keepdims=True)).astype(np.float32)
    vectors = {f"face-{number}": row for number, row in enumerate(rows)}
    index = Index()
    index.add(list(vectors), list(vectors.values()))
    found = index.search(person(1), most, at_least)
    assert [name for name, _ in found] == _brute_force(vectors, person(1), most, at_least)


def test_a_face_equals_itself_at_the_highest_threshold() -> None:
    index = Index()
    index.add([str(number) for number in range(100)], [person(number) for number in range(100)])
    assert all(index.search(person(number), 5, 1.0) == [(str(number), 1.0)] for number in range(100))


def test_what_is_excluded_is_not_found() -> None:
    index = Index()
    index.add(["a", "b"], [person(1), person(1)])
    assert [name for name, _ in index.search(person(1), 5, 0.5, without=["a"])] == ["b"]


def test_equals_are_ordered_by_their_ids() -> None:
    index = Index()
    index.add(["c", "a", "b"], [person(1)] * 3)
    assert [name for name, _ in index.search(person(1), 2, 0.5)] == ["a", "b"]


def test_an_empty_index_finds_nothing() -> None:
    assert Index().search(person(1), 5, -1.0) == []


def test_a_vector_given_out_does_not_change_when_its_row_does() -> None:
    index = Index()
    index.add(["a"], [person(1)])
    given_out = index.vector("a")
    index.add(["a"], [person(2)])
    np.testing.assert_array_equal(given_out, person(1))


def test_a_fused_vector_lies_between_its_faces_and_has_length_one() -> None:
    both = fused([person(1), person(2)])
    assert np.isclose(np.linalg.norm(both), 1)
    assert np.isclose(both @ person(1), both @ person(2))


def test_faces_that_cancel_out_are_stood_for_by_the_first() -> None:
    np.testing.assert_array_equal(fused([person(1), -person(1)]), person(1))
