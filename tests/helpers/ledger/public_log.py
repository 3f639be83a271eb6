"""A public log for the tests of reports: made entry by entry, signed, and read back by its key alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from regard.ledger.log.log import Log
from regard.ledger.log.served import Served
from regard.ledger.log.shards import Shards
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Signer
from regard.stewardship.council.charter import Charter, Member, Quota
from regard.stewardship.council.motions import Kind, Motion
from regard.stewardship.reports.reckoning import read_report
from regard.stewardship.reports.report import Report
from tests.helpers.ledger.faults import QuickDisk

NAME = "log.example"
FIRST_POLICY, NEXT_POLICY = "a" * 64, "b" * 64


class PublicLog:
    """Writes entries into months of a log, and reports on them as an outsider does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = Signer.generate(NAME)
        self._month = "2026-10"
        self._shards = Shards(folder, NAME, lambda origin: [self.key.renamed(origin)], lambda: self._month, open_log)
        self._sequence = 0

    def write(self, kind: str, at: str, **body: Any) -> None:
        """One entry of the month that `at` is in."""
        self._month = at[:7]
        self._shards.append(canonical({"kind": f"regard/{kind}", "at": f"{at}:00Z", **body}))

    def call(self, at: str = "2026-11-02T10", count: int = 1, **told: Any) -> None:
        """Calls that were answered, unless told otherwise, all by one organization."""
        for _ in range(count):
            self._sequence += 1
            usual = {
                "operation": "DetectFaces",
                "organization": "0" * 32,
                "purpose": "photo-library",
                "sector": "retail",
                "outcome": "answered",
                "sequence": self._sequence,
            }
            self.write("call", at, **usual | told)

    def begin(self, month: str) -> None:
        """The month begins, with an entry that says nothing."""
        self.write("nothing", f"{month}-01T00")

    def raw(self, data: bytes) -> None:
        """An entry of the month that it is, of these bytes."""
        self._shards.append(data)

    def publish(self) -> None:
        """Sign what was written."""
        self._shards.close()

    def report(self, period: str = "2026-11", folder: Path | None = None) -> Report:
        """The report, by whoever has the files in `folder` and the public key."""
        self.publish()
        return read_report(period, Served(folder or self.folder).fetch, [self.key.verifier], lambda *_: None)


def charter(members: int) -> dict[str, Any]:
    """A charter for so many members."""
    sit = tuple(Member(f"member-{n}", "auditor", str(Signer.generate(f"member-{n}").verifier)) for n in range(members))
    plain: dict[str, Any] = msgspec.to_builtins(Charter(sit, {"default": Quota(1)}))
    return plain


def motion(kind: Kind, title: str = "A motion", **payload: Any) -> Motion:
    """A motion of a member."""
    return Motion(kind, title, "", "member-0", 1_790_000_000, payload)


def founding(members: int = 3) -> dict[str, Any]:
    """What the log says of the first charter."""
    made = motion(Kind.GENESIS, charter=charter(members), policy=FIRST_POLICY, pack="moratorium")
    return {"motion": made.hash, "text": made.text}


def open_log(folder: Path, signers: Sequence[Signer]) -> Log:
    """A log that does not wait for the platter."""
    return Log(folder, signers, disk=QuickDisk(), publish_every=60)
