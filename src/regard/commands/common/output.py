"""How commands talk: tables and bars for people, JSON for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from regard.names import shown

# What is no character of a text, in JSON: it may steer a terminal, or turn the direction of writing.
_HIDDEN = re.compile(r"[^\n -~]")


class _Console(Console):
    """A console whose terminal the words of others do not steer."""

    def render_str(self, text: str, **how: Any) -> Text:
        """The text without what nobody sees of it."""
        return super().render_str(shown(text), **how)


# Names of files, faces and people are told as they are: what looks like markup in them is none.
out = _Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = _Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

YES, NO, ERROR = 0, 1, 2


def failed(error: BaseException | str) -> int:
    """Tell an error; the exit code to leave with."""
    err.print(Text.assemble(("error:", "bold red"), f" {shown(str(error))}"))
    return ERROR


def say(words: RenderableType) -> None:
    """Words for people: broken between words on a terminal, in one piece for what reads them line by line."""
    out.print(words, soft_wrap=not out.is_terminal)


def print_json(value: Any) -> None:
    """One JSON document on standard output; what nobody sees of its texts is escaped."""
    told = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    out.out(_HIDDEN.sub(lambda found: found[0] if shown(found[0]) else json.dumps(found[0])[1:-1], told))


def table(*columns: str, title: str | None = None, whole: Collection[str] = ()) -> Table:
    """An empty table in the house style, which fits the terminal: where it is narrow, cells go on in the next line.

    Cells of the columns in `whole`, which are copied into the next command, stay in one piece; where not even they have
    room, `…` says that something is missing.
    """
    made = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for column in columns:
        made.add_column(column, no_wrap=column in whole, overflow="ellipsis" if column in whole else "fold")
    return made
