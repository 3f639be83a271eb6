"""What all tests of commands have: a data folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.started import started, stop


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def begun(tmp_path: Path, _own_data: None) -> None:
    """A data folder in which the service was started once."""
    stop(started(tmp_path / "data"))
