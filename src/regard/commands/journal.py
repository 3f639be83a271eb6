"""A journal of finished work, so that a long command can be stopped and run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Journal:
    """What was done with which file, a line of JSON each. A file that has changed since counts as not done."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._done: dict[str, dict[str, Any]] = {}
        if path.exists():
            # The last line may have been cut short when the command was stopped.
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue
                self._done[entry["file"]] = entry

    def result(self, file: Path) -> dict[str, Any] | None:
        """What was noted of this file, or None when it is still to do."""
        entry = self._done.get(str(file.resolve()))
        return entry["result"] if entry and entry["state"] == _state(file) else None

    def note(self, file: Path, result: dict[str, Any]) -> None:
        """Note that `file` is done."""
        name = str(file.resolve())
        entry = {"file": name, "state": _state(file), "result": result}
        self._done[name] = entry
        with self._path.open("a") as lines:
            lines.write(json.dumps(entry) + "\n")


def _state(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
