"""Documents that are true: every command is documented, and the README's links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from regard.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_command_is_documented_and_teaches() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for name, command in _commands(typer.main.get_command(app)).items():
        assert re.search(rf"\bregard {name}\b", text), f"`regard {name}` is on no page"
        assert command.help or command.short_help, f"`regard {name}` has no help"
        for sub, subcommand in _commands(command).items():
            assert subcommand.help, f"`regard {name} {sub}` has no help"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _commands(command: Any) -> dict[str, Any]:
    return dict(getattr(command, "commands", {}))
