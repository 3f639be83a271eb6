"""`regard coverage` and `regard settings`: the tables that the documentation is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard import settings as settings_room
from regard.commands.common.output import out, print_json, table
from regard.operations import coverage as coverage_room

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def coverage(
    as_json: Json = False,
    write: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
) -> None:
    """Which of Rekognition's operations answer, and what is missing in each."""
    if write:
        write.write_text(coverage_room.as_markdown())
        return
    rows = coverage_room.rows()
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    shown = table("Operation", "State", "What is missing, or why", whole=["Operation", "State"])
    for row in rows:
        shown.add_row(*row)
    out.print(shown)


def settings(
    as_json: Json = False,
    write: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
) -> None:
    """Every setting: its environment variable, its default, what it does."""
    if write:
        write.write_text(settings_room.as_markdown())
        return
    rows = settings_room.table()
    if as_json:
        print_json([{"variable": row[1], "default": row[2], "help": row[3]} for row in rows])
        return
    shown = table("Variable", "Default", "What it does", whole=["Variable"])
    for _, variable, default, line in rows:
        shown.add_row(variable, default, line)
    out.print(shown)
