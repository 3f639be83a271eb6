"""How commands talk: tables and bars for people, JSON for scripts."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Names of files, faces and people are told as they are: what looks like markup in them is none.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

YES, NO, ERROR = 0, 1, 2


def failed(error: BaseException | str) -> int:
    """Tell an error; the exit code to leave with."""
    err.print(Text.assemble(("error:", "bold red"), f" {error}"))
    return ERROR


def say(words: str) -> None:
    """Words for people: broken between words on a terminal, in one piece for what reads them line by line."""
    out.print(words, soft_wrap=not out.is_terminal)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    out.out(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house style."""
    made = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
