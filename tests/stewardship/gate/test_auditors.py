"""The quota of outside auditors."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.database import open_database
from regard.gallery.collections.errors import QuotaExceeded
from regard.stewardship.gate.auditors import Auditors
from regard.stewardship.records import records
from tests.helpers.databases import database_url


def test_a_quota_is_each_auditors_own_and_lasts_a_day(tmp_path: Path) -> None:
    now = [0.0]
    engine = open_database(database_url(tmp_path))
    auditors = Auditors(engine, 100, lambda: now[0])
    assert auditors.take("1", 60) == 40
    with pytest.raises(QuotaExceeded, match="100"):
        auditors.take("1", 41)
    assert auditors.take("1", 40) == 0
    assert auditors.take("2", 100) == 0
    now[0] += 86_400
    assert auditors.take("1", 100) == 0
    assert [record.body["pictures"] for record in records.read(engine, "audit-batch")] == [60, 40, 100, 100]
