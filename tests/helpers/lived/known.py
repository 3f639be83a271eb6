"""What people outside know of a folder, and who is in its pictures."""

from __future__ import annotations

from typing import Any

import msgspec

ALICE, BOB, CARL, DORA = 1, 2, 3, 4


class Known(msgspec.Struct):
    """What people outside know of the folder: ids and secrets that they were given."""

    operator: str = ""
    firm: str = ""
    keys: dict[str, str] = {}
    revoked: str = ""
    secrets: dict[str, str] = {}
    token: str = ""
    session: str = ""
    waiting: str = ""
    log_key: str = ""
    faces: dict[str, str] = {}
    reports: list[str] = []
    jobs: list[str] = []
    mine: dict[str, int] = {}
    project: str = ""
    labels: dict[str, Any] = {}
