"""Tables in a terminal of 80 columns: no line is longer, nothing is cut, and what is copied stays in one piece."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from rich.console import Console

import regard.commands
from regard.commands.common.output import out, table

ROOM = Path(regard.commands.__file__).parent
WIDTH = 80
# Characters that no heading has: each column of a row is told by its own.
MARKS = "αβγδεζηθικλμ"
# How long what a column shows may well be, in words of this many characters. Others: a number.
NUMBER, ID, NAME, TIME, PATH, SENTENCE = (5,), (36,), (24, 12), (17,), (90,), (9, 3, 11, 6, 8, 4, 14, 7, 3)
LENGTHS = {
    **dict.fromkeys(("Name", "name", "person", "User", "member", "by", "Picture", "Written to"), NAME),
    "Id": ID,
    **dict.fromkeys(("filed", "due", "at"), TIME),
    **dict.fromkeys(("says", "source", "title", "What is missing, or why", "What it does", "Basis"), SENTENCE),
    **dict.fromkeys(("Not enrolled", "Links", "ARN", "key"), PATH),
    **dict.fromkeys(("Reason", "Labels", "Right", "Members", "rules", "Task, origin, claimed accuracy"), SENTENCE),
    **dict.fromkeys(("Line", "when", "False match", "False non-match", "Threshold", "Parents"), (11, 8, 9)),
    **dict.fromkeys(("Collection", "collection", "organization", "Group", "Flow", "Reviewer"), (16,)),
    **dict.fromkeys(("rule", "Variable", "Operation"), (30,)),
    **dict.fromkeys(("Label", "Parent", "Wears", "call", "operation"), (14, 10)),
    **dict.fromkeys(("State", "state", "outcome", "standing", "sector", "kind", "role", "purpose"), (10,)),
    **dict.fromkeys(("id", "report", "hash", "Organization"), (12,)),
    "receipt": (32,),
    "Seal": (32,),
    "Key": (20,),
    "Expires": (20,),
    "Made": (10, 5),
    "attested until": (7, 2, 6),
    "Value": (5, 6, 5, 6),
    "Attribute": (13,),
    "Licence": (12,),
    "Default": (24,),
    "Left open": (11, 5),
    "entry": (12,),
    "Failure to enrol": (5, 4, 1),
}


@dataclass(frozen=True, slots=True)
class Made:
    """A table that a command makes: where, its headings, and the columns that stay in one piece."""

    place: str
    columns: tuple[str, ...]
    whole: tuple[str, ...]


def _tables() -> Iterator[Made]:
    """Every table below `commands/`, by its source."""
    for file in sorted(ROOM.rglob("*.py")):
        module = ".".join(("regard.commands", *file.relative_to(ROOM).with_suffix("").parts))
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            place = f"{file.name}:{node.lineno}"
            if node.func.id == "table" and not _passed_on(node):
                whole = next((each.value for each in node.keywords if each.arg == "whole"), None)
                columns = [name for each in node.args for name in _names(each, module)]
                yield Made(place, tuple(columns), tuple(ast.literal_eval(whole)) if whole else ())
            elif node.func.id == "ask_of_each":
                yield Made(place, tuple(_names(ast.Starred(node.args[2]), module)), ())


def _passed_on(node: ast.Call) -> bool:
    """Whether the headings are a parameter, named where the function is called."""
    first = node.args[0]
    return isinstance(first, ast.Starred) and isinstance(first.value, ast.Name) and first.value.id.islower()


def _names(node: ast.expr, module: str) -> list[str]:
    if not isinstance(node, ast.Starred):
        return [ast.literal_eval(node)]
    if isinstance(node.value, ast.Name):
        return list(getattr(import_module(module), node.value.id))
    return list(ast.literal_eval(node.value))


TABLES = list(_tables())


def _shown(made: Made) -> tuple[str, list[str]]:
    """The table with one row of long cells, as 80 columns show it, and the cells."""
    # Faces of a collection have ids; those of a picture are counted.
    lengths = LENGTHS | ({"Face": ID} if "Face" in made.whole else {})
    cells = [
        " ".join(mark * length for length in lengths.get(column, NUMBER))
        for mark, column in zip(MARKS, made.columns, strict=False)
    ]
    shown = table(*made.columns, whole=made.whole)
    shown.add_row(*cells)
    console = Console(width=WIDTH, file=io.StringIO(), soft_wrap=out.soft_wrap, highlight=False)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), cells


def test_all_tables_are_found() -> None:
    assert len(TABLES) > 25
    assert {name for made in TABLES for name in made.columns} >= {*LENGTHS}


@pytest.mark.parametrize("made", TABLES, ids=lambda made: made.place)
def test_a_table_fits_80_columns_and_says_all(made: Made) -> None:
    text, cells = _shown(made)
    assert max(map(len, text.splitlines())) <= WIDTH
    for column, cell in zip(made.columns, cells, strict=True):
        assert text.count(cell[0]) == len(cell.replace(" ", "")), f"{column} is cut:\n{text}"
        if column in made.whole:
            assert cell in text, f"{column} is not in one piece:\n{text}"
        for word in column.split():
            assert word in text, f"the heading {column} is broken:\n{text}"


def test_what_has_no_room_in_one_piece_is_cut_with_a_sign() -> None:
    shown = table("Face", whole=["Face"])
    shown.add_row("x" * 100)
    console = Console(width=WIDTH, file=io.StringIO())
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[1] == "x" * (WIDTH - 1) + "…"
