"""What the decoding process may use: memory, processor time, and no file but the one that it was given.

All of it is set by that process for itself before it looks at the file, and cannot be taken back.
"""

from __future__ import annotations

import math
import resource

# What any film may take, and what each second of it may on top: 60 frames of 4K take about one on a core of 2024.
SECONDS_AT_ONCE, SECONDS_A_SECOND = 60, 4
# Standard input, which is the film, standard output and standard error.
_OPEN_FILES = 3
_STEP = 5


class Confinement:
    """The limits of this process; `give` lengthens its time as the film goes on."""

    def __init__(self, memory: int, milliseconds: int, written: int = 0) -> None:
        """At most `memory` MiB of address space, and the time that a film of so many milliseconds may take.

        Files that are open may grow to so many bytes, where any are `written`.
        """
        resource.setrlimit(resource.RLIMIT_AS, (memory << 20, memory << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
        self._most = _allowed(milliseconds / 1000)
        self._given = -math.inf
        self.give(0.0)

    def give(self, seconds: float) -> None:
        """Allow the processor time of a film that has come so far; over it, the system ends this process."""
        if seconds >= self._given + _STEP:
            self._given = seconds
            # At the lower limit the system says why it ends a process, at the upper one it does not.
            limits = min(_allowed(seconds + _STEP), self._most), self._most + _STEP
            resource.setrlimit(resource.RLIMIT_CPU, limits)


def _allowed(seconds: float) -> int:
    return math.ceil(SECONDS_AT_ONCE + SECONDS_A_SECOND * seconds)
