"""What earlier audits of logs verified: one file a log, so that the next audit reads only what is new."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.tree.notes import Verifier


class Verified:
    """The checkpoints in a file, as notes by period."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def usual(cls, keys: Sequence[Verifier]) -> Verified:
        """The file for a log with these keys: its copies at any address are held to the same history."""
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
        name = hashlib.sha256("\n".join(sorted(map(str, keys))).encode()).hexdigest()[:32]
        return cls(state / "regard" / "logs" / f"{name}.json")

    def notes(self) -> dict[str, bytes]:
        """What was verified last, nothing before the first time. Raises ValueError for a file of another kind."""
        try:
            read = json.loads(self._path.read_bytes())
            return {str(period): str(note).encode() for period, note in read["checkpoints"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{self._path} does not hold what an audit verified: name another with --state") from None

    def keep(self, notes: Mapping[str, bytes]) -> None:
        """Put these in place of what was verified last."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        told = {"checkpoints": {period: note.decode() for period, note in notes.items()}}
        Disk().replace(self._path, json.dumps(told, indent=2).encode() + b"\n")
