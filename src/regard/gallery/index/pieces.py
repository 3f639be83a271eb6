"""Sealed pieces, one behind the other in a file, so that a cache is neither sealed nor opened as a whole in memory."""

from __future__ import annotations

import os
from typing import BinaryIO

from regard.sealing import SealBroken, SealingKey

_LENGTH = 8


class Pieces:
    """Sealed pieces of a file, each after its length (8 bytes, big-endian) and bound to `name` and its number.

    Writers put an empty piece last, so that readers notice a file that was cut off.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._number = 0

    def put(self, key: SealingKey, clear: bytes) -> None:
        """Write the next piece."""
        sealed = key.seal(clear, self._context())
        self._file.write(len(sealed).to_bytes(_LENGTH, "big"))
        self._file.write(sealed)

    def get(self, key: SealingKey) -> bytes:
        """Read the next piece. Raises SealBroken where the file ends, or was changed."""
        length = int.from_bytes(self._file.read(_LENGTH), "big")
        if length > os.fstat(self._file.fileno()).st_size:
            raise SealBroken("the file is not whole")
        return key.open(self._file.read(length), self._context())

    def _context(self) -> bytes:
        self._number += 1
        return f"{self._name}/{self._number}".encode()
