"""Where tests keep their files: in memory, where there is room. On a disk they wait for it a hundred thousand times.

What a process that is killed wrote is there afterwards, as it is on a disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
# A full run keeps half a GiB there. PostgreSQL and a machine's other users want their part.
_ROOM = 4 * 2**30


def keep_in_memory() -> None:
    """Make this process, and those that it starts, put temporary files there; a TMPDIR that is set is kept."""
    if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
