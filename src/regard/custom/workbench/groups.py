"""Pictures of the test by what they show and what is told of them: what is confused, and what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regard.custom.workbench.charts import curve_of
from regard.custom.workbench.figures import Curve, Figures
from regard.custom.workbench.kept import Asked, Results

NOTHING = "nothing told"
# Curves that are kept without pictures, of the labels with the least F1, and points of each: a page draws no more.
MOST_CURVES, MOST_POINTS = 24, 60


@dataclass(slots=True)
class Group:
    """Pictures of one cell of the matrix; `anchor` is what it is found by on the page.

    Of a test without its pictures it is known how many there were (`counted`), and no more.
    """

    title: str
    anchor: str
    wrong: bool
    pictures: list[Asked] = field(default_factory=list)
    counted: int = 0

    @property
    def count(self) -> int:
        """How many pictures it has."""
        return len(self.pictures) or self.counted


@dataclass(frozen=True, slots=True)
class Matrix:
    """Labels in `rows`, what is told of their pictures in `columns`; `told` says what all of it is.

    `cells` are those that have pictures, by row and column, from 0: of 250 labels there are 62,750, and of few pictures
    nearly all are empty.
    """

    told: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[int, int], Group]

    @property
    def square(self) -> list[tuple[str, list[Group | None]]]:
        """All of it, row by row: the label and its cells, None where there are no pictures."""
        across = range(len(self.columns))
        return [(name, [self.cells.get((row, column)) for column in across]) for row, name in enumerate(self.rows)]

    @property
    def groups(self) -> list[Group]:
        """The cells with pictures; row by row, what is wrong first and the most pictures first."""
        return [self.cells[place] for place in sorted(self.cells, key=self._rank)]

    @property
    def pairs(self) -> list[Group]:
        """What is confused: the cells that are wrong, the most pictures first. Whatever is not here is at zero."""
        return sorted((each for each in self.groups if each.wrong), key=lambda each: -each.count)

    def _rank(self, place: tuple[int, int]) -> tuple[int, bool, int, int]:
        cell = self.cells[place]
        return place[0], not cell.wrong, -cell.count, place[1]


def matrix_of(results: Results) -> Matrix:
    """What is taken for what: by the surest label that is told, where each picture shows one; else label by label.

    What was not learned has no row.
    """
    if results.figures is not None and not results.pictures:
        return _counted(results.names, results.figures)
    if all(len(each.shows) == 1 for each in results.pictures):
        return _confused(results)
    return _apart(results)


def _confused(results: Results) -> Matrix:
    names, cells = results.names, dict[tuple[int, int], Group]()
    places = {name: place for place, name in enumerate(names)}
    for each in results.pictures:
        shown, told = each.shows[0], next(iter(results.told(each)), None)
        if shown in places:
            column = len(names) if told is None else places[told]
            _put(cells, (places[shown], column), _told(shown, told), shown != told, each)
    whole = "Test pictures by what they show, and the surest label that is told."
    return Matrix(whole, names, [*names, NOTHING], cells)


def _counted(names: Sequence[str], figures: Figures) -> Matrix:
    """The matrix of a test without its pictures."""
    columns, cells = figures.columns, dict[tuple[int, int], Group]()
    # One label a picture: what is told of it stands across, too.
    square = columns[-1] == NOTHING
    for row, column, count in figures.cells:
        if square:
            told = names[column] if column < len(names) else None
            title, wrong = _told(names[row], told), row != column
        else:
            title, wrong = f"{names[row]}: {columns[column]}", column > 0
        cells[row, column] = Group(title, _anchor(row, column), wrong, counted=count)
    return Matrix(figures.told, names, columns, cells)


def figures_of(results: Results) -> Figures:
    """What a test came to, without a word of its pictures."""
    matrix, names = matrix_of(results), results.names
    weakest = [names.index(each.name) for each in results.tested[:MOST_CURVES]]
    return Figures(
        len(results.pictures),
        sum(not results.right(each) for each in results.pictures),
        len(results.twins),
        matrix.told,
        tuple(matrix.columns),
        tuple((*place, cell.count) for place, cell in sorted(matrix.cells.items())),
        tuple((place, _thinned(curve_of(results, place))) for place in weakest),
    )


def _thinned(curve: Curve) -> Curve:
    """A curve of fewer points, with its ends."""
    points = curve.points
    if len(points) <= MOST_POINTS:
        return curve
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return Curve(tuple(points[round(number * step)] for number in range(MOST_POINTS)), curve.dot)


def _told(shown: str, told: str | None) -> str:
    return f"{shown}, told" if shown == told else f"{shown}: {NOTHING if told is None else f'told as {told}'}"


def _apart(results: Results) -> Matrix:
    names, columns, cells = results.names, ["told", "missed", "told, not shown"], dict[tuple[int, int], Group]()
    places = {name: place for place, name in enumerate(names)}
    for each in results.pictures:
        shown, told = {name for name in each.shows if name in places}, set(results.told(each))
        for name in sorted(shown | told, key=places.__getitem__):
            column = 2 if name not in shown else 0 if name in told else 1
            _put(cells, (places[name], column), f"{name}: {columns[column]}", column > 0, each)
    return Matrix("Test pictures show several labels, or none: each label by itself.", names, columns, cells)


def _put(cells: dict[tuple[int, int], Group], place: tuple[int, int], title: str, wrong: bool, picture: Asked) -> None:
    if place not in cells:
        cells[place] = Group(title, _anchor(*place), wrong)
    cells[place].pictures.append(picture)


def _anchor(row: int, column: int) -> str:
    return f"c-{row}-{column}"
