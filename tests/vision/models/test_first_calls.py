"""First calls of a process, all at once: none waits for ever. Its cause is told in `opened_openvino`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.first_calls import CALLS


def _start(kind: str, times: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.first_calls", kind, str(times)],
        capture_output=True,
        text=True,
        timeout=300 * times,
    )
    assert (done.returncode, done.stdout) == (0, f"{CALLS} answered\n" * times), done.stderr


@pytest.mark.long
@pytest.mark.slow("each start is a process that loads models")
def test_first_calls_on_faces_never_hang(scale: float) -> None:
    _start("faces", int(50 * scale))


@pytest.mark.long
@pytest.mark.slow("each start is a process that loads every model")
def test_first_calls_of_every_capability_never_hang(scale: float) -> None:
    _start("all", max(1, int(5 * scale)))
