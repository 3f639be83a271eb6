"""`regard`, whose logbook takes every call and keeps none: what a service would be without its log, to measure it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.cli import app
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part


def _seal(_logbook: Logbook, part: Part) -> Any:
    return part


def _write_call(_logbook: Logbook, _body: dict[str, Any], _parts: Sequence[Any]) -> None:
    """Keep nothing."""


if __name__ == "__main__":
    setattr(Logbook, "seal", _seal)  # noqa: B010
    setattr(Logbook, "write_call", _write_call)  # noqa: B010
    app()
