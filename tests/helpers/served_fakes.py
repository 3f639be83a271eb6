"""`regard serve` as it is in life, with its gate, its log and its pool, and with a face analyzer without models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from regard.cli import main
from regard.vision import eyes
from tests.helpers.fakes import FakeAnalyzer
from tests.helpers.running import Running, running


@contextmanager
def running_fakes(data_dir: Path, first: Running | None = None, **settings: str) -> Iterator[Running]:
    """Such a service on a free port until the end of the block; after a `first` one it has its keys."""
    known = first.environment if first else None
    command = ("-m", "tests.helpers.served_fakes", "serve", "--port", "0")
    with running(data_dir, known, command, **settings) as service:
        yield service


if __name__ == "__main__":
    with patch.object(eyes, "open_analyzer", lambda *_: FakeAnalyzer()):
        main()
