"""The tests of the page of liveness go on the stage of those of its sockets."""

from __future__ import annotations

from tests.helpers.staged import judge, stage

__all__ = ["judge", "stage"]
