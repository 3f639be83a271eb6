"""`regard serve` as it is in life, with its gate, its log and its pool; finding faces and moderating without models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from regard.cli import main
from regard.vision import eyes
from regard.vision.things.moderation import Moderator
from tests.helpers.fakes import FakeAnalyzer, FakeModerator
from tests.helpers.running import Running, running


@contextmanager
def running_fakes(data_dir: Path, first: Running | None = None, **settings: str) -> Iterator[Running]:
    """Such a service on a free port until the end of the block; after a `first` one it has its keys."""
    known = first.environment if first else None
    command = ("-m", "tests.helpers.served_fakes", "serve", "--port", "0")
    with running(data_dir, known, command, **settings) as service:
        yield service


if __name__ == "__main__":
    with (
        patch.object(eyes, "open_analyzer", lambda *_: FakeAnalyzer()),
        patch.object(Moderator, "__call__", lambda _, picture: FakeModerator(90.0)(picture)),
    ):
        main()
