"""AES-256-GCM of many at once, for :mod:`regard.sealing`: libsodium's, called from a compiled loop beside which other
threads run.

Each has a key of its own. `cryptography` makes an object of every key, which takes far longer than what it does then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from nacl import bindings

# The bindings give functions for Python alone; the addresses of libsodium's own are in the module below them.
from nacl._sodium import ffi, lib
from numpy.typing import NDArray

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
_MORE = NONCE_BYTES + TAG_BYTES

bindings.sodium_init()


def available() -> bool:
    """Whether the processor has the instructions that libsodium wants for AES."""
    return bool(lib.crypto_aead_aes256gcm_is_available())


class Packed(NamedTuple):
    """Byte strings one behind the other, (n,), up to where each `ends`, (m,)."""

    data: NDArray[np.uint8]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, each: Sequence[bytes]) -> Packed:
        """These byte strings, packed."""
        ends = np.fromiter(map(len, each), np.int64, len(each)).cumsum()
        return cls(np.frombuffer(b"".join(each), np.uint8), ends)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each begins in `data`, (m,)."""
        return np.concatenate((np.zeros(1, np.int64), self.ends))[:-1]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each, (m,)."""
        return self.ends - self.starts

    @property
    def addresses(self) -> NDArray[np.int64]:
        """Where each begins in memory, (m,), as long as `data` is there."""
        return self.data.ctypes.data + self.starts

    def apart(self) -> list[bytes]:
        """The byte strings, each by itself."""
        whole = self.data.tobytes()
        return [whole[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]


def encrypted(keys: Packed, clear: Packed, contexts: Packed, nonces: bytes) -> Packed:
    """Each text sealed under its key, 32 bytes, and bound to its context: its nonce, the ciphertext and the tag."""
    made = _room(clear, _MORE)
    made.data[made.starts[:, None] + np.arange(NONCE_BYTES)] = np.frombuffer(nonces, np.uint8).reshape(-1, NONCE_BYTES)
    nonce, text, context = made.addresses, (clear.addresses, clear.lengths), (contexts.addresses, contexts.lengths)
    call_each, encrypt, _ = _called()
    call_each(encrypt, _table(made, nonce + NONCE_BYTES, 0, *text, *context, 0, nonce, keys.addresses))
    return made


def decrypted(keys: Packed, sealed: Packed, contexts: Packed) -> Packed | None:
    """What :func:`encrypted` sealed; None where one of them does not open."""
    if sealed.lengths.min() < _MORE:
        return None
    made = _room(sealed, -_MORE)
    nonce, context = sealed.addresses, (contexts.addresses, contexts.lengths)
    text = (nonce + NONCE_BYTES, sealed.lengths - NONCE_BYTES)
    call_each, _, decrypt = _called()
    opened = call_each(decrypt, _table(made, made.addresses, 0, 0, *text, *context, nonce, keys.addresses))
    return made if opened else None


def _room(texts: Packed, more: int) -> Packed:
    """Room for as many texts, each so many bytes longer."""
    ends = texts.ends + more * np.arange(1, len(texts.ends) + 1)
    return Packed(np.empty(ends[-1], np.uint8), ends)


def _table(texts: Packed, *columns: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """The columns of a table, a row for each text."""
    table = np.empty((len(texts.ends), len(columns)), np.int64)
    for place, column in enumerate(columns):
        table[:, place] = column
    return table


@cache
def _called() -> tuple[Callable[[Any, NDArray[np.int64]], bool], Any, Any]:
    """A compiled loop that calls a function of libsodium's with each row of arguments, and two such functions.

    The loop goes up to the first that fails, and says whether all succeeded. numba takes a fifth of a second to import:
    it is when many are first sealed or opened.
    """
    # Only once it was imported can numba call what has the protocol.
    import numba.experimental.function_type  # noqa: F401
    from numba import types

    from regard.compiling import compiled

    class Function(types.WrapperAddressProtocol):
        """A function that takes nine addresses and lengths, and gives 0 where it succeeds."""

        def __init__(self, name: str) -> None:
            self._address = int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))

        def __wrapper_address__(self) -> int:
            return self._address

        def signature(self) -> Any:
            return types.int32(*[types.int64] * 9)

    return compiled(_call_each), Function("crypto_aead_aes256gcm_encrypt"), Function("crypto_aead_aes256gcm_decrypt")


def _call_each(function: Any, arguments: NDArray[np.int64]) -> bool:
    for row in range(len(arguments)):
        a, b, c, d, e, f, g, h, i = arguments[row]
        if function(a, b, c, d, e, f, g, h, i):
            return False
    return True
