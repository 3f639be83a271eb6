"""The house: one direction of dependence, no circle, no hall, and documents that are true of the code."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "regard"
PAGE = ROOT / "docs" / "architecture.md"

# The floors of the house and of the rooms that have rooms within them, from the top to the ground. What is named here
# may import from floors below its own alone. Files of a room that are not named stand on its top floor.
FLOORS: dict[tuple[str, ...], list[str]] = {
    (): [
        "cli",
        "commands",
        "server",
        "pages",
        "wire",
        "house",
        "operations",
        "stewardship",
        "custom",
        "streams",
        "liveness",
        "jobs",
        "evaluation",
        "vision",
        "gallery",
        "ledger",
        "migrations",
        "reader",
        "database",
        "traces",
        "row_seals",
        "sealing",
        "aead",
        "compiling",
        "stores",
        "fetching",
        "files",
        "names",
        "addresses",
        "steady",
        "settings",
    ],
    ("commands",): [
        "custom",
        "gallery",
        "video",
        "streams",
        "jobs",
        "pictures",
        "people",
        "stewardship",
        "record",
        "serve",
        "common",
    ],
    ("pages", "console"): ["work", "labels", "desk", "place", "boxes"],
    ("pages",): ["console", "public", "liveness", "ledger", "frame", "exchanges"],
    ("wire",): ["live", "callers", "metrics", "senders", "exposure", "uploads", "pool", "signature", "errors"],
    ("operations",): ["custom", "bulk", "streams", "liveness", "videos", "images", "gallery", "common"],
    ("stewardship",): ["staff", "people", "gate", "reports", "logbook", "council", "parties", "policy", "records"],
    ("stewardship", "people"): ["matches"],
    ("custom",): [
        "workbench",
        "versions",
        "custom",
        "entries",
        "people",
        "vaults",
        "datasets",
        "distribution",
        "manifests",
        "boxes",
        "judged",
        "codes",
        "projects",
        "arns",
        "tables",
        "errors",
    ],
    ("streams",): ["cameras", "errors"],
    ("evaluation",): ["accuracy", "bias", "custom", "liveness", "training", "samples", "statistics", "document"],
    ("vision",): ["liveness", "things", "faces", "detection", "heads", "models", "video", "pictures"],
    ("gallery",): ["index", "templates", "collections"],
    ("ledger",): ["witnesses", "log", "tree"],
}
MOST_FILES, MOST_LINES = 16, 400


@dataclass(frozen=True, slots=True)
class Import:
    """One line of one file that imports a module of the house, or something else by its name."""

    path: Path
    line: int
    name: str

    @property
    def told(self) -> str:
        line = self.path.read_text().splitlines()[self.line - 1].strip()
        return f"{self.path.relative_to(ROOT)}:{self.line}: {line}"


def _sources() -> list[Path]:
    return sorted(SOURCES.rglob("*.py"))


def _parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(SOURCES).with_suffix("").parts


@cache
def _modules() -> dict[str, Path]:
    return {".".join(("regard", *_parts(path))).removesuffix(".__init__"): path for path in _sources()}


def _imports(path: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = [each for alias in node.names if (each := f"{node.module}.{alias.name}") in _modules()]
            for name in inside or [node.module]:
                yield Import(path, node.lineno, name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)


def _own_imports(path: Path) -> Iterator[tuple[Import, Path]]:
    """What a file imports of the house, apart from the library's face."""
    for each in _imports(path):
        if each.name != "regard" and (target := _modules().get(each.name)):
            yield each, target


def _floor(room: tuple[str, ...], name: str) -> int:
    floors = FLOORS[room]
    assert room or name in floors, f"{name} has no floor in the house"
    return floors.index(name) if name in floors else -1


def _is_upward(importer: tuple[str, ...], imported: tuple[str, ...]) -> bool:
    for depth, (name, other) in enumerate(zip(importer, imported, strict=False)):
        if name != other:
            room = importer[:depth]
            return room in FLOORS and _floor(room, name) > _floor(room, other)
    return False


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(SOURCES)))
def test_nothing_imports_upward(path: Path) -> None:
    if path.name == "__init__.py":
        return
    upward = [each.told for each, target in _own_imports(path) if _is_upward(_parts(path), _parts(target))]
    assert not upward, "imports from a floor above its own:\n" + "\n".join(upward)


def test_an_import_of_a_floor_above_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _is_upward(("vision", "pictures", "images"), ("vision", "faces", "faces"))
    assert _is_upward(("gallery", "collections", "tables"), ("gallery", "gallery"))
    assert _is_upward(("ledger", "log", "log"), ("wire", "app"))
    assert not _is_upward(("vision", "faces", "faces"), ("vision", "pictures", "images"))
    assert not _is_upward(("gallery", "gallery"), ("gallery", "collections", "tables"))
    file = SOURCES / "settings.py"
    told = Import(file, 1, "regard.wire").told
    assert told.startswith("src/regard/settings.py:1: ")


def test_nothing_imports_in_a_circle() -> None:
    graph = {path: {target for _, target in _own_imports(path)} - {path} for path in _sources()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle: " + " -> ".join(str(path.relative_to(SOURCES)) for path in error.args[1]))


def test_every_floor_is_there_and_every_room_within_a_room_has_one() -> None:
    for room, floors in FLOORS.items():
        folder = SOURCES.joinpath(*room)
        named = set(floors)
        there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        assert named <= there, f"{named - there} of {folder.name} is not there"
        rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
        assert rooms <= set(floors), f"{rooms - set(floors)} of {folder.name} has no floor"


def test_no_room_is_a_hall() -> None:
    for folder in {path.parent for path in _sources()} - {SOURCES / "migrations" / "versions"}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} has {len(files)} files: it wants rooms"


def test_only_files_named_with_a_reason_are_long() -> None:
    reasons = PAGE.read_text().partition("## Long files")[2]
    for path in _sources():
        lines, name = len(path.read_text().splitlines()), path.relative_to(SOURCES).as_posix()
        assert lines <= MOST_LINES or name in reasons, f"{name} has {lines} lines: it wants files, or a reason"


def test_only_the_command_line_imports_the_front() -> None:
    for path in _sources():
        if _parts(path)[0] not in ("__init__", "commands"):
            front = [each.told for each in _imports(path) if each.name == "regard"]
            assert not front, f"imports the library's own face: {front}"


def test_no_page_reaches_a_table_but_through_the_rooms_below() -> None:
    """What a page tells has passed the gate, or is what a room tells anyone: none of them asks the database itself."""
    for path in _sources():
        if _parts(path)[0] == "pages":
            asked = [each for each in _imports(path) if "sqlalchemy" in each.name or each.name.endswith(".tables")]
            assert not asked, f"reads tables itself: {[each.told for each in asked]}"


def test_the_page_of_architecture_names_every_room() -> None:
    page = PAGE.read_text()
    top = {_parts(path)[0] for path in _sources()} - {"__init__", "migrations"}
    within = {name for room, names in FLOORS.items() if room for name in names}
    assert not {room for room in top | within if room not in page}


@pytest.mark.long
def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    declared = {re.split(r"[\[<>=]", each)[0] for each in asked}
    imported = {each.name.split(".")[0] for path in _sources() for each in _imports(path)} - {"regard"}
    providers = packages_distributions()
    undeclared = {
        name
        for name in imported - sys.stdlib_module_names
        if not declared & {each.lower().replace("_", "-") for each in providers.get(name, [])}
    }
    assert not undeclared, f"pyproject.toml does not ask for what holds {sorted(undeclared)}"
