"""The crew: workers that a service starts, keeps running, and ends. They are processes of their own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

COMMAND = (sys.executable, "-m", "regard.cli", "work", "--while-open")
# How often is looked whether there is work, and how long a worker that ended is left alone, longer each time.
_LOOK_SECONDS, _LEAST_PAUSE, _MOST_PAUSE = 1.0, 1.0, 60.0
# A worker that ran for so long ended for another reason than the last one.
_STEADY_SECONDS = 60.0
_GRACE_SECONDS = 10.0
# One thread a worker for products of matrices, unless this process's own environment says otherwise: a training has
# many small ones, whose threads wait for each other by turning round, and beside other work most of its time was that.
_ALONE = {"OPENBLAS_NUM_THREADS": "1"}
_log = logging.getLogger(__name__)


class Crew:
    """So many workers, whenever there is something for them to do, until `close`. One that has nothing to do may end.

    A worker reads its standard input to the end and goes then: the pipe ends with this process, however it ends.
    """

    def __init__(
        self, number: int, busy: Callable[[], bool], settings: Mapping[str, str], command: Sequence[str] = COMMAND
    ) -> None:
        """`busy` says whether there is work; `settings` are variables that workers find beside this process's own."""
        self._number = number
        self._busy = busy
        self._environment = {**_ALONE, **os.environ, **settings}
        self._command = command
        self._closing = threading.Event()
        self._keepers: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to look for work."""
        for _ in range(self._number):
            keeper = threading.Thread(target=self._keep, name="worker", daemon=True)
            keeper.start()
            self._keepers.append(keeper)

    def close(self) -> None:
        """End the workers. What they are at is gone on with at the next start."""
        self._closing.set()
        for keeper in self._keepers:
            keeper.join()

    def _keep(self) -> None:
        """Have one worker whenever there is work."""
        pause = _LEAST_PAUSE
        while self._waited_for_work():
            began = time.monotonic()
            worker = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=self._environment)
            while worker.poll() is None and not self._closing.wait(_LOOK_SECONDS / 4):
                pass
            if worker.poll() is None:
                _end(worker)
                return
            assert worker.stdin
            worker.stdin.close()
            steady = time.monotonic() - began > _STEADY_SECONDS
            pause = _LEAST_PAUSE if steady or worker.returncode == 0 else min(2 * pause, _MOST_PAUSE)
            if worker.returncode:
                _log.warning("a worker ended with code %d; another begins", worker.returncode)
            # Live video waits for nobody: one that ran well until now, and was killed, is followed at once.
            if not steady:
                self._closing.wait(pause)

    def _waited_for_work(self) -> bool:
        """Wait until there is something to do; whether there is, and not the end."""
        while not self._closing.is_set():
            try:
                if self._busy():
                    return True
            except Exception:
                # A database that does not answer now may do so a second later.
                _log.warning("it is not known whether there is work", exc_info=True)
            self._closing.wait(_LOOK_SECONDS)
        return False


def _end(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin
    worker.stdin.close()
    try:
        worker.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
