"""A webhook, signed as Standard Webhooks says, to the one address that the operator set."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signing

from regard.fetching import Unfetched, fetched
from regard.settings import Settings

_SECONDS, _MOST_BYTES = 15.0, 64 * 1024
# Standard Webhooks': what a secret may be, in bytes, and what it begins with.
_LEAST_SECRET, _MOST_SECRET = 24, 64
_PREFIX = "whsec_"


class Webhook:
    """Posts messages to an address. Raises ValueError for settings that cannot be right."""

    def __init__(self, address: str, secret: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise ValueError(f"REGARD_WEBHOOK_URL: {address!r} is no address. Begin it with http:// or https://.")
        self.address = address
        self._signing = Signing(_secret(secret))

    @classmethod
    def of(cls, settings: Settings) -> Webhook | None:
        """The webhook of the settings, or None where they set none. Raises ValueError."""
        if (settings.webhook_url is None) != (settings.webhook_secret is None):
            raise ValueError("REGARD_WEBHOOK_URL and REGARD_WEBHOOK_SECRET go together. Set both, or neither.")
        if settings.webhook_url is None or settings.webhook_secret is None:
            return None
        return cls(settings.webhook_url, settings.webhook_secret)

    def post(self, name: str, message: str, at: float) -> None:
        """Post a message; `name` is the same each time that it is tried, and `at` the time of this try.

        Raises OSError where the address did not take it.
        """
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(at)),
            "webhook-signature": self._signing.sign(name, datetime.fromtimestamp(int(at), UTC), message),
        }
        status, _ = fetched(self.address, message.encode(), most=_MOST_BYTES, seconds=_SECONDS, headers=headers)
        if not 200 <= status < 300:
            raise Unfetched(f"{self.address} answers {status}")


def _secret(text: str) -> bytes:
    try:
        if not text.startswith(_PREFIX):
            raise ValueError
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        if not _LEAST_SECRET <= len(secret) <= _MOST_SECRET:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"REGARD_WEBHOOK_SECRET is not {_PREFIX} and base64 of {_LEAST_SECRET} to {_MOST_SECRET} bytes; "
            f"`echo {_PREFIX}$(openssl rand -base64 24)` makes one."
        ) from None
    return secret
