"""How commands talk: tables and bars for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from rich.console import Console, RenderableType
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


def say(words: RenderableType) -> None:
    """Words for people: broken between words on a terminal, in one piece for what reads them line by line."""
    out.print(words, soft_wrap=not out.is_terminal)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    out.out(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def table(*columns: str, title: str | None = None, whole: Collection[str] = ()) -> Table:
    """An empty table in the house style, which fits the terminal: where it is narrow, cells go on in the next line.

    Cells of the columns in `whole`, which are copied into the next command, stay in one piece; where not even they have
    room, `…` says that something is missing.
    """
    made = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for column in columns:
        made.add_column(column, no_wrap=column in whole, overflow="ellipsis" if column in whole else "fold")
    return made
