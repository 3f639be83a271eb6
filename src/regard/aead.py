"""AES-256-GCM of many at once: libsodium's, called from a compiled loop beside which other threads run.

Each has a key of its own. `cryptography` makes an object of every key, which takes far longer than what it does then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# It teaches numba what a _Function is.
import numba.experimental.function_type  # noqa: F401
import numpy as np
from nacl import bindings

# The bindings give functions for Python alone; the addresses of libsodium's own are in the module below them.
from nacl._sodium import ffi, lib
from numba import int64, types
from numpy.typing import NDArray

from regard.compiling import compiled

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
_MORE = NONCE_BYTES + TAG_BYTES

bindings.sodium_init()


class _Function(types.WrapperAddressProtocol):
    """A function of libsodium's that takes nine addresses and lengths, and gives 0 where it succeeds."""

    def __init__(self, name: str) -> None:
        self._address = int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))

    def __wrapper_address__(self) -> int:
        return self._address

    def signature(self) -> Any:
        return types.int32(*[types.int64] * 9)


_ENCRYPT = _Function("crypto_aead_aes256gcm_encrypt")
_DECRYPT = _Function("crypto_aead_aes256gcm_decrypt")


def available() -> bool:
    """Whether the processor has the instructions that libsodium wants for AES."""
    return bool(lib.crypto_aead_aes256gcm_is_available())


class Packed(NamedTuple):
    """Byte strings one behind the other, (n,), up to where each `ends`, (m,)."""

    data: NDArray[np.uint8]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, each: Sequence[bytes]) -> Packed:
        """These byte strings."""
        ends = np.fromiter(map(len, each), np.int64, len(each)).cumsum()
        return cls(np.frombuffer(b"".join(each), np.uint8), ends)

    def apart(self) -> list[bytes]:
        """The byte strings."""
        whole, last = self.data.tobytes(), self.ends.tolist()
        return [whole[start:end] for start, end in zip([0, *last], last, strict=False)]


def encrypted(keys: NDArray[np.uint8], clear: Packed, contexts: Packed, nonces: bytes) -> Packed:
    """Each of m texts sealed under its key, (32 m,), and bound to its context: a nonce, the ciphertext and the tag."""
    ends = clear.ends + _MORE * np.arange(1, len(clear.ends) + 1)
    made = np.empty(ends[-1], np.uint8)
    _encrypt(_ENCRYPT, keys, *clear, *contexts, np.frombuffer(nonces, np.uint8), made)
    return Packed(made, ends)


def decrypted(keys: NDArray[np.uint8], sealed: Packed, contexts: Packed) -> Packed | None:
    """What :func:`encrypted` sealed; None where one of them does not open."""
    if np.diff(sealed.ends, prepend=0).min() < _MORE:
        return None
    ends = sealed.ends - _MORE * np.arange(1, len(sealed.ends) + 1)
    made = np.empty(ends[-1], np.uint8)
    return Packed(made, ends) if _decrypt(_DECRYPT, keys, *sealed, *contexts, made) else None


@compiled
def _encrypt(
    encrypt: Any,
    keys: NDArray[np.uint8],
    clear: NDArray[np.uint8],
    clear_ends: NDArray[np.int64],
    contexts: NDArray[np.uint8],
    context_ends: NDArray[np.int64],
    nonces: NDArray[np.uint8],
    made: NDArray[np.uint8],
) -> None:
    text, context = 0, 0
    for number in range(len(clear_ends)):
        start, nonce = text + _MORE * number, nonces[number * NONCE_BYTES :][:NONCE_BYTES]
        made[start : start + NONCE_BYTES] = nonce
        encrypt(
            int64(made.ctypes.data) + start + NONCE_BYTES,
            0,
            int64(clear.ctypes.data) + text,
            clear_ends[number] - text,
            int64(contexts.ctypes.data) + context,
            context_ends[number] - context,
            0,
            int64(nonce.ctypes.data),
            int64(keys.ctypes.data) + number * KEY_BYTES,
        )
        text, context = clear_ends[number], context_ends[number]


@compiled
def _decrypt(
    decrypt: Any,
    keys: NDArray[np.uint8],
    sealed: NDArray[np.uint8],
    sealed_ends: NDArray[np.int64],
    contexts: NDArray[np.uint8],
    context_ends: NDArray[np.int64],
    made: NDArray[np.uint8],
) -> bool:
    text, context = 0, 0
    for number in range(len(sealed_ends)):
        nonce = int64(sealed.ctypes.data) + text
        failed = decrypt(
            int64(made.ctypes.data) + text - _MORE * number,
            0,
            0,
            nonce + NONCE_BYTES,
            sealed_ends[number] - text - NONCE_BYTES,
            int64(contexts.ctypes.data) + context,
            context_ends[number] - context,
            nonce,
            int64(keys.ctypes.data) + number * KEY_BYTES,
        )
        if failed:
            return False
        text, context = sealed_ends[number], context_ends[number]
    return True
