"""The chain of signatures over what a client streams: each frame is signed with the signature of the one before it.

The first follows the signature of the request. Who does not have the secret of the key can add, leave out, change and
reorder nothing (AWS4-HMAC-SHA256-PAYLOAD).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime

from regard.wire.live.frames import Malformed, Moment, decoded, packed
from regard.wire.signature import CLOCK_SKEW_SECONDS, Claim, SignatureRefused, signed_with

_ALGORITHM = "AWS4-HMAC-SHA256-PAYLOAD"
_DATE, _SIGNATURE = ":date", ":chunk-signature"


class Chain:
    """Takes frames out of what they are signed in, one after the other."""

    def __init__(self, claim: Claim, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._claim = claim
        self._secret = secret
        self._clock = clock
        self._before = claim.signature

    def __call__(self, frame: bytes) -> bytes:
        """What the next frame holds; nothing for the last. Raises Malformed, SignatureRefused."""
        message = decoded(frame)
        date, signature = message.headers.get(_DATE), message.headers.get(_SIGNATURE)
        if not (isinstance(date, Moment) and isinstance(signature, bytes)) or len(message.headers) != 2:
            raise Malformed(f"a frame that is signed has the headers {_DATE} and {_SIGNATURE}, and no other")
        if abs(date / 1000 - self._clock()) > CLOCK_SKEW_SECONDS:
            raise SignatureRefused("InvalidSignatureException", f"The {_DATE} of a frame is far from this clock.")
        expected = self._expected(date, message.payload)
        if not hmac.compare_digest(expected, signature.hex()):
            raise SignatureRefused(
                "InvalidSignatureException", "The signature of a frame does not follow from the one before it."
            )
        self._before = expected
        return message.payload

    def _expected(self, date: Moment, payload: bytes) -> str:
        moment = datetime.fromtimestamp(date // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        # A session may last beyond midnight: the day is the frame's.
        scope = f"{moment[:8]}{self._claim.scope[8:]}"
        hashes = (hashlib.sha256(part).hexdigest() for part in (packed({_DATE: date}), payload))
        return signed_with(self._secret, scope, "\n".join([_ALGORITHM, moment, scope, self._before, *hashes]))
