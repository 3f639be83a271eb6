"""A store with pictures of two colours, and rooms that train on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions import teaching
from tests.helpers.custom import custom_rooms, put_manifest, put_pictures, unrelated
from tests.helpers.fakes import Client, Clock
from tests.helpers.stores import store, store_client


@dataclass(frozen=True)
class Shop:
    """A store with pictures: lines of a manifest for training and of one for the test, and both as Assets."""

    endpoint: str
    lines: list[dict[str, Any]]
    others: list[dict[str, Any]]
    training: dict[str, Any]
    testing: dict[str, Any]


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    with store() as endpoint:
        for bucket in ("pictures", "results", "others"):
            store_client(endpoint).create_bucket(Bucket=bucket)
        lines = put_pictures(endpoint, "train", range(8), ("green", "blue"))
        others = put_pictures(endpoint, "test", range(100, 103), ("green", "blue"))
        assets = put_manifest(endpoint, "train.jsonl", lines), put_manifest(endpoint, "test.jsonl", others)
        yield Shop(endpoint, lines, others, *assets)


@pytest.fixture(autouse=True)
def _unrelated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "background", unrelated)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock, shop: Shop) -> Rooms:
    return custom_rooms(tmp_path, clock, shop.endpoint)


@pytest.fixture
def client(rooms: Rooms) -> Client:
    return Client(rooms)
