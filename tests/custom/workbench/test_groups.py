"""What is taken for what: pictures of the test in the cells of a matrix."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from regard.custom.workbench.charts import curve_of, precision_recall
from regard.custom.workbench.groups import NOTHING, Matrix, figures_of, matrix_of
from regard.custom.workbench.kept import Asked, Results
from regard.evaluation.custom.results import LabelReport
from regard.evaluation.statistics.intervals import Interval
from tests.helpers.many_labels import many


def _results(*pictures: tuple[list[str], list[float]], names: tuple[str, str] = ("nut", "screw")) -> Results:
    labels = [LabelReport(name, 0.5, 0.5, 0.5, 0.5, 2, 10, "") for name in names]
    asked = [Asked(f"{number}.png", "", shows, scores) for number, (shows, scores) in enumerate(pictures)]
    means = (0.5, 0.5, 0.5, Interval(0.2, 0.8), 0.5, None)
    return Results(1, "parts", 20, labels, *means, [], None, "", asked, [], {})


def _counts(matrix: Matrix) -> dict[str, list[int]]:
    return {name: [each.count if each else 0 for each in row] for name, row in matrix.square}


def test_each_picture_is_in_the_cell_of_what_it_shows_and_the_surest_label_that_is_told() -> None:
    found = matrix_of(_results((["nut"], [0.9, 0.8]), (["nut"], [0.6, 0.7]), (["screw"], [0.1, 0.2])))
    assert found.columns == ["nut", "screw", NOTHING]
    assert _counts(found) == {"nut": [1, 1, 0], "screw": [0, 0, 1]}
    assert [each.title for each in found.groups] == ["nut: told as screw", "nut, told", "screw: nothing told"]


def test_of_pictures_with_several_labels_each_label_stands_by_itself() -> None:
    found = matrix_of(_results((["nut", "screw"], [0.9, 0.1]), (["nut"], [0.2, 0.8])))
    assert _counts(found) == {"nut": [1, 1, 0], "screw": [0, 1, 1]}


def test_a_label_that_was_not_learned_has_no_row() -> None:
    assert _counts(matrix_of(_results((["bolt"], [0.9, 0.1])))) == {"nut": [0, 0, 0], "screw": [0, 0, 0]}


def test_a_label_that_is_named_as_nothing_told_is_a_label() -> None:
    pictures = (["nut"], [0.1, 0.9]), (["nut"], [0.1, 0.1]), ([NOTHING], [0.9, 0.1])
    assert _counts(matrix_of(_results(*pictures, names=("nut", NOTHING)))) == {"nut": [0, 1, 1], NOTHING: [1, 0, 0]}


def test_of_many_labels_only_cells_with_pictures_are_there_and_what_is_confused_most_comes_first() -> None:
    results = many(250)["two"]
    found = matrix_of(results)
    assert len(found.cells) <= len(results.pictures)
    assert sorted(each.path for group in found.groups for each in group.pictures) == sorted(
        each.path for each in results.pictures
    )
    counts = [len(each.pictures) for each in found.pairs]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == sum(not results.right(each) for each in results.pictures)


@pytest.mark.parametrize("second", [["screw"], ["nut", "screw"]])
def test_the_figures_of_a_test_make_the_same_matrix_and_curves_without_its_pictures(
    second: list[str],
) -> None:
    whole = _results((["nut"], [0.9, 0.8]), (["nut"], [0.6, 0.7]), (second, [0.1, 0.2]))
    figures = figures_of(whole)
    bare = msgspec.structs.replace(whole, pictures=[], figures=figures)
    assert _counts(matrix_of(bare)) == _counts(matrix_of(whole))
    for one, other in zip(matrix_of(bare).groups, matrix_of(whole).groups, strict=True):
        assert (one.title, one.anchor, one.wrong, one.count) == (other.title, other.anchor, other.wrong, other.count)
    assert [precision_recall(bare, name) for name in whole.names] == [
        precision_recall(whole, name) for name in whole.names
    ]
    assert (figures.pictures, figures.wrong, figures.twins) == (3, 3, 0)
    assert b".png" not in msgspec.msgpack.encode(figures)


def test_of_many_labels_the_figures_are_small_and_draw_the_weakest() -> None:
    results = many(250)["two"]
    figures = figures_of(results)
    assert len(msgspec.msgpack.encode(figures)) < 100_000
    drawn = {results.names[place] for place, _ in figures.curves}
    assert drawn == {each.name for each in sorted(results.labels, key=lambda each: each.f1)[:24]}
    for place, curve in figures.curves:
        points = curve_of(results, place).points
        assert curve.points[0] == points[0]
        assert curve.points[-1] == points[-1]
        assert set(curve.points) <= set(points)


def test_labels_without_a_picture_in_the_test_take_no_place_among_the_curves() -> None:
    results = many(250)["two"]
    labels = [replace(each, f1=0.0, n=0) for each in results.labels[:50]]
    figures = figures_of(msgspec.structs.replace(results, labels=[*labels, *results.labels[50:]]))
    assert len(figures.curves) == 24
    assert min(place for place, _ in figures.curves) >= 50
