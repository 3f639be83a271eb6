"""Pictures of the test by what they show and what is told of them: what is confused, and what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regard.custom.workbench.kept import Asked, Results

NOTHING = "nothing told"


@dataclass(slots=True)
class Group:
    """Pictures of one cell of the matrix; `anchor` is what it is found by on the page."""

    title: str
    anchor: str
    wrong: bool
    pictures: list[Asked] = field(default_factory=list)


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
        return sorted((each for each in self.groups if each.wrong), key=lambda each: -len(each.pictures))

    def _rank(self, place: tuple[int, int]) -> tuple[int, bool, int, int]:
        cell = self.cells[place]
        return place[0], not cell.wrong, -len(cell.pictures), place[1]


def matrix_of(results: Results) -> Matrix:
    """What is taken for what: by the surest label that is told, where each picture shows one; else label by label.

    What was not learned has no row.
    """
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
        cells[place] = Group(title, f"c-{place[0]}-{place[1]}", wrong)
    cells[place].pictures.append(picture)
