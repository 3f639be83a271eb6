"""A .bin file of somebody else's: whatever is in it, reading it ends, and takes what a file of its size may take."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regard.evaluation.samples import pickled_pairs
from regard.evaluation.samples.pictures_on_disk import NotLabelled, read_bin

# A list that is remembered under the largest number there is: the table for it takes gigabytes.
REMEMBERED = b"\x80\x02]r" + (0x1FFFFFFF).to_bytes(4, "little") + b"."
# What any reader takes beside, in MiB: an interpreter, NumPy, and room for what it has read.
ROOM = 600

READ = """
import resource, sys
from pathlib import Path
from regard.evaluation.samples.pictures_on_disk import NotLabelled, read_bin
try:
    read_bin(Path(sys.argv[1]))
except NotLabelled as error:
    print(error)
# What is told of this process itself by getrusage has the memory of whoever started it in it.
own = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024)
"""


class _Calls:
    """Pickled as a call of something by its name."""

    def __init__(self, function: Any, *given: Any) -> None:
        self._called = function, given

    def __reduce__(self) -> Any:
        return self._called


def _read(file: Path) -> tuple[str, int]:
    """What is said of a file, and how many MiB reading it took."""
    done = subprocess.run([sys.executable, "-c", READ, file], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *said, taken = done.stdout.splitlines()
    return "\n".join(said), int(taken)


@pytest.mark.parametrize(
    "content",
    [REMEMBERED, pickle.dumps((_Calls(bytearray, 4 << 30), [True])), b"\x80\x04\x8e" + (4 << 30).to_bytes(8, "little")],
    ids=["remembered", "called", "announced"],
)
def test_a_few_bytes_cannot_ask_for_gigabytes(tmp_path: Path, content: bytes) -> None:
    (file := tmp_path / "x.bin").write_bytes(content)
    said, taken = _read(file)
    assert "x.bin" in said
    assert taken < ROOM


def test_one_picture_named_a_million_times_is_no_verification_set(tmp_path: Path) -> None:
    picture = bytes(1 << 16)
    (file := tmp_path / "x.bin").write_bytes(pickle.dumps(([picture] * 100_000, [True] * 50_000)))
    said, taken = _read(file)
    assert "x.bin" in said
    assert taken < ROOM


def test_numbers_are_not_taken_for_addresses_in_memory(tmp_path: Path) -> None:
    made = _Calls(np.ndarray, (1,), np.dtype("O"), b"A" * 8)
    (file := tmp_path / "x.bin").write_bytes(pickle.dumps(([b"1", b"2"], made)))
    said, _ = _read(file)
    assert "x.bin" in said


def test_a_reader_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled_pairs, "_SECONDS", 0.0)
    (file := tmp_path / "x.bin").write_bytes(pickle.dumps(([b"1", b"2"], [True])))
    begun = time.monotonic()
    with pytest.raises(NotLabelled, match=r"x\.bin .* seconds"):
        read_bin(file)
    assert time.monotonic() - begun < 30
