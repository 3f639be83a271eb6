"""What is noticed of an edited folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.lived.house import Lived
from tests.helpers.lived.known import Known
from tests.helpers.lived.uses import uses


def noticed(folder: Path, known: Known) -> list[str]:
    """What is noticed at the start of a folder, and at each use of what is in it; empty where all is as it was left."""
    with _listening() as said:
        try:
            house = Lived(folder)
        except Exception as error:
            return [f"start: {error}"]
        for name, use in uses(house, known).items():
            try:
                use()
            except Exception as error:
                said.append(f"{name}: {type(error).__name__}: {error}")
        try:
            house.close()
        except Exception as error:
            said.append(f"end: {error}")
    return said


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What the service says meanwhile of its own accord: errors, and motions that count for nothing."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR or "counts for nothing" in record.getMessage():
                said.append(f"said: {record.getMessage()}")

    listener = Listener()
    logging.getLogger("regard").addHandler(listener)
    try:
        yield said
    finally:
        logging.getLogger("regard").removeHandler(listener)
