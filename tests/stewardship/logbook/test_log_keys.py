"""The log's key is replaced while everybody can go on verifying."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from regard.ledger.log.served import Served
from regard.ledger.log.shards import Shards
from regard.ledger.tree.notes import Verifier
from regard.ledger.witnesses.series import Broken, audit_series
from regard.stewardship.logbook.log_keys import FolderKeys, LogKeys, NotRotated

NAME = "log.example"


class Started:
    """The log as a service that is started now would write it."""

    def __init__(self, folder: Path, period: str) -> None:
        self.keys = LogKeys(FolderKeys(folder), NAME)
        signing = self.keys.signers
        self.served = Served(folder / "shards")
        self._shards = Shards(
            folder / "shards", NAME, lambda origin: [each.renamed(origin) for each in signing], lambda: period
        )
        self._shards.append(b'{"kind":"regard/call"}')

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self._shards.close()

    def verified(self, keys: Sequence[Verifier]) -> list[str]:
        self._shards.current()[1].publish()
        return list(audit_series(self.served.fetch, keys, {}))


def test_a_key_is_replaced_over_two_starts_and_the_log_goes_on(tmp_path: Path) -> None:
    with Started(tmp_path, "2026-10") as service:
        (old,) = service.keys.verifiers
        assert service.verified([old]) == ["2026-10"]
    with Started(tmp_path, "2026-11") as service:
        new = service.keys.add()
        assert service.verified([old]) == ["2026-10", "2026-11"]
    with Started(tmp_path, "2026-11") as service:
        # Both sign: whoever knows the old one alone is not shut out, nor is whoever knows both.
        assert service.verified([old]) == service.verified([old, new]) == ["2026-10", "2026-11"]
        assert service.keys.retire(service.served.note("2026-11")) == old
    with Started(tmp_path, "2026-12") as service:
        assert service.keys.verifiers == [new, old]
        assert service.verified(service.keys.verifiers) == ["2026-10", "2026-11", "2026-12"]
        with pytest.raises(Broken, match="2026-12"):
            service.verified([old])


def test_a_log_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    LogKeys(FolderKeys(tmp_path), NAME)
    (tmp_path / "log.key").chmod(0o640)
    with pytest.raises(PermissionError, match="key may be read by others: run `chmod 600"):
        LogKeys(FolderKeys(tmp_path), NAME)
    (tmp_path / "log.key").chmod(0o600)
    assert LogKeys(FolderKeys(tmp_path), NAME).verifiers


def test_a_key_that_never_signed_cannot_stand_alone(tmp_path: Path) -> None:
    with Started(tmp_path, "2026-11") as service:
        service.verified(service.keys.verifiers)
        note = service.served.note("2026-11")
        with pytest.raises(NotRotated, match="add another first"):
            service.keys.retire(note)
        service.keys.add()
        with pytest.raises(NotRotated, match="not signed the log yet"):
            service.keys.retire(note)
        with pytest.raises(NotRotated, match="retire the older"):
            service.keys.add()


def test_private_keys_are_for_the_owner_alone(tmp_path: Path) -> None:
    keys = LogKeys(FolderKeys(tmp_path), NAME)
    keys.add()
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600
    assert len(LogKeys(FolderKeys(tmp_path), NAME).signers) == 2
