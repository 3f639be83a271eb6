"""Small counts, against a reader who knows the program, the total, and everything that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from regard.stewardship.reports.suppression import WITHHELD, Breakdown, small_unsaid, suppressed

KS = st.integers(2, 6)
NAMES = [*"abcdef"]


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, int], int]:
    k = draw(KS)
    counts = st.one_of(st.integers(1, k), st.integers(1, 4 * k), st.integers(1, 10_000))
    return draw(st.dictionaries(st.sampled_from(NAMES), counts, max_size=5)), k


def _worlds(shown: Breakdown, k: int) -> Iterator[dict[str, int]]:
    """Every table that this could have been made from."""
    assert shown.rows is not None
    small = [name for name, count in shown.rows.items() if count == f"<{k}"]
    withheld = [name for name, count in shown.rows.items() if count == WITHHELD]
    told = {name: count for name, count in shown.rows.items() if isinstance(count, int)}
    for guess in product(range(1, k), repeat=len(small)):
        rest = shown.total - sum(told.values()) - sum(guess)
        world = told | dict(zip(small, guess, strict=True)) | dict.fromkeys(withheld, rest)
        if suppressed(world, k) == shown:
            yield world


@given(tables())
def test_a_small_count_could_be_any_small_count(given: tuple[dict[str, int], int]) -> None:
    counts, k = given
    shown = suppressed(counts, k)
    if shown.rows is None:
        return
    small = {name for name, count in counts.items() if count < k}
    found: dict[str, set[int]] = {name: set() for name in small}
    for world in _worlds(shown, k):
        for name in small:
            found[name].add(world[name])
    assert all(values == set(range(1, k)) for values in found.values())


@given(tables())
def test_what_is_shown_is_true(given: tuple[dict[str, int], int]) -> None:
    counts, k = given
    shown = suppressed(counts, k)
    assert shown.total == sum(counts.values())
    if shown.rows is None:
        assert any(count < k for count in counts.values())
        return
    assert list(shown.rows) == sorted(counts)
    for name, told in shown.rows.items():
        assert told == counts[name] or (counts[name] < k) == (told == f"<{k}")
    hidden = [name for name, told in shown.rows.items() if isinstance(told, str)]
    assert shown.together == sum(counts[name] for name in hidden)
    assert len(hidden) != 1


@given(tables())
def test_the_order_of_the_log_changes_nothing(given: tuple[dict[str, int], int]) -> None:
    counts, k = given
    assert suppressed(dict(reversed(counts.items())), k) == suppressed(counts, k)


def test_counts_that_are_large_enough_are_all_shown() -> None:
    assert suppressed({"b": 5, "a": 7}) == Breakdown(12, {"a": 7, "b": 5})
    assert suppressed({}) == Breakdown(0, {})


def test_one_small_count_takes_another_with_it() -> None:
    assert suppressed({"a": 100, "b": 2, "c": 50}) == Breakdown(152, {"a": WITHHELD, "b": "<5", "c": 50}, 102)


def test_a_table_of_small_counts_is_not_broken_down() -> None:
    assert suppressed({"a": 1, "b": 4}) == Breakdown(5)
    assert suppressed({"a": 5, "b": 1, "c": 900}) == Breakdown(906)


@given(tables())
def test_of_operations_only_the_small_counts_are_unsaid(given: tuple[dict[str, int], int]) -> None:
    counts, k = given
    shown = small_unsaid(counts, k)
    assert shown.rows == {name: f"<{k}" if count < k else count for name, count in sorted(counts.items())}
    small = [count for count in counts.values() if count < k]
    assert shown.total == sum(counts.values())
    # What one alone comes to is not pointed at.
    assert shown.together == (sum(small) if len(small) > 1 else 0)
