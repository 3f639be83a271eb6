"""`regard log verify` against a server that means no good: it ends, at that server, and says what is wrong."""

from __future__ import annotations

import base64
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from regard.fetching import Unfetched
from regard.ledger.log.served import copy
from regard.ledger.tree.notes import Signer, sign_note
from regard.ledger.witnesses import audit as auditing
from regard.ledger.witnesses import cosigning
from regard.ledger.witnesses.audit import from_url
from regard.ledger.witnesses.series import Broken, audit_series
from tests.helpers.malicious import OK, dribbled_body, endless, hostile, leading, nonsense

KEYS = [Signer.generate("log.example").verifier]
PERIODS = OK + b'["2026-11"]'


def test_a_file_that_dribbles_in_is_let_go_of_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "_SECONDS", 0.5)
    with hostile(dribbled_body, pause=0.05) as server:
        begun = time.monotonic()
        with pytest.raises(Unfetched, match="did not answer whole"):
            audit_series(from_url(server.address), KEYS, {})
        assert time.monotonic() - begun < 5


def test_a_log_that_leads_elsewhere_is_not_followed() -> None:
    with hostile(lambda _path: iter([PERIODS])) as other, hostile(leading(f"{other.address}/periods")) as server:
        with pytest.raises(Unfetched, match="leads away"):
            audit_series(from_url(server.address), KEYS, {})
        assert other.asked == []


@pytest.mark.parametrize("path", ["periods", "checkpoint", "tile/0/000", "tile/entries/000"])
def test_a_file_longer_than_a_log_has_is_none(path: str) -> None:
    with hostile(endless) as server, pytest.raises(ValueError, match="longer than"):
        from_url(server.address)(path)


def test_an_endless_checkpoint_is_a_damaged_log() -> None:
    def says(path: str) -> Iterator[bytes]:
        return iter([PERIODS]) if path == "/periods" else endless(path)

    with hostile(says) as server, pytest.raises(Broken) as caught:
        audit_series(from_url(server.address), KEYS, {})
    assert caught.value.kind == "damaged"


@pytest.mark.parametrize(
    "listed",
    [b"[" * 30_000, b"[" * 30_000 + b"]" * 30_000, b'"2026-11"', b"\xff", b"1" * 9_999],
    ids=["open", "nested", "text", "bytes", "number"],
)
def test_what_is_no_list_of_periods_is_said_to_be_none(listed: bytes) -> None:
    with hostile(lambda _path: iter([OK, listed])) as server, pytest.raises(ValueError, match="no list of periods"):
        audit_series(from_url(server.address), KEYS, {})


def test_what_is_no_http_is_told_and_no_fault_of_ours() -> None:
    with hostile(nonsense) as server, pytest.raises(Unfetched):
        audit_series(from_url(server.address), KEYS, {})


def test_a_copy_of_a_log_that_claims_to_be_endless_takes_no_memory(tmp_path: Path) -> None:
    root = base64.b64encode(bytes(32)).decode()
    text = f"log.example/2026-11\n{200_000_000}\n{root}\n"
    note = sign_note(text, [Signer.generate("log.example/2026-11")])
    files = {"2026-11/checkpoint": note, "2026-11/tile/entries/000": b"x"}

    def fetch(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    tracemalloc.start()
    try:
        with pytest.raises(FileNotFoundError, match=r"tile/entries/001"):
            copy(fetch, ["2026-11"], tmp_path, lambda *_: None)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_witness_that_dribbles_or_leads_away_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosigning, "_ANSWER_SECONDS", 0.5)
    with hostile(dribbled_body, pause=0.05) as witness, pytest.raises(Unfetched, match="did not answer whole"):
        cosigning.posting(witness.address)(b"old 0\n")
    with hostile(lambda _path: iter([OK])) as other, hostile(leading(other.address)) as witness:
        with pytest.raises(Unfetched, match="leads away"):
            cosigning.posting(witness.address)(b"old 0\n")
        assert other.asked == []
