"""Names for organizations in the public log: another one each period, opened by a secret of the organization."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from regard.sealing import SealingKey

_BYTES = 16


class Pseudonyms:
    """Gives organizations their pseudonyms."""

    def __init__(self, key: SealingKey) -> None:
        self._key = key
        # Every entry names one.
        self.of = lru_cache(maxsize=10_000)(self._of)

    def secret(self, organization: str) -> bytes:
        """The 32 bytes from which all pseudonyms of one organization follow, and of no other; given to it alone."""
        return self._key.derived(f"pseudonym/{organization}")

    def _of(self, organization: str, period: str) -> str:
        """The pseudonym of an organization within a period: 32 hexadecimal digits."""
        return pseudonym(self.secret(organization), period)


def pseudonym(secret: bytes, period: str) -> str:
    """What the holder of `secret` is called in the log of `period`: the first half of HMAC-SHA256, as hexadecimal."""
    return hmac.digest(secret, period.encode(), hashlib.sha256)[:_BYTES].hex()
