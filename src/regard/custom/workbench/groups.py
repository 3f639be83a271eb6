"""Pictures of the test by what they show and what is told of them: what is confused, and what is right."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Groups in rows, one a label; `columns` say what they have in common, across; `told` what all of it is."""

    told: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Group]]]

    @property
    def groups(self) -> list[Group]:
        """Those with pictures; row by row, what is wrong first and the most pictures first."""
        return [
            each
            for _, row in self.rows
            for each in sorted(row, key=lambda each: (not each.wrong, -len(each.pictures)))
            if each.pictures
        ]


def matrix_of(results: Results) -> Matrix:
    """What is taken for what: by the surest label that is told, where each picture shows one; else label by label.

    What was not learned has no row.
    """
    if all(len(each.shows) == 1 for each in results.pictures):
        return _confused(results)
    return _apart(results)


def _confused(results: Results) -> Matrix:
    names = results.names
    columns = [*names, NOTHING]
    rows = [
        (shown, [Group(_told(shown, told), f"c-{row}-{column}", shown != told) for column, told in enumerate(columns)])
        for row, shown in enumerate(names)
    ]
    for each in results.pictures:
        if each.shows[0] in names:
            told = next(iter(results.told(each)), NOTHING)
            rows[names.index(each.shows[0])][1][columns.index(told)].pictures.append(each)
    return Matrix("Test pictures by what they show, and the surest label that is told.", columns, rows)


def _told(shown: str, told: str) -> str:
    return f"{shown}, told" if shown == told else f"{shown}: {told if told is NOTHING else f'told as {told}'}"


def _apart(results: Results) -> Matrix:
    columns = ["told", "missed", "told, not shown"]
    rows = []
    for row, name in enumerate(results.names):
        groups = [Group(f"{name}: {column}", f"c-{row}-{place}", place > 0) for place, column in enumerate(columns)]
        for each in results.pictures:
            shown, told = name in each.shows, name in results.told(each)
            if shown or told:
                groups[0 if shown and told else 1 if shown else 2].pictures.append(each)
        rows.append((name, groups))
    return Matrix("Test pictures show several labels, or none: each label by itself.", columns, rows)
