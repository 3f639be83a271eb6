"""Models that were not asked for in a while leave memory; the next picture loads them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Event, Thread

_LOOK = 10.0


class Idle:
    """Lets go of models `after` so many seconds; 0 keeps them for ever. Thread-safe.

    A model is known by what a runtime calls it when it tells of an inference. Whoever runs one just then holds on to
    it until the end: nothing is taken away from under an inference.
    """

    def __init__(self, after: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._after = after
        self._clock = clock
        self._used: dict[str, float] = {}
        self._watched: list[tuple[tuple[str, ...], Callable[[], None]]] = []
        self._closing = Event()

    def watch(self, models: Iterable[str], unload: Callable[[], None]) -> None:
        """Have `unload` called once none of the models whose names begin so was used for long enough."""
        self._watched.append((tuple(models), unload))

    def ran(self, model: str, _seconds: float) -> None:
        """Take note of an inference."""
        self._used[model] = self._clock()

    def sweep(self) -> None:
        """Let go of what is idle now."""
        now = self._clock()
        for models, unload in self._watched:
            used = {name: at for name, at in list(self._used.items()) if name.startswith(models)}
            if used and now - max(used.values()) >= self._after:
                unload()
                for name in used:
                    del self._used[name]

    def start(self) -> None:
        """Begin to look from time to time."""
        if self._after:
            Thread(target=self._work, name="idle", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()

    def _work(self) -> None:
        while not self._closing.wait(min(_LOOK, self._after)):
            self.sweep()
