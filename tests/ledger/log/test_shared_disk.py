"""The shared disk: who holds a log on PostgreSQL, and who holds it next."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from regard.database import open_database
from regard.ledger.log.disk import HeldElsewhere
from regard.ledger.log.shared_disk import SharedDisk
from tests.helpers.databases import POSTGRESQL, database_url

pytestmark = pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)


@pytest.mark.long
def test_whoever_comes_after_one_that_let_go_holds_the_log_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(database_url(tmp_path))
    first, second = SharedDisk(engine, tmp_path), SharedDisk(engine, tmp_path)
    let_go = first.hold(tmp_path)
    first.replace(tmp_path / "word", b"of the first")
    with pytest.raises(HeldElsewhere):
        second.hold(tmp_path)
    with monkeypatch.context() as patched:
        # As a busy database does, which ends a session some time after it was closed.
        patched.setattr(Connection, "close", lambda _: None)
        let_go()
        with pytest.raises(HeldElsewhere):
            first.replace(tmp_path / "word", b"of who let go")
    let_go_of_second = second.hold(tmp_path)
    assert second.read(tmp_path / "word") == b"of the first"
    let_go_of_second()
