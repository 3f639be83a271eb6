"""The house: one direction of dependence, and documents that are true of the code."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "regard"

# From the top of the house to its ground. A room may import from its own floor's module and from those below.
FLOORS = [
    "cli",
    "commands",
    "server",
    "pages",
    "wire",
    "operations",
    "stewardship",
    "jobs",
    "evaluation",
    "vision",
    "gallery",
    "ledger",
    "migrations",
    "database",
    "sealing",
    "aead",
    "compiling",
    "settings",
]
# The library's public face stands beside the command line: nothing below imports it.
FRONT = "__init__"


def _room(path: Path) -> str:
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _sources() -> list[Path]:
    return sorted(SOURCES.rglob("*.py"))


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(SOURCES)))
def test_nothing_imports_upward(path: Path) -> None:
    room = _room(path)
    if room == FRONT:
        return
    assert room in FLOORS, f"{room} has no floor in the house"
    below = FLOORS[FLOORS.index(room) :]
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "regard" and len(parts) > 1:
            assert parts[1] in below or room == "commands", f"{path.name} imports {name}, which is above it"


def test_only_the_command_line_imports_the_front() -> None:
    for path in _sources():
        if _room(path) not in (FRONT, "commands"):
            assert "regard" not in _imports(path), f"{path.name} imports the library's own face"


def test_the_page_of_architecture_names_every_floor() -> None:
    page = (SOURCES.parents[1] / "docs" / "architecture.md").read_text()
    rooms = {_room(path) for path in _sources()} - {FRONT, "migrations"}
    assert not {room for room in rooms if room not in page}


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((SOURCES.parents[1] / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    declared = {re.split(r"[\[<>=]", each)[0] for each in asked}
    imported = {name.split(".")[0] for path in _sources() for name in _imports(path)} - {"regard"}
    providers = packages_distributions()
    undeclared = {
        name
        for name in imported - sys.stdlib_module_names
        if not declared & {each.lower().replace("_", "-") for each in providers.get(name, [])}
    }
    assert not undeclared, f"pyproject.toml does not ask for what holds {sorted(undeclared)}"
