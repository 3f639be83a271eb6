"""What is overdue goes, whatever else of a sweep breaks."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from regard.liveness import tables
from regard.liveness.session import Asked
from regard.liveness.sessions import TERM_SECONDS
from regard.stewardship.holdings import open_holdings
from tests.helpers.started import started, stop


def test_what_liveness_keeps_goes_in_its_time_though_all_else_of_a_sweep_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    office = started(tmp_path)
    holdings = open_holdings(office)
    liveness, organization = holdings.liveness, office.organizations.all()[0].id
    with holdings.gallery.writing() as connection:
        liveness.create(connection, organization, "AKIA", Asked(), None)
    followed = list[bool]()

    def broken(_self: object) -> int:
        raise RuntimeError("the disk is full")

    for each in (holdings.reviews, holdings.loops, holdings.jobs, holdings.found_notices):
        monkeypatch.setattr(type(each), "expire", broken)
    monkeypatch.setattr(type(holdings.seals), "follow", lambda _self: followed.append(True))
    liveness.clock = lambda: time.time() + TERM_SECONDS
    with caplog.at_level(logging.ERROR):
        holdings.retention.sweep()
    with holdings.gallery.reading() as connection:
        assert connection.execute(select(tables.liveness_sessions.c.sealed)).scalars().all() == [None]
    assert followed == [True]
    assert caplog.messages.count("a part of a sweep failed") == 4
    stop(office)
