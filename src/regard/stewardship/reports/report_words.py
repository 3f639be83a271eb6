"""The words of a transparency report, as headings and tables; `report_forms` sets them as Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import rfc8785

from regard.evaluation.document import Block, Heading, Paragraph, Table
from regard.stewardship.reports.report import DEVELOPMENT, OPEN, Calls, Question, Report
from regard.stewardship.reports.suppression import Breakdown

Row = tuple[str, ...]


def blocks(report: Report) -> Iterator[Block]:
    """The whole report, from top to bottom."""
    yield Heading(f"Transparency report for {report.period}", 1)
    yield from _source(report)
    yield from _council(report)
    yield from _calls(report)
    yield from _motions(report)
    yield from _suspensions(report)
    yield from _keys(report)
    yield from _responses(report)
    yield from _audits(report)
    yield from _rest(report)


def _source(report: Report) -> Iterator[Block]:
    state = (
        f"The period is over, and this report will not change. What was waiting is judged at its end, {report.judged}."
        if report.closed
        else f"The period is still running. What is waiting is judged at the hour of the last entry, {report.judged}."
    )
    yield Paragraph(
        f"Counted from the first {report.size} entries of the public log {report.origin}, which hash to {report.root}. "
        f"Whoever counts the same entries gets this report, byte for byte. {state}"
    )
    yield Paragraph(
        f"A count of 1 to {report.k - 1} is shown as <{report.k}. So that it cannot be worked out, another row of its "
        "table is withheld with it, or the table is not broken down; not of operations, which say nothing of who. What "
        "the council did and what the operator owes is told in full."
    )


def _council(report: Report) -> Iterator[Block]:
    yield Heading("Who decides")
    members = report.council.members
    if members is None:
        yield Paragraph("The log does not say who sits on the council.", loud=True)
    elif members == 1:
        yield Paragraph("THE COUNCIL IS ONE PERSON, who can change every rule alone.", loud=True)
    else:
        yield Paragraph(f"The council has {members} members.")
        if report.council.alone:
            yield Paragraph("FOR A PART OF THIS PERIOD THE COUNCIL WAS ONE PERSON.", loud=True)
    rows = tuple((each.since, each.pack or "not told", each.policy) for each in report.policies)
    yield from _grid("Policy in force", ("since", "name", "hash"), rows, "The log names no policy.", words=3)


def _calls(report: Report) -> Iterator[Block]:
    yield Heading("Calls")
    yield from _called(report.calls)
    yield Heading("Calls for development", 3)
    yield Paragraph(f"Keys with the purpose {DEVELOPMENT} are counted apart.")
    yield from _called(report.development, purposes=False)
    yield Heading("Completeness", 3)
    if report.missing:
        yield Paragraph(
            f"{report.missing} CALLS ARE MISSING: the numbers that organizations were given have gaps.", loud=True
        )
    else:
        yield Paragraph("Every organization's calls are numbered without a gap.")


def _called(calls: Calls, purposes: bool = True) -> Iterator[Block]:
    yield Paragraph(f"{calls.outcomes.total} calls, by {calls.organizations} organizations.")
    yield from _breakdown("How calls ended", "outcome", calls.outcomes)
    yield from _breakdown("Calls by operation", "operation", calls.operations)
    if purposes:
        yield from _breakdown("Calls by purpose", "purpose", calls.purposes)
    yield from _breakdown("Calls by sector of the caller", "sector", calls.sectors)


def _motions(report: Report) -> Iterator[Block]:
    yield Heading("Motions")
    if not report.motions:
        yield Paragraph("No motion was open.")
    for question in report.motions:
        yield Heading(question.title or f"A motion about {question.about}, whose text names somebody", 3)
        yield Paragraph(_stands(question))
        rows = tuple((vote.choice, vote.role, vote.reason or "none given") for vote in question.votes)
        yield from _grid("Votes", ("vote", "role", "reason"), rows, "Nobody has voted.", words=3)


def _stands(question: Question) -> str:
    end = "is still open" if question.outcome == OPEN else f"ended as {question.outcome} at {question.settled}"
    dissent = sum(vote.choice != "approve" for vote in question.votes)
    return (
        f"Motion {question.motion} about {question.about} was put to the vote at {question.opened} and {end}. "
        f"Votes against it: {dissent} of {len(question.votes)}."
    )


def _suspensions(report: Report) -> Iterator[Block]:
    yield Heading("Suspensions")
    rows = tuple((each.capability, each.role, each.since, each.until, each.reason) for each in report.suspensions)
    columns = ("capability", "stopped by", "from", "until", "reason")
    yield from _grid("Capabilities that a member stopped", columns, rows, "Nothing was stopped.", words=5)


def _keys(report: Report) -> Iterator[Block]:
    yield Heading("Access keys and partners")
    for change, purposes in report.keys.items():
        yield Paragraph(f"Keys {change}: {purposes.total}.")
        yield from _breakdown(f"Keys {change}, by purpose", "purpose", purposes)
    yield Paragraph(f"Lists of end customers that partners signed: {report.attestations}.")
    yield Paragraph(f"Reviews of organizations, opened or decided: {report.screenings.total}.")
    yield from _breakdown("Reviews of organizations", "what happened", report.screenings)


def _responses(report: Report) -> Iterator[Block]:
    yield Heading("Appeals and reports of abuse")
    asked = ("about", "filed", "answered", "of these late", "waiting", "median hours", "longest hours")
    rows = tuple(
        (about, *(_figure(each) for each in (r.filed, r.answered, r.late, r.waiting, r.median_hours, r.longest_hours)))
        for about, r in report.responses.items()
    )
    yield from _grid("How they were answered", asked, rows, "None was filed, answered or waiting.")
    yield Heading("Overdue", 3)
    if report.overdue:
        yield Paragraph(f"{len(report.overdue)} WAIT LONGER THAN WAS PROMISED.", loud=True)
    late = tuple((each.report, each.about, each.filed, each.due, str(each.hours)) for each in report.overdue)
    columns = ("report", "about", "filed", "due", "hours overdue")
    yield from _grid("Overdue, the longest first", columns, late, "Nothing is overdue.", words=4)


def _audits(report: Report) -> Iterator[Block]:
    yield Heading("Audits of models")
    if not report.audits:
        yield Paragraph("No audit was entered.")
    for audit in report.audits:
        rows = tuple((name, value) for name, value in _flat(audit.results))
        yield from _grid(f"Audit of {audit.model}, {audit.at}", ("rate", "value"), rows, "It has no results.")


def _rest(report: Report) -> Iterator[Block]:
    yield Heading("Other entries")
    rows = tuple((kind, str(number)) for kind, number in report.other.items())
    yield from _grid("Entries of kinds that are only counted", ("kind", "number"), rows, "There are none.")
    if report.unreadable:
        yield Paragraph(f"{report.unreadable} ENTRIES ARE NOT OF THE FORM THAT THEIR KIND HAS.", loud=True)


def _breakdown(caption: str, name: str, counts: Breakdown) -> Iterator[Block]:
    if counts.rows is None:
        yield Paragraph(f"{caption}: too few to break them down without telling of single ones.")
        return
    if not counts.rows:
        return
    yield Table((name, "number"), [(row, str(count)) for row, count in counts.rows.items()], caption)
    if counts.together:
        yield Paragraph(f"The rows without a figure come to {counts.together} together.")


def _grid(caption: str, columns: Row, rows: tuple[Row, ...], none: str, words: int = 1) -> Iterator[Block]:
    yield Table(columns, rows, caption, words) if rows else Paragraph(none)


def _figure(number: int | None) -> str:
    return "–" if number is None else str(number)


def _flat(results: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in sorted(results.items()):
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}, ")
        else:
            yield f"{above}{name}", value if isinstance(value, str) else rfc8785.dumps(value).decode()
