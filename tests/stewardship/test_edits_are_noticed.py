"""Whoever edits one row, one file or one key of the data folder is noticed, at the start or where it is used.

What is not noticed stands in docs/threat-model.md under "Not noticed", by its kind, and nowhere else.
"""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.lived.known import Known
from tests.helpers.lived.life import lived
from tests.helpers.lived.noticing import noticed

pytestmark = pytest.mark.sqlite
PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"
EDITS, SEED = 300, 21
DATABASES = ("regard.db", "keys.db", "log/payloads.db")
GONE, CHANGED = "gone", "changed"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a folder. `kind` is what the page calls it, `told` which row or byte it was."""

    kind: str
    told: str


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Known]:
    """A folder in which much was done, and what people outside know of it."""
    folder = tmp_path_factory.mktemp("lived") / "data"
    known = lived(folder)
    assert noticed(_copied(folder, "untouched"), known) == []
    return folder, known


def not_noticed() -> list[str]:
    """The kinds of edits that the page says are not noticed, as patterns."""
    section = PAGE.read_text().partition("## Not noticed\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [kind for row in rows for kind in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.mark.slow("starts a service on each of the edited folders")
def test_edits_of_one_row_file_or_key_are_noticed_or_named(before: tuple[Path, Known], scale: float) -> None:
    folder, known = before
    named, chance = not_noticed(), random.Random(SEED)
    unnoticed: list[Edit] = []
    for number in range(int(EDITS * scale)):
        edited = _copied(folder, str(number))
        edit = _edit(edited, chance)
        if not noticed(edited, known) and not any(fnmatchcase(edit.kind, kind) for kind in named):
            unnoticed.append(edit)
        shutil.rmtree(edited.parent)
    assert not unnoticed


def test_the_list_names_kinds_that_there_are(before: tuple[Path, Known]) -> None:
    folder, _ = before
    there = {kind for _, kind in _places(folder)} | {f"{table}.{column} changed" for table, column in _columns(folder)}
    strange = [kind for kind in not_noticed() if not any(fnmatchcase(each, kind) for each in there)]
    assert not_noticed()
    assert not strange


def _edit(folder: Path, chance: random.Random) -> Edit:
    """Edit one row or one file, each table and each file alike."""
    place, kind = chance.choice(_places(folder))
    return place(chance, kind)


def _places(folder: Path) -> list[tuple[Callable[[random.Random, str], Edit], str]]:
    """What can be edited, in an order that does not change, and the kind of the edit."""
    found: list[tuple[Callable[[random.Random, str], Edit], str]] = []
    for database in DATABASES:
        for table in _tables(folder / database):
            name = _named(database, table)
            found.append((_changing(folder / database, table), f"{name} {CHANGED}"))
            found.append((_removing(folder / database, table), f"{name}: a row {GONE}"))
    sizes = {int(size) for each in folder.rglob("checkpoint") for size in each.read_text().split("\n")[1:2]}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = re.sub(r"\d{4}-\d{2}", "MONTH", file.relative_to(folder).as_posix())
        name = _tile(name, sizes)
        if file.name.split("-")[0] not in {each.rpartition("/")[2] for each in DATABASES} and file.stat().st_size:
            found.append((_flipping(file), f"{name} {CHANGED}"))
            found.append((_cutting(file), f"{name} cut"))
        found.append((_deleting(file), f"{name} {GONE}"))
    return found


def _tile(name: str, sizes: set[int]) -> str:
    """The name of a tile of the log by what becomes of it: whole, growing, or a part that a longer one succeeded."""
    tile = re.fullmatch(r"(.*/tile/\w+)/[x\d/]*\d{3}(?:\.p/(\d+))?", name)
    if tile is None:
        return name
    growing = {str((size >> shift) % 256) for size in sizes for shift in (0, 8)}
    how = "whole" if tile[2] is None else "growing" if tile[2] in growing else "outgrown"
    return f"{tile[1]}/{how}"


def _columns(folder: Path) -> list[tuple[str, str]]:
    return [
        (_named(database, table), column)
        for database in DATABASES
        for table in _tables(folder / database)
        for column in _rows(folder / database, table)[0]
    ]


def _named(database: str, table: str) -> str:
    return table if database == DATABASES[0] else f"{database.removeprefix('log/')} {table}"


def _tables(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [
            name for (name,) in names.fetchall() if connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        ]


def _rows(database: Path, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(f'SELECT * FROM "{table}"')
        return [each[0] for each in found.description], found.fetchall()


def _run(database: Path, statement: str, values: tuple[Any, ...]) -> None:
    """As who has the file in their hands: no trigger and no foreign key is heeded."""
    with closing(sqlite3.connect(database)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            connection.execute(f'DROP TRIGGER "{trigger}"')
        connection.execute(statement, values)
        connection.commit()


def _where(columns: list[str]) -> str:
    return " AND ".join(f'"{column}" IS ?' for column in columns)


def _changing(database: Path, table: str) -> Callable[[random.Random, str], Edit]:
    def edit(chance: random.Random, kind: str) -> Edit:
        columns, rows = _rows(database, table)
        row, place = chance.choice(rows), chance.randrange(len(columns))
        others = [other[place] for other in rows if other[place] != row[place]]
        value = chance.choice(others) if others and chance.random() < 0.5 else _other(chance, row[place])
        statement = f'UPDATE OR IGNORE "{table}" SET "{columns[place]}" = ? WHERE {_where(columns)}'
        _run(database, statement, (value, *row))
        while _rows(database, table)[1] == rows:
            # Another row has this value, and it can be there once.
            value = chance.randrange(2, 1 << 40) if isinstance(value, int) else _other(chance, value)
            _run(database, statement, (value, *row))
        return Edit(kind.replace(f" {CHANGED}", f".{columns[place]} {CHANGED}"), f"{row!r}: {value!r}")

    return edit


def _removing(database: Path, table: str) -> Callable[[random.Random, str], Edit]:
    def edit(chance: random.Random, kind: str) -> Edit:
        columns, rows = _rows(database, table)
        row = chance.choice(rows)
        _run(database, f'DELETE FROM "{table}" WHERE {_where(columns)}', row)
        return Edit(kind, repr(row))

    return edit


def _flipping(file: Path) -> Callable[[random.Random, str], Edit]:
    def edit(chance: random.Random, kind: str) -> Edit:
        data = bytearray(file.read_bytes())
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        file.write_bytes(bytes(data))
        return Edit(kind, f"byte {place} of {file.name}")

    return edit


def _cutting(file: Path) -> Callable[[random.Random, str], Edit]:
    def edit(chance: random.Random, kind: str) -> Edit:
        data = file.read_bytes()
        length = chance.randrange(len(data))
        if data[length:] == b"\n":
            # The end of the last line says nothing that is not said without it.
            length -= 1
        file.write_bytes(data[:length])
        return Edit(kind, f"{file.name} to {length}")

    return edit


def _deleting(file: Path) -> Callable[[random.Random, str], Edit]:
    def edit(_chance: random.Random, kind: str) -> Edit:
        file.unlink()
        return Edit(kind, file.name)

    return edit


def _other(chance: random.Random, value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case None:
            return chance.choice((0, 1_700_000_000.0, "x"))
        case int() if value in (0, 1):
            return 1 - value
        case int() | float():
            return value + chance.choice((1, -1, 86_400))
        case bytes():
            place = chance.randrange(max(len(value), 1))
            return value[:place] + bytes([(value[place] if value else 0) ^ 1]) + value[place + 1 :]
        case _:
            place = chance.randrange(max(len(value), 1))
            letter = "b" if value[place : place + 1] == "a" else "a"
            return value[:place] + letter + value[place + 1 :]


def _copied(folder: Path, name: str) -> Path:
    to = folder.parent / name / "data"
    shutil.copytree(folder, to)
    return to
