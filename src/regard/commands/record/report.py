"""`regard report`: what a period of a public log comes to, counted by whoever asks; `regard reports` is what the public
filed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from regard.commands.common.output import NO, err, failed
from regard.commands.record.log import reading
from regard.commands.record.verifiers import read_verifiers
from regard.ledger.tree.notes import Verifier
from regard.ledger.tree.tiles import Fetch
from regard.ledger.witnesses.series import Broken
from regard.settings import from_environment
from regard.stewardship.reports.reckoning import read_report
from regard.stewardship.reports.report import Report
from regard.stewardship.reports.report_forms import Form, rendered


def report(
    period: Annotated[str, typer.Argument(help="The month to report on, such as 2026-11.")],
    log: Annotated[
        str | None,
        typer.Option(metavar="URL|FOLDER", help="A log elsewhere: …/log, or a copy of its files. By default, our own."),
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="The public key of that log, or a file of keys; may be repeated.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="Markdown, HTML or canonical JSON.")] = Form.MARKDOWN,
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; by default, it is printed.")
    ] = None,
) -> None:
    """Count a period of a transparency log: calls, denials, motions, suspensions, keys, appeals, audits.

    The log is verified first, with nothing but its public key, and nothing else is read: whoever counts the same
    entries gets the same bytes. Counts below 5 are not told. The report of a month is final once the next has begun.

    Leaves with 0 when it is written, 1 when the log is not what it promised, 2 on an error.

    Example: `regard report 2026-11 --log https://faces.example/log --key log.pub --format html -o report.html`
    """
    fetch, keys = _source(log, key or [])
    data = rendered(_read(period, fetch, keys), form)
    if to is None:
        typer.echo(data, nl=False)
    else:
        to.write_bytes(data)


def _read(period: str, fetch: Fetch, keys: Sequence[Verifier]) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        bar = bars.add_task("")
        try:
            return read_report(
                period,
                fetch,
                keys,
                lambda name, done, total: bars.update(bar, description=name, completed=done, total=total),
            )
        except Broken as broken:
            failed(broken)
            raise typer.Exit(NO) from None


def _source(log: str | None, key: Sequence[str]) -> tuple[Fetch, Sequence[Verifier]]:
    if log is not None:
        if not key:
            raise typer.BadParameter("a log elsewhere is verified with its public key: give --key")
        return reading(log), read_verifiers(key)
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    return office.public_log.fetch, office.logbook.keys.verifiers
