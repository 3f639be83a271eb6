"""Seats: the keys of those who sit on the council, looked up once a second however often strangers knock."""

from __future__ import annotations

import threading
from collections.abc import Callable

from regard.ledger.tree.notes import Verifier
from regard.stewardship.council.chain import Law

KEPT_SECONDS = 1.0


class Seats:
    """The members' keys as of the last second; who sits there is checked again where a note is taken. Thread-safe."""

    def __init__(self, law: Callable[[], Law], clock: Callable[[], float]) -> None:
        self._law = law
        self._clock = clock
        self._turn = threading.Lock()
        self._until = -float("inf")
        self._verifiers: tuple[Verifier, ...] = ()

    def verifiers(self) -> tuple[Verifier, ...]:
        """The keys. Raises BrokenChain."""
        with self._turn:
            if self._clock() >= self._until:
                self._verifiers = tuple(member.verifier for member in self._law().charter.members)
                self._until = self._clock() + KEPT_SECONDS
            return self._verifiers
