"""`regard jobs`: what waits, what is worked on, and what came of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from regard.commands.common.output import NO, err, out, print_json, say, table
from regard.jobs.desk import Desk
from regard.jobs.job import Job
from regard.jobs.notices import Notice
from regard.settings import from_environment
from regard.stewardship.holdings import Holdings, open_holdings
from regard.stewardship.office import open_office

app = typer.Typer(help="List, show, cancel and retry jobs on stored video.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The JobId, or as much of its beginning as no other has.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LOOK_SECONDS = 0.5


@app.command("list")
def list_jobs(as_json: Json = False) -> None:
    """Show the jobs that are there, the newest first: those that are open, and those of the last seven days."""
    jobs = _desk().all()
    if as_json:
        print_json([_told(job) for job in jobs])
        return
    shown = table("job", "operation", "state", "frames", "created", whole=("job",))
    for job in jobs:
        shown.add_row(job.id[:12], job.operation, str(job.state), _frames(job), _when(job.created_at))
    out.print(shown)


@app.command()
def show(
    job: Id,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, with a bar, until the job is over.")] = False,
    as_json: Json = False,
) -> None:
    """Show a job: where it stands, why it failed, and who was told of its end."""
    holdings = _holdings()
    desk = holdings.jobs
    found = _found(desk, job)
    if watch and found.state.open:
        found = _watched(desk, found)
    notices = holdings.notices.of(found.id)
    if as_json:
        print_json(_told(found) | {"notices": [_told_notice(each) for each in notices]})
        return
    shown = table("", "")
    for name, value in _told(found).items():
        shown.add_row(name, str(value))
    for each in notices:
        shown.add_row(each.kind, _notice_line(each))
    out.print(shown)


@app.command()
def cancel(job: Id) -> None:
    """End a job that is open. Whoever asked for it is told that it failed."""
    desk = _desk()
    if not desk.cancel(_found(desk, job).id):
        err.print("The job is over already.")
        raise typer.Exit(NO)
    say("Cancelled.")


@app.command()
def retry(job: Id) -> None:
    """Put a job that failed into the queue again. It goes on behind what was found already."""
    desk = _desk()
    if not desk.retry(_found(desk, job).id):
        err.print("The job did not fail.")
        raise typer.Exit(NO)
    say("It waits for a worker.")


def _holdings() -> Holdings:
    return open_holdings(open_office(from_environment()))


def _desk() -> Desk:
    return _holdings().jobs


def _found(desk: Desk, job: str) -> Job:
    found = [each for each in desk.all() if each.id.startswith(job)]
    if len(found) != 1:
        raise LookupError(f"{len(found) or 'no'} jobs begin with {job}; `regard jobs list` shows them")
    return found[0]


def _watched(desk: Desk, job: Job) -> Job:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("frames")
        while job.state.open:
            progress.update(bar, completed=job.done, total=job.whole or None, description=str(job.state))
            time.sleep(_LOOK_SECONDS)
            job = desk.find(job.id)
    return job


def _told(job: Job) -> dict[str, Any]:
    told = {
        "job": job.id,
        "operation": job.operation,
        "organization": job.organization,
        "access key": job.access_key,
        "purpose": job.purpose,
        "tag": job.given.get("JobTag"),
        "state": str(job.state),
        "cause": job.cause or None,
        "frames": _frames(job),
        "created": _when(job.created_at),
        "begun": _when(job.started_at),
        "ended": _when(job.ended_at),
        "kept until": _when(job.expires_at),
    }
    return {name: value for name, value in told.items() if value is not None}


def _told_notice(notice: Notice) -> dict[str, Any]:
    told = {
        "kind": notice.kind,
        "to": notice.to,
        "state": notice.state,
        "tries": notice.tries,
        "sent": _when(notice.sent_at),
        "next": _when(notice.next_at) if notice.state == "WAITING" else None,
        "error": notice.error or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _notice_line(notice: Notice) -> str:
    if notice.state == "SENT":
        return f"{notice.to}: told {_when(notice.sent_at)}"
    if notice.state == "GIVEN_UP":
        return f"{notice.to}: given up after {notice.tries} tries: {notice.error}"
    return f"{notice.to}: to be told {_when(notice.next_at)}" + (f": {notice.error}" if notice.error else "")


def _frames(job: Job) -> str:
    return f"{job.done}/{job.whole}" if job.whole else str(job.done)


def _when(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
