"""Shards: one log a period, chained, each under a key that may be its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from regard.ledger.log.log import Log
from regard.ledger.log.shards import ShardError, Shards, link, verify_link
from regard.ledger.tree.checkpoints import open_checkpoint
from regard.ledger.tree.notes import Signer
from regard.ledger.tree.proof import verify_receipt
from regard.ledger.witnesses.audit import audit, from_folder
from tests.helpers.ledger.faults import QuickDisk


class Calendar:
    """The keys and the date of a test."""

    def __init__(self) -> None:
        self.period = "2026"
        self.keys: dict[str, Signer] = {}

    def signers(self, origin: str) -> Sequence[Signer]:
        return [self.keys.setdefault(origin, Signer.generate(origin))]

    def open(self, folder: Path) -> Shards:
        def log(place: Path, signers: Sequence[Signer]) -> Log:
            return Log(place, signers, disk=QuickDisk(), publish_every=60)

        return Shards(folder, "log.example", self.signers, lambda: self.period, log)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def shards(calendar: Calendar, tmp_path: Path) -> Iterator[Shards]:
    opened = calendar.open(tmp_path)
    yield opened
    opened.close()


def test_a_new_period_begins_a_new_log_chained_to_the_old(calendar: Calendar, shards: Shards, tmp_path: Path) -> None:
    assert [shards.append(b"one"), shards.append(b"two")] == [("2026", 1), ("2026", 2)]
    calendar.period = "2027"
    assert shards.append(b"three") == ("2027", 1)
    shards.close()
    assert shards.periods() == ["2026", "2027"]
    first: dict[str, bytes] = {}
    ends = {}
    for period in shards.periods():
        key = calendar.keys[f"log.example/{period}"].verifier
        found: dict[int, bytes] = {}
        fetch = from_folder(tmp_path / period / "public")
        ends[period] = audit(fetch, [key], entry=found.__setitem__).checkpoint
        first[period] = found[0]
    old = [calendar.keys["log.example/2026"].verifier]
    verify_link(first["2026"], None, old)
    verify_link(first["2027"], ends["2026"], old)
    with pytest.raises(ShardError):
        verify_link(first["2027"], ends["2027"], old)
    with pytest.raises(ShardError):
        verify_link(first["2026"], ends["2026"], old)


def test_a_closed_shard_that_grew_is_noticed(calendar: Calendar, shards: Shards, tmp_path: Path) -> None:
    shards.append(b"one")
    calendar.period = "2027"
    shards.append(b"two")
    shards.close()
    keys = list(calendar.signers("log.example/2026"))
    with Log(tmp_path / "2026", keys, disk=QuickDisk()) as old:
        old.append(b"late")
        grown = open_checkpoint(old.publish().note, old.verifiers)
        end = (tmp_path / "2027/public/tile/entries/000.p/2").read_bytes()
    entry = end[2 : 2 + int.from_bytes(end[:2])]
    with pytest.raises(ShardError, match="no longer"):
        verify_link(entry, grown, [keys[0].verifier])


def test_a_clock_that_is_set_back_does_not_reopen_a_shard(calendar: Calendar, shards: Shards, tmp_path: Path) -> None:
    calendar.period = "2027"
    shards.append(b"one")
    calendar.period = "2026"
    assert shards.append(b"two") == ("2027", 2)
    shards.close()
    # Nor does it after a restart: a clock that ran ahead for a moment would stop the log for as long.
    again = calendar.open(tmp_path)
    assert again.append(b"three") == ("2027", 3)
    again.close()
    assert again.periods() == ["2027"]


def test_every_shard_gives_receipts(calendar: Calendar, shards: Shards) -> None:
    shards.append(b"one")
    calendar.period = "2027"
    shards.append(b"two")
    for period, entry in (("2026", b"one"), ("2027", b"two")):
        key = calendar.keys[f"log.example/{period}"].verifier
        assert verify_receipt(shards.receipt(period, 1), [key])[0].entry == entry
    for period, index in (("2026", 2), ("2026", -1), ("2027", 2), ("2025", 0), ("..", 0)):
        with pytest.raises(LookupError):
            shards.receipt(period, index)


def test_a_shard_goes_on_after_a_restart(calendar: Calendar, shards: Shards, tmp_path: Path) -> None:
    shards.append(b"one")
    shards.close()
    again = calendar.open(tmp_path)
    assert again.append(b"two") == ("2026", 2)
    again.close()


@pytest.mark.parametrize("entry", [b"", b"{}", b"[]", b'{"previous":1}', b'{"previous":"no note"}', b"\xff"])
def test_an_entry_that_links_nothing_is_refused(entry: bytes) -> None:
    with pytest.raises(ShardError):
        verify_link(entry, None, [])


def test_the_first_link_names_nothing() -> None:
    assert link(None) == b'{"kind":"regard/shard","previous":null}'
