"""The tests of sessions on WebSockets go on one stage."""

from __future__ import annotations

from tests.helpers.staged import judge, stage

__all__ = ["judge", "stage"]
