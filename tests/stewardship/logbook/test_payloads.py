"""Details lie sealed beside the log, are opened by their commitment, and are erased one by one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.sealing import SealBroken, SealingKey
from regard.stewardship.logbook.payload_rows import FileRows
from regard.stewardship.logbook.payloads import Part, Payloads, matches, seal

KEY = SealingKey(bytes(32))


def test_details_are_read_back_by_their_commitment(tmp_path: Path) -> None:
    payloads = Payloads(FileRows(tmp_path / "payloads.db"), KEY)
    sealed = seal(Part("o", {"request_id": "r"}), KEY)
    payloads.keep([sealed], 1.0)
    assert payloads.open(sealed.commitment) == {"request_id": "r"}


def test_details_of_another_key_do_not_open(tmp_path: Path) -> None:
    payloads = Payloads(FileRows(tmp_path / "payloads.db"), SealingKey(bytes(31) + b"\1"))
    sealed = seal(Part("o", {}), KEY)
    payloads.keep([sealed], 1.0)
    with pytest.raises(SealBroken):
        payloads.open(sealed.commitment)


def test_what_is_erased_about_one_subject_leaves_the_rest(tmp_path: Path) -> None:
    payloads = Payloads(FileRows(tmp_path / "payloads.db"), KEY)
    parts = [payloads.seal(Part(whose, {"n": n}, "c/external/somebody")) for n, whose in enumerate(("o", "o", "other"))]
    payloads.keep(parts, 1.0)
    assert payloads.erase_person("o", "external/somebody") == 2
    assert payloads.about("o", "external/somebody") == {}
    assert list(payloads.about("other", "external/somebody").values()) == [{"n": 2}]
    with pytest.raises(LookupError):
        payloads.open(parts[0].commitment)


def test_the_key_of_somebody_is_fetched_once_for_all_that_is_told_of_them(tmp_path: Path) -> None:
    fetched: list[str] = []

    def keys(_organization: str, whose: str, make: bool) -> SealingKey:
        fetched.append(whose)
        return KEY

    payloads = Payloads(FileRows(tmp_path / "payloads.db"), KEY, keys)
    payloads.keep([payloads.seal(Part("o", {"n": n}, "c/external/somebody")) for n in range(9)], 7.0)
    fetched.clear()
    told = payloads.dated("o", "external/somebody")
    assert [(at, details["n"]) for _, at, details in told] == [(7, n) for n in range(9)]
    assert fetched == ["external/somebody"]


def test_erased_details_are_not_left_in_the_files(tmp_path: Path) -> None:
    payloads = Payloads(FileRows(tmp_path / "payloads.db"), KEY)
    sealed = payloads.seal(Part("o", {"n": 1}, "c/external/somebody"))
    payloads.keep([sealed], 1.0)
    assert any(sealed.data in path.read_bytes() for path in tmp_path.iterdir())
    payloads.erase_person("o", "external/somebody")
    assert not any(sealed.data in path.read_bytes() for path in tmp_path.iterdir())


def test_no_file_says_whom_details_are_about(tmp_path: Path) -> None:
    payloads = Payloads(FileRows(tmp_path / "payloads.db"), KEY)
    sealed = payloads.seal(Part("o", {"n": 1}, "c/external/somebody"))
    payloads.keep([sealed], 1.0)
    assert "somebody" not in sealed.subject
    assert not any(b"somebody" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_failure_leaves_no_transaction_open(tmp_path: Path) -> None:
    rows = FileRows(tmp_path / "payloads.db")
    payloads = Payloads(rows, KEY)
    (pages,) = rows._database.execute("PRAGMA page_count").fetchone()
    rows._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError):
        payloads.check()
    rows._database.execute("PRAGMA max_page_count = 1000000")
    payloads.check()
    payloads.keep([seal(Part("o", {}), KEY)], 1.0)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.binary(min_size=32, max_size=32))
def test_a_guess_without_the_salt_proves_nothing(details: dict[str, str], salt: bytes) -> None:
    # Two entries on the same details have nothing in common that an outsider could find.
    first, second = seal(Part("o", details), KEY), seal(Part("o", details), KEY)
    assert first.commitment != second.commitment
    assert not matches(first.commitment, salt, details)


def test_what_is_about_a_person_is_found_without_reading_the_rest(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "payloads.db")) as older:
        older.execute("CREATE TABLE payloads (commitment TEXT PRIMARY KEY, organization, subject, at, sealed)")
        older.execute("CREATE INDEX payloads_subject ON payloads (organization, subject)")
        older.executemany("INSERT INTO payloads VALUES (?, 'o', ?, 0, x'')", [("one", ""), ("two", "person")])
        older.commit()
    rows = FileRows(tmp_path / "payloads.db")
    told: list[str] = []
    rows._database.set_trace_callback(told.append)
    assert [row.commitment for row in rows.about("o", "person")] == ["two"]
    plan = rows._database.execute(f"EXPLAIN QUERY PLAN {told[0]}").fetchall()
    assert "payloads_person" in plan[0][3]
    assert rows.erase("o", "person") == 1
    assert rows.find("one") is not None
    rows.close()
