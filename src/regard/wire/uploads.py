"""Uploads: how many bytes of bodies may be under way, in all and for one access key; work waits in :mod:`.pool`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from regard.wire.pool import Full

MOST_BYTES = 256 * 1024 * 1024
MOST_BYTES_OF_AN_ADDRESS = 128 * 1024 * 1024
MOST_BYTES_OF_A_KEY = 64 * 1024 * 1024

_Share = tuple[bool | str, ...]


class Uploads:
    """Counts the bytes that are buffered. Used from one event loop.

    Whoever knows an access key's id can send bodies in its name until the signature is checked. They take no worker
    meanwhile, and no more memory than the share of that one key at that one address: the key's holder, elsewhere, and
    all others go on. What was checked before its body came has a room of its own, of the same size, in which a key has
    one share from wherever it calls.
    """

    def __init__(
        self,
        most: int = MOST_BYTES,
        most_of_a_key: int = MOST_BYTES_OF_A_KEY,
        most_of_an_address: int = MOST_BYTES_OF_AN_ADDRESS,
    ) -> None:
        self._most = most
        self._most_of_a_key = most_of_a_key
        self._most_of_an_address = most_of_an_address
        self._bytes: Counter[_Share] = Counter()

    @contextmanager
    def of(self, access_key_id: str, address: str, *, checked: bool = False) -> Iterator[Callable[[int], None]]:
        """An upload by an access key from an address, until the end of the block: call what it gives with the size of
        each part. `checked`: whether the signature was.

        That call raises Full when there is no more room.
        """
        shares: dict[_Share, int] = {(checked,): self._most}
        if checked:
            shares[checked, access_key_id] = self._most_of_a_key
        else:
            shares[checked, address] = self._most_of_an_address
            shares[checked, address, access_key_id] = self._most_of_a_key
        mine = 0

        def take(count: int) -> None:
            nonlocal mine
            if any(self._bytes[share] + count > most for share, most in shares.items()):
                raise Full
            mine += count
            self._bytes.update(dict.fromkeys(shares, count))

        try:
            yield take
        finally:
            self._bytes.subtract(dict.fromkeys(shares, mine))
            self._bytes = +self._bytes
