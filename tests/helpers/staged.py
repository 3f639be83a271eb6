"""Fixtures of tests of liveness on WebSockets: a service on which it is enabled, and a judgement of theirs.

A room's conftest imports those that its tests ask for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from regard.operations.liveness import judging
from tests.helpers.live import Judging, Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judging:
    found = Judging()
    monkeypatch.setattr(judging, "judge", found)
    return found
