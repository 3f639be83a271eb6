"""The pages `/reports` and `/reports/MONTH`: whether it was more or less than before, counted from the public log.

`reports` is where the public files what the log then tells of.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regard.evaluation.document import Block, Paragraph, Table
from regard.evaluation.lines import line
from regard.pages import exchanges
from regard.pages.frame import fragment, page
from regard.stewardship.reports.months import Months
from regard.stewardship.reports.report import OPEN, Report
from regard.stewardship.reports.report_words import blocks
from regard.stewardship.reports.suppression import Breakdown

PATH = "/reports"
MOST_ROWS = 100
_DENIED = "denied"
_UNTOLD = "not told"
# A figure by month: its name, and whether a line of it is drawn. Of the ones without a line there is little to see.
_COLUMNS = {
    "calls": True,
    "refused": True,
    "appeals and reports of abuse": True,
    "answered": False,
    "overdue at the end": False,
    "motions settled": False,
}


def month_pages(months: Months) -> list[Route]:
    """The routes; they read the log's public files alone."""

    def overview(_: Request) -> Response:
        counted = months.counted()
        figures = [_figures(report) for report in counted.reports]
        names = [_short(report.period) for report in counted.reports]
        drawn = [(name, place) for place, (name, is_drawn) in enumerate(_COLUMNS.items()) if is_drawn and figures]
        charts = [
            (name.capitalize(), Markup(line(f"{name} by month", names, [each[place] for each in figures])))
            for name, place in drawn
        ]
        rows = [
            (report.period, _long(report.period), [_UNTOLD if each is None else f"{each:,}" for each in of])
            for report, of in zip(counted.reports, figures, strict=True)
        ]
        told: dict[str, Any] = {"lead": _lead(counted.reports, figures), "charts": charts, "columns": list(_COLUMNS)}
        rows.reverse()
        return page(
            "reports.html", headers=exchanges.OPEN, here=PATH, read=counted.read, size=counted.size, rows=rows, **told
        )

    def one(request: Request) -> Response:
        period, counted = request.path_params["period"], months.counted()
        known = [report.period for report in counted.reports]
        if period not in known:
            return page("no-report.html", 404, here=PATH, months=known, read=counted.read, size=counted.size)
        place = known.index(period)
        around: dict[str, Any] = {
            "before": known[place - 1] if place else "",
            "after": known[place + 1] if place + 1 < len(known) else "",
        }
        told = fragment(_bounded(blocks(counted.reports[place])))
        return page("report.html", headers=exchanges.OPEN, here=PATH, period=period, told=told, **around)

    return [Route(PATH, overview, methods=["GET"]), Route(PATH + "/{period}", one, methods=["GET"])]


def _figures(report: Report) -> list[int | None]:
    """The figures of a month, in the order of the columns; None for one that is not told."""
    kinds = (report.calls, report.development)
    refused = [_denied(each.outcomes) for each in kinds]
    responses = report.responses.values()
    return [
        sum(each.outcomes.total for each in kinds),
        None if None in refused else sum(each or 0 for each in refused),
        sum(each.filed for each in responses),
        sum(each.answered for each in responses),
        len(report.overdue),
        sum(motion.outcome != OPEN for motion in report.motions),
    ]


def _denied(outcomes: Breakdown) -> int | None:
    """How many calls were denied; None where a count that would tell it is withheld."""
    if outcomes.rows is None:
        return None
    found = [count for name, count in outcomes.rows.items() if name.startswith(_DENIED)]
    told = [count for count in found if isinstance(count, int)]
    return sum(told) if len(told) == len(found) else None


def _lead(reports: Sequence[Report], figures: Sequence[Sequence[int | None]]) -> str:
    if not reports:
        return "No month of the log is counted yet."
    newest = _sentence(reports[-1], figures[-1])
    if len(reports) == 1:
        return f"{newest} It is the first month."
    return f"{newest} {_sentence(reports[-2], figures[-2])}"


def _sentence(report: Report, figures: Sequence[int | None]) -> str:
    calls, refused = figures[0] or 0, figures[1]
    share = "how many were refused is not told" if refused is None else f"{refused:,} of them were refused"
    has, so_far = ("had", "") if report.closed else ("has", " so far")
    return f"{_long(report.period)} {has} {calls:,} {'call' if calls == 1 else 'calls'}{so_far}; {share}."


def _bounded(told: Iterable[Block]) -> Iterator[Block]:
    """The blocks, with no more rows of a table than a page has room for."""
    for block in told:
        if isinstance(block, Table) and len(block.rows) > MOST_ROWS:
            yield replace(block, rows=block.rows[:MOST_ROWS])
            yield Paragraph(f"{len(block.rows) - MOST_ROWS:,} more rows are in the whole report: regard report.")
        else:
            yield block


def _long(period: str) -> str:
    return time.strftime("%B %Y", time.strptime(period, "%Y-%m"))


def _short(period: str) -> str:
    return time.strftime("%b %Y", time.strptime(period, "%Y-%m"))
