"""Films that lie sealed on the disk while they are looked at: AES-256-GCM, a block at a time, so that any part opens.

The key is made for one file and kept in memory alone: what the disk had of a film opens no more once it was looked at.
"""

from __future__ import annotations

import io
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK, _TAG, _KEY_BYTES = 1 << 16, 16, 32


@dataclass(frozen=True, slots=True)
class SealedFilm:
    """A film at `path` that lies there sealed under `key`."""

    path: Path
    key: bytes = field(repr=False)


class Sealing(io.RawIOBase):
    """Seals what is written to it into `file`, from its beginning on. After `close` the film is whole."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.key = secrets.token_bytes(_KEY_BYTES)
        self._file = file
        self._cipher = AESGCM(self.key)
        self._left = bytearray()
        self._blocks = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Seal these bytes behind those before; how many they are. Raises OSError."""
        self._left += data
        whole = len(self._left) - len(self._left) % BLOCK
        for at in range(0, whole, BLOCK):
            self._seal(bytes(self._left[at : at + BLOCK]))
        del self._left[:whole]
        return len(data)

    def close(self) -> None:
        """Seal what is left. The file stays open."""
        if not self.closed:
            if self._left:
                self._seal(bytes(self._left))
            self._file.flush()
        super().close()

    def _seal(self, block: bytes) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._blocks), block, None))
        self._blocks += 1


class Unsealing(io.RawIOBase):
    """A sealed film to be read from any place, by its descriptor. Raises ValueError for what was not sealed so."""

    def __init__(self, descriptor: int, key: bytes) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._cipher = AESGCM(key)
        blocks, rest = divmod(os.fstat(descriptor).st_size, BLOCK + _TAG)
        self._size = blocks * BLOCK + max(0, rest - _TAG)
        self._at = 0
        self._number, self._block = -1, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read from."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Read on from elsewhere."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning of the film")
        self._at = base + offset
        return self._at

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read up to the end of a block; how many bytes, 0 at the end."""
        if self._at >= self._size:
            return 0
        number, begin = divmod(self._at, BLOCK)
        part = self._opened(number)[begin : begin + len(into)]
        into[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _opened(self, number: int) -> bytes:
        if number != self._number:
            sealed = os.pread(self._descriptor, BLOCK + _TAG, number * (BLOCK + _TAG))
            try:
                self._block = self._cipher.decrypt(_nonce(number), sealed, None)
            except InvalidTag:
                raise ValueError("a block of the film was changed on the disk") from None
            self._number = number
        return self._block


def _nonce(number: int) -> bytes:
    # No two blocks are sealed under one key with the same: each file has a key of its own.
    return number.to_bytes(12, "big")
