"""A model's file as it is run: in memory, read once, of bytes whose digest was checked. :mod:`.weights` reads it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What a runtime loads. `data` are the bytes of the file as it came, or what was made of them in this process.

    `sha256` is the digest that was found of the bytes as they came. `suffix` says what `data` are: `.onnx`, `.tflite`.
    """

    name: str
    sha256: str
    suffix: str
    data: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """The name and the digest in one word."""
        return f"{self.name}-{self.sha256}"

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A copy for a library that reads files only, in a folder that nobody else may enter (0700); gone afterwards.

        On Linux a library that still maps the copy into memory keeps it: no name leads to it any more.
        """
        with tempfile.TemporaryDirectory(prefix="regard-") as folder:
            path = Path(folder) / f"{self.label}{self.suffix}"
            path.write_bytes(self.data)
            yield path
