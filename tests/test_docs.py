"""Documents that are true: every command is documented, and the contributor's page names what is there.

Whether links lead somewhere and blocks run is in tests/check_docs.py, which `make lint` runs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from regard.cli import COMMANDS, imported
from regard.settings import table

ROOT = Path(__file__).parents[1]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PAGES = [ROOT / "README.md", CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_command_is_documented_and_teaches() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for name in COMMANDS:
        command = imported(name)
        assert re.search(rf"\bregard {name}\b", text), f"`regard {name}` is on no page"
        assert command.help or command.short_help, f"`regard {name}` has no help"
        for sub, subcommand in _commands(command).items():
            assert subcommand.help, f"`regard {name} {sub}` has no help"


def _commands(command: Any) -> dict[str, Any]:
    return dict(getattr(command, "commands", {}))


def test_the_contributors_page_names_what_is_there() -> None:
    named = re.findall(
        r"`((?:src|tests|docs|examples|benchmarks|\.ci)/[^`]*|[\w.-]+\.(?:toml|lock|yaml|md))`",
        CONTRIBUTING.read_text(),
    )
    assert len(named) > 20
    for path in named:
        assert any(ROOT.glob(path)), f"CONTRIBUTING.md names {path}"


def test_the_contributors_page_is_one_screen() -> None:
    assert len(CONTRIBUTING.read_text().splitlines()) <= 80


def test_hooks_before_a_commit_are_the_checks_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[0]
    checks = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (.*)", hooks) == ["local"]
    assert re.findall(r"entry: (.*)", hooks) == checks
    assert hooks.count("language: system") == hooks.count("pass_filenames: false") == len(checks)


def test_every_setting_that_a_page_names_is_one() -> None:
    named = {name for page in PAGES for name in re.findall(r"\bREGARD_[A-Z0-9_]+\b", page.read_text())}
    settings = {row[1] for row in table()}
    assert len(named & settings) > 20
    assert not named - settings
