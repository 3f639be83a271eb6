"""`regard reports`: what the public filed, and answering it; `regard report` counts the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer

from regard.commands.common.output import out, print_json, table
from regard.settings import from_environment
from regard.stewardship.people.inbox import Inbox, Verdict

app = typer.Typer(help="Read and answer appeals and reports of abuse.", no_args_is_help=True)

_SHOWN = 12
Id = Annotated[str, typer.Argument(metavar="REPORT", help="The report's id, or how it begins.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_reports(
    everything: Annotated[bool, typer.Option("--all", help="Answered ones too.")] = False, as_json: Json = False
) -> None:
    """List the reports that wait, the one that is due first at the top."""
    with _open() as inbox:
        found = [each for each in inbox.all() if everything or each.state != "answered"]
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    listed = table("report", "about", "filed", "due", "state", "outcome", whole=["report"])
    for each in found:
        listed.add_row(each.report[:_SHOWN], each.about, each.filed, each.due, each.state, each.outcome)
    out.print(listed)


@app.command()
def show(report: Id, as_json: Json = False) -> None:
    """Print what somebody wrote, and the answer. Nobody but those who decide on it should read over your shoulder."""
    with _open() as inbox:
        standing, (filing, answer) = inbox.standing(report), inbox.read(report)
    if as_json:
        print_json(msgspec.to_builtins({"standing": standing, "filing": filing, "answer": answer}))
        return
    told = {"contact": filing.contact, "about the entry": filing.entry, "outcome": standing.outcome, "answer": answer}
    out.print(f"{standing.report}: {standing.about}, filed {standing.filed}, due {standing.due}, {standing.state}")
    for name, value in told.items():
        if value:
            out.print(f"{name}: {value}")
    out.print(f"\n{filing.text}")


@app.command()
def answer(
    report: Id,
    verdict: Annotated[
        Verdict, typer.Argument(help="upheld, rejected, or referred where the council decides by motion.")
    ],
    words: Annotated[str, typer.Option(help="What the sender is told. It is kept sealed; sending it is yours.")] = "",
) -> None:
    """Answer a report, once and for all to see: the verdict and the hour go into the public log.

    Example: `regard reports answer 3f0c upheld --words "Your picture was removed."`
    """
    with _open() as inbox:
        written = inbox.answer(report, verdict, words)
    where = f"entry {written.period}/{written.index}" if written else "logged within a second by the running service"
    out.print(f"{verdict}: {where}")


@contextmanager
def _open() -> Iterator[Inbox]:
    from regard.stewardship.office import open_office
    from regard.stewardship.people.inbox import open_inbox

    office = open_office(from_environment())
    try:
        yield open_inbox(office.settings, office.engine, office.key, office.logbook)
    finally:
        office.logbook.close()
