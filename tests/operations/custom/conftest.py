"""What tests of custom labels share: rooms with a desk, and a workshop in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.operations.common.rooms import Rooms
from tests.helpers.customs import Workshop
from tests.helpers.fakes import Clock, open_rooms
from tests.helpers.working import with_jobs


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock) -> Rooms:
    return with_jobs(open_rooms(tmp_path, clock), tmp_path, clock)


@pytest.fixture
def shop(rooms: Rooms, tmp_path: Path) -> Workshop:
    return Workshop(rooms, tmp_path)
