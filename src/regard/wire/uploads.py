"""Uploads: how many bytes of bodies may be under way, in all and for one access key; work waits in :mod:`.pool`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from regard.wire.pool import Full

MOST_BYTES = 256 * 1024 * 1024
MOST_BYTES_OF_A_KEY = 64 * 1024 * 1024


class Uploads:
    """Counts the bytes that are buffered. Used from one event loop.

    Whoever knows an access key's id can send bodies in its name until the signature is checked. They take no worker
    meanwhile, and no more memory than the share of that one key: other keys go on.
    """

    def __init__(self, most: int = MOST_BYTES, most_of_a_key: int = MOST_BYTES_OF_A_KEY) -> None:
        self._most = most
        self._most_of_a_key = most_of_a_key
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def of(self, access_key_id: str) -> Iterator[Callable[[int], None]]:
        """An upload by an access key, until the end of the block: call what it gives with the size of each part.

        That call raises Full when there is no more room.
        """
        mine = 0

        def take(count: int) -> None:
            nonlocal mine
            if self._bytes[access_key_id] + count > self._most_of_a_key or self._bytes.total() + count > self._most:
                raise Full
            mine += count
            self._bytes[access_key_id] += count

        try:
            yield take
        finally:
            self._bytes[access_key_id] -= mine
            if not self._bytes[access_key_id]:
                del self._bytes[access_key_id]
