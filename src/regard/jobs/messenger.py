"""Sends what is owed, as long as a process lives: one thread a kind, so that a slow webhook keeps no topic waiting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from regard.jobs.notices import KINDS

# How often it is looked whether something is owed. Clients poll as often.
_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Owing(Protocol):
    """What is sent from."""

    def send_due(self, kind: str, over: Callable[[], bool]) -> int:
        """Send what is due of a kind until it is `over`; how much whom it is for took."""


class Messenger:
    """Sends what is owed, of so many kinds, from `start` to `close`."""

    def __init__(self, notices: Owing, pause: float = _LOOK_SECONDS, kinds: Iterable[str] = KINDS) -> None:
        self._notices = notices
        self._pause = pause
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(kind,), name=kind, daemon=True) for kind in kinds]

    def start(self) -> None:
        """Begin to send, and return at once."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Send no more; what is under way comes to its end first."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, kind: str) -> None:
        while not self._over.is_set():
            try:
                self._notices.send_due(kind, self._over.is_set)
            except SQLAlchemyError:
                _log.warning("the database does not answer", exc_info=True)
            self._over.wait(self._pause)
