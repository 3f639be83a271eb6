"""A log in shards is verified as one record: nothing in any of its files can change unnoticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regard.ledger.tree.notes import NoteError, Signer
from regard.ledger.tree.tiles import tiles_of
from regard.ledger.witnesses.series import Broken, audit_series, periods_of
from tests.helpers.ledger.served_log import NAME, opened

SIGNER = Signer.generate(NAME)
KEYS = [SIGNER.verifier]


class Files(dict[str, bytes]):
    """The files of a log, as they are fetched."""

    def fetch(self, path: str) -> bytes:
        if path not in self:
            raise FileNotFoundError(path)
        return self[path]


def written(folder: Path, calls: Mapping[str, int]) -> Files:
    files = Files()
    with opened(folder, SIGNER) as book:
        for period, times in calls.items():
            book.period = period
            book.call(times=times)
        for period, times in calls.items():
            paths = ["checkpoint", *(tile.path for tile in tiles_of(times + 1))]
            files |= {f"{period}/{path}": book.served.fetch(f"{period}/{path}") for path in paths}
        files["periods"] = book.served.fetch("periods")
    return files


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return written(tmp_path_factory.mktemp("log"), {"2026-10": 260, "2026-11": 7, "2026-12": 300})


def test_every_entry_of_every_period_is_verified(whole: Files) -> None:
    seen: list[tuple[str, int]] = []
    found = audit_series(whole.fetch, KEYS, {}, entry=lambda period, index, _: seen.append((period, index)))
    assert {period: each.new for period, each in found.items()} == {"2026-10": 261, "2026-11": 8, "2026-12": 301}
    assert seen == [(period, index) for period, each in found.items() for index in range(each.new)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_flipped_bit_is_noticed(whole: Files, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(whole.keys() - {"periods"})))
    place = data.draw(st.integers(0, len(whole[path]) * 8 - 1))
    changed = bytearray(whole[path])
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(Broken) as broken:
        audit_series(Files(whole | {path: bytes(changed)}).fetch, KEYS, {})
    assert broken.value.period in (path.partition("/")[0], "2026-11", "2026-12")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_missing_file_is_noticed(whole: Files, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(whole.keys() - {"periods"})))
    with pytest.raises(Broken):
        audit_series(Files({path: each for path, each in whole.items() if path != gone}).fetch, KEYS, {})


@pytest.mark.parametrize("hidden", ["2026-10", "2026-11"])
def test_a_period_that_is_left_out_is_noticed_by_whoever_never_saw_it(whole: Files, hidden: str) -> None:
    listed = json.dumps([each for each in ("2026-10", "2026-11", "2026-12") if each != hidden]).encode()
    with pytest.raises(Broken) as broken:
        audit_series(Files(whole | {"periods": listed}).fetch, KEYS, {})
    assert broken.value.kind == "unlinked"


def test_the_newest_period_is_missed_by_whoever_saw_it(whole: Files) -> None:
    before = {period: each.note for period, each in audit_series(whole.fetch, KEYS, {}).items()}
    with pytest.raises(Broken) as broken:
        audit_series(Files(whole | {"periods": b'["2026-10","2026-11"]'}).fetch, KEYS, before)
    assert (broken.value.kind, broken.value.period, broken.value.evidence) == (
        "missing",
        "2026-12",
        [before["2026-12"]],
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.integers(1, 520), more=st.integers(0, 520))
def test_an_audit_continues_wherever_the_last_one_ended(
    tmp_path_factory: pytest.TempPathFactory, calls: int, more: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    with opened(folder, SIGNER) as book:
        book.call(times=calls)
        before = {period: each.note for period, each in audit_series(book.served.fetch, KEYS, {}).items()}
        book.call(times=more)
        found = audit_series(book.served.fetch, KEYS, before)
    assert found["2026-11"].new == more


def test_a_shard_that_is_just_begun_is_no_break(tmp_path: Path) -> None:
    files = written(tmp_path, {"2026-10": 3})
    with opened(tmp_path / "new", SIGNER) as book:
        book._open(book.folder / "2026-11", [SIGNER.renamed(f"{NAME}/2026-11")]).close()
        files["2026-11/checkpoint"] = book.served.fetch("2026-11/checkpoint")
    files["periods"] = b'["2026-10", "2026-11"]'
    assert audit_series(files.fetch, KEYS, {})["2026-11"].checkpoint.size == 0


@pytest.mark.parametrize("listed", [b"", b"{}", b"[1]", b'["../2026"]', b'["2026-11/.."]', b"[[]]"])
def test_a_list_that_names_no_periods_is_refused(listed: bytes) -> None:
    with pytest.raises(ValueError):
        periods_of(Files(periods=listed).fetch)


def test_a_checkpoint_from_before_that_the_log_did_not_sign_is_no_verdict(whole: Files) -> None:
    with pytest.raises(NoteError) as error:
        audit_series(whole.fetch, KEYS, {"2026-10": b"nothing"})
    assert not isinstance(error.value, Broken)
