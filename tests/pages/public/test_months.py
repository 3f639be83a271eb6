"""The pages of the months: what the report says, as figures beside each other and as lines."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from regard.ledger.log.served import Served
from regard.pages.public.months import MOST_ROWS, month_pages
from regard.stewardship.reports.months import Months
from tests.helpers.ledger.public_log import PublicLog, founding

DENIED: dict[str, Any] = {"outcome": "denied", "rules": ["no-law-enforcement"]}
PLANTED = "<script>alert(1)</script>"


@pytest.fixture
def log(tmp_path: Path) -> PublicLog:
    return PublicLog(tmp_path / "log")


def get(log: PublicLog, path: str) -> httpx.Response:
    log.publish()
    app = Starlette(routes=month_pages(Months(Served(log.folder), wait=60)))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.get(path)

    return asyncio.run(ask())


def rows(page: str) -> dict[str, list[str]]:
    found = re.findall(r'<a href="/reports/([\d-]+)">[^<]*</a></th>(.*?)</tr>', page)
    return {month: re.findall(r'data-of="[^"]*">([^<]*)<', cells) for month, cells in found}


def test_a_month_is_told_beside_the_one_before(log: PublicLog) -> None:
    log.write("founded", "2026-10-01T00", **founding())
    log.call("2026-10-02T10", 20)
    log.call("2026-10-02T11", 7, **DENIED)
    log.call("2026-11-02T10", 1000, purpose="development")
    log.write("report", "2026-11-06T00", report="c" * 32, about="appeal", due="2026-11-08T00:00Z", commitments=[])
    page = get(log, "/reports").text
    assert "November 2026 has 1,000 calls so far; 0 of them were refused." in page
    assert "October 2026 had 27 calls; 7 of them were refused." in page
    assert rows(page) == {"2026-11": ["1,000", "0", "1", "0", "0", "0"], "2026-10": ["27", "7", "0", "0", "0", "0"]}
    assert page.count("<polyline") == page.count("<svg") == 3


def test_a_count_that_the_report_keeps_is_kept_here_and_leaves_a_gap(log: PublicLog) -> None:
    for month, refused in (("2026-09", 6), ("2026-10", 2), ("2026-11", 8)):
        log.call(f"{month}-02T10", 20)
        log.call(f"{month}-02T11", refused, **DENIED)
    page = get(log, "/reports").text
    assert [figures[:2] for figures in rows(page).values()] == [["28", "8"], ["22", "not told"], ["26", "6"]]
    refused = next(each for each in re.findall(r"<svg.*?</svg>", page) if "refused by month" in each)
    assert (refused.count("<circle"), refused.count("<polyline")) == (2, 0)


def test_a_month_has_a_page_that_is_its_report(log: PublicLog) -> None:
    log.call("2026-10-02T10", 20)
    log.call("2026-11-02T10", 20)
    page = get(log, "/reports/2026-11")
    assert page.status_code == 200
    assert "Transparency report for 2026-11" in page.text
    assert 'href="/reports/2026-10"' in page.text
    assert 'href="/reports/2026-12"' not in page.text


def test_what_an_entry_says_is_text(log: PublicLog) -> None:
    log.call("2026-11-02T10", 20, operation=PLANTED, purpose=PLANTED, sector=PLANTED)
    stopped = {"capability": PLANTED, "role": PLANTED, "reason": PLANTED}
    log.write("suspension", "2026-11-04T00", until="2026-11-07T00:00Z", **stopped)
    log.write("audit", "2026-11-05T00", model=PLANTED, results={PLANTED: PLANTED})
    page = get(log, "/reports/2026-11").text
    assert page.count("&lt;script&gt;") >= 8
    assert "<script" not in page


def test_a_month_with_much_to_tell_stays_a_page(log: PublicLog) -> None:
    for number in range(MOST_ROWS + 20):
        told = {"report": f"{number:032x}", "about": "appeal", "due": "2026-11-03T00:00Z", "commitments": []}
        log.write("report", "2026-11-02T00", **told)
    log.call("2026-11-20T10")
    page = get(log, "/reports/2026-11")
    assert f"{MOST_ROWS:032x}" not in page.text
    assert "20 more rows" in page.text
    assert len(page.content) < 100_000


@pytest.mark.parametrize("month", ["2020-01", "yesterday", "<script>"])
def test_another_month_is_not_there(log: PublicLog, month: str) -> None:
    log.call("2026-11-02T10")
    page = get(log, f"/reports/{month}")
    assert (page.status_code, 'href="/reports/2026-11"' in page.text, "<script" in page.text) == (404, True, False)


def test_a_log_without_a_month_has_none(log: PublicLog) -> None:
    page = get(log, "/reports")
    assert (page.status_code, "No month of the log is counted yet." in page.text) == (200, True)
