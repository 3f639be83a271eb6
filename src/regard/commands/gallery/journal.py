"""A journal of finished work, so that a long command can be stopped and run again; not the log's write-ahead
journal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from regard.commands.gallery.sources import Source


class Journal:
    """What was done with which picture, a line of JSON each. One that has changed since counts as not done."""

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

    def result(self, source: Source) -> dict[str, Any] | None:
        """What was noted of this picture, or None when it is still to do."""
        entry = self._done.get(_name(source))
        return entry["result"] if entry and entry["state"] == [*source.state] else None

    def note(self, source: Source, result: dict[str, Any]) -> None:
        """Note that a picture is done."""
        name = _name(source)
        entry = {"file": name, "state": [*source.state], "result": result}
        self._done[name] = entry
        with self._path.open("a") as lines:
            lines.write(json.dumps(entry) + "\n")


def _name(source: Source) -> str:
    """The same from whichever folder the command is run."""
    return source.where if "://" in source.where else str(Path(source.where).resolve())
