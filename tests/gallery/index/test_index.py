"""The index: exact, whatever came and went."""

from __future__ import annotations

import mmap
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.gallery.index import index as engine
from regard.gallery.index.blocks import BLOCK_ROWS, Block, Probes
from regard.gallery.index.index import Hit, Index
from regard.gallery.templates.fusion import fused
from tests.helpers.fakes import person

Vectors = dict[int, NDArray[np.float32]]
IDS = st.integers(0, 11)
STEPS = st.lists(st.tuples(st.booleans(), IDS, st.integers(0, 5)), max_size=60)
LEAST = st.sampled_from([-1.0, 0.0, 0.5])


def _brute_force(vectors: Vectors, query: NDArray[np.float32], most: int, at_least: float) -> list[Hit]:
    exact = query.astype(np.float64)
    scores = {name: round(float((vector.astype(np.float64) * exact).sum()), 6) for name, vector in vectors.items()}
    near = [name for name, score in scores.items() if score >= at_least]
    return [(name, scores[name]) for name in sorted(near, key=lambda name: (-scores[name], name))[:most]]


def _indexed(vectors: Vectors) -> Index:
    index = Index()
    index.add(list(vectors), np.stack(list(vectors.values())))
    return index


def _of_length_one(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _crowd(chance: np.random.Generator, count: int, dimensions: int) -> NDArray[np.float32]:
    """Near equals, equals, and vectors that are hard to round: a few great components among tiny ones."""
    centre = chance.standard_normal(dimensions)
    spread = chance.choice([0, 1e-7, 1e-6, 1e-3, 0.1, 2], (count, 1))
    rows = centre + spread * chance.standard_normal((count, dimensions))
    rows[chance.random(count) < 0.1, : 1 + dimensions // 16] *= 50
    return _of_length_one(rows)


@given(STEPS, st.integers(0, 5), st.integers(1, 14), LEAST, st.sampled_from([2, 1000]))
def test_a_search_finds_what_brute_force_finds(
    steps: list[tuple[bool, int, int]], probe: int, most: int, at_least: float, few: int
) -> None:
    # With few blank rows allowed, ranks are closed often.
    with patch.object(engine, "_FEW_BLANK", few), patch.object(engine, "_FIRST", few):
        index, vectors = Index(), Vectors()
        for added, name, number in steps:
            if added:
                vectors[name] = person(number, 16)
                index.add([name], vectors[name][None])
            else:
                vectors.pop(name, None)
                index.remove([name])
        assert set(index.ids.tolist()) == vectors.keys()
        assert len(index) == len(vectors)
        found = index.search(person(probe, 16), most, at_least)
    assert found == _brute_force(vectors, person(probe, 16), most, at_least)


@given(st.integers(0, 2**32), st.integers(1, 60), LEAST, st.sampled_from([1, 3, 16, 128, 512]))
def test_a_crowd_of_near_equals_is_ranked_as_brute_force_ranks_it(
    seed: int, most: int, at_least: float, dimensions: int
) -> None:
    chance = np.random.default_rng(seed)
    vectors = dict(enumerate(_crowd(chance, 300, dimensions)))
    query = _crowd(chance, 1, dimensions)[0] if seed % 2 else vectors[seed % 300]
    with patch.object(engine, "_FIRST", 64):
        found = _indexed(vectors).search(query, most, at_least)
    assert found == _brute_force(vectors, query, most, at_least)


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_queries_that_share_a_pass_find_what_each_finds_alone(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    index = _indexed(dict(enumerate(_crowd(chance, 700, 24))))
    queries = _crowd(chance, count, 24)
    assert index.search_all(queries, 5, 0.1) == [index.search(query, 5, 0.1) for query in queries]


@given(st.integers(0, 2**32), st.sampled_from([8, 32, 400]))
def test_no_product_is_higher_than_its_codes_tell(seed: int, dimensions: int) -> None:
    chance = np.random.default_rng(seed)
    rows, queries = _crowd(chance, 200, dimensions), _crowd(chance, 4, dimensions)
    block, probes = Block(dimensions, 256), Probes(queries)
    error = block.append(rows)
    slack = (1.0001 + error) * probes.error + 1e-6
    above = np.stack(list(block.scan(probes))) - queries @ rows.T.astype(np.float64)
    assert above.min() >= -slack
    assert above.max() <= 2 * error * 1.001 + slack


def test_more_vectors_than_a_block_holds_are_all_searched() -> None:
    rows = _of_length_one(np.random.default_rng(0).standard_normal((BLOCK_ROWS + 300, 8)))
    index = Index()
    index.add(np.arange(len(rows)), rows)
    assert index.search(rows[-1], 1, 0.0)[0][0] == len(rows) - 1
    index.remove(range(0, len(rows), 2))
    vectors = dict(zip(range(1, len(rows), 2), rows[1::2], strict=True))
    for probe in (rows[3], rows[-1]):
        scores = rows[1::2].astype(np.float64) @ probe
        best = {2 * int(place) + 1 for place in np.argpartition(-scores, 50)[:50]}
        expected = _brute_force({name: vectors[name] for name in best}, probe, 10, 0.0)
        assert index.search(probe, 10, 0.0) == expected


@pytest.mark.long
@given(st.integers(0, 2**32), st.integers(0, 20), st.integers(1, 30), LEAST)
def test_many_blocks_are_searched_like_one(seed: int, count: int, most: int, at_least: float) -> None:
    chance = np.random.default_rng(seed)
    rows, queries = _crowd(chance, 3000, 24), _crowd(chance, count, 24)
    gone, without = (set(chance.integers(0, len(rows), 40).tolist()) for _ in range(2))
    with patch.object(engine, "BLOCK_ROWS", 128), patch.object(engine, "_NEXT", 64), patch.object(engine, "_FIRST", 20):
        index = _indexed(dict(enumerate(rows)))
        index.remove(gone)
        found = index.search_all(queries, most, at_least, without)
    vectors = {name: row for name, row in enumerate(rows) if name not in gone | without}
    assert found == [_brute_force(vectors, query, most, at_least) for query in queries]


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_never_found_and_slows_no_other(broken: float) -> None:
    index = _indexed({1: person(1), 2: np.full_like(person(1), broken), 3: person(3)})
    index.add([3], np.full_like(person(3), broken)[None])
    assert [name for name, _ in index.search(person(1), 5, -1.0)] == [1]
    block = index._blocks[0]
    assert np.isnan(block._codes.steps[1:3]).all()
    assert block._codes.errors.max() < 1
    assert 1 <= index._longest < 1.001


def test_kernels_without_huge_pages_are_served() -> None:
    class Small(mmap.mmap):
        def madvise(self, *_: int) -> None:
            raise OSError("no huge pages")

    rows = _of_length_one(np.random.default_rng(0).standard_normal((20_000, 32)))
    with patch.object(mmap, "mmap", Small):
        index = _indexed(dict(enumerate(rows)))
    assert index.search(rows[7], 1, 0.5)[0][0] == 7


def test_vectors_take_at_most_1_4_times_their_own_bytes() -> None:
    rows = np.zeros((2 * BLOCK_ROWS, 128), np.float32)
    index = Index()
    for start in range(0, len(rows), 5000):
        index.add(np.arange(start, min(start + 5000, len(rows))), rows[start : start + 5000])
    assert index.nbytes <= 1.4 * rows.nbytes


def test_searches_run_side_by_side() -> None:
    chance = np.random.default_rng(1)
    rows = _crowd(chance, 20_000, 64)
    index = _indexed(dict(enumerate(rows)))
    alone = [index.search(row, 3, 0.2) for row in rows[:40]]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda row: index.search(row, 3, 0.2), rows[:40])) == alone


def test_an_id_that_comes_again_takes_the_place_of_its_old_vector() -> None:
    index = _indexed({5: person(1), 7: person(2)})
    index.add([9, 5], np.stack([person(3), person(4)]))
    assert len(index) == 3
    assert index.search(person(1), 5, 0.9) == []
    assert index.search(person(4), 5, 0.9) == [(5, 1.0)]


def test_an_id_may_come_after_a_higher_one_and_be_removed() -> None:
    index = _indexed({9: person(1), 3: person(2), 4: person(3)})
    np.testing.assert_array_equal(index.vector(3), person(2))
    index.remove([3])
    assert index.vector(3) is None
    index.add([3], person(4)[None])
    np.testing.assert_array_equal(index.vector(3), person(4))


def test_a_face_equals_itself_at_the_highest_threshold() -> None:
    index = _indexed({number: person(number) for number in range(100)})
    assert all(index.search(person(number), 5, 1.0) == [(number, 1.0)] for number in range(100))


def test_what_is_excluded_is_not_found() -> None:
    index = _indexed({1: person(1), 2: person(1)})
    assert [name for name, _ in index.search(person(1), 5, 0.5, without=[1, 99])] == [2]


def test_equals_are_ordered_by_their_ids() -> None:
    index = _indexed({3: person(1), 1: person(1), 2: person(1)})
    assert [name for name, _ in index.search(person(1), 2, 0.5)] == [1, 2]


def test_an_empty_index_finds_nothing() -> None:
    assert Index().search(person(1), 5, -1.0) == []


def test_a_vector_given_out_does_not_change_when_its_row_does() -> None:
    index = _indexed({1: person(1)})
    given_out = index.vector(1)
    index.add([1], person(2)[None])
    np.testing.assert_array_equal(given_out, person(1))


@pytest.mark.parametrize("dimensions", [1, 7, 128])
def test_a_vector_of_zeros_is_like_nobody(dimensions: int) -> None:
    index = _indexed({1: np.zeros(dimensions, np.float32)})
    assert index.search(person(1, dimensions), 5, -1.0) == [(1, 0.0)]


def test_a_fused_vector_lies_between_its_faces_and_has_length_one() -> None:
    both = fused([person(1), person(2)])
    assert np.isclose(np.linalg.norm(both), 1)
    assert np.isclose(both @ person(1), both @ person(2))


def test_faces_that_cancel_out_are_stood_for_by_the_first() -> None:
    np.testing.assert_array_equal(fused([person(1), -person(1)]), person(1))
