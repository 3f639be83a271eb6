"""Our models as files, for peers that read files only."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from pathlib import Path

from regard.settings import from_environment
from regard.vision.models.weights import Weights


def model_file(name: str) -> str:
    """Where the model of this name lies, converted as we run it, until this process ends."""
    file = Weights.opened(from_environment()).read(name)
    path = _folder() / f"{file.label}{file.suffix}"
    path.write_bytes(file.data)
    return str(path)


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)
