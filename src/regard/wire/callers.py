"""Callers of our own HTTP API: the holder of an access key who signed the request, as for the API of AWS;
:mod:`.signature` has the arithmetic.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from starlette.requests import Request

from regard.names import legible
from regard.operations.common.errors import ApiError
from regard.settings import Settings
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.policy.call import Caller
from regard.wire import errors
from regard.wire.senders import is_from_here, share_of
from regard.wire.signature import Claim, Head, Rules, SignatureRefused, check_body, check_head, read_claim
from regard.wire.uploads import Uploads

OWN = Rules("regard", frozenset({"host", "x-amz-date"}))
MOST_BYTES = 1024 * 1024
BODY_SECONDS = 60.0
# A person and a case, not an essay: as long as the API's other ids.
MOST_SAID = 128
ASKER = ("x-regard-on-behalf", "x-regard-case")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that was signed: by whom, for which region, and whether it came from this machine."""

    caller: Caller
    region: str
    loopback: bool


class Callers:
    """Checks signatures (SigV4, service `regard`). The head is checked before the body is read."""

    def __init__(
        self,
        find_key: Callable[[str], AccessKey | None],
        rules: Rules = OWN,
        *,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._find_key = find_key
        self._rules = rules
        self._behind_proxy = behind_proxy
        self._clock = clock
        self._uploads = Uploads()

    async def signed(self, request: Request, most: int = MOST_BYTES) -> tuple[Signed, bytes]:
        """Who signed, and the body of at most `most` bytes. Raises ApiError, SignatureRefused, Full."""
        headers = request.headers.items()
        claim = read_claim(headers, self._rules, datetime.fromtimestamp(self._clock(), UTC))
        key = signer(self._find_key, claim, self._clock())
        head = Head(request.method, request.scope["path"], request.url.query, headers)
        checked = check_head(claim, head, key.secret)
        sender = share_of(request.scope, behind_proxy=self._behind_proxy)
        with self._uploads.of(claim.access_key_id, sender, checked=checked) as count:
            body = await body_of(request, most, count)
        check_body(claim, head, body, key.secret, checked=checked)
        return Signed(key.caller, claim.region, self.is_near(request)), body

    def is_near(self, request: Request) -> bool:
        """Whether a request came from this machine alone."""
        return is_from_here(request.scope, behind_proxy=self._behind_proxy)

    def holder(self, access_key_id: str) -> Caller:
        """Who holds an access key, be it expired or switched off. Raises ApiError for one that was never issued."""
        key = self._find_key(access_key_id)
        if key is None:
            raise errors.unknown_key()
        return key.caller


def open_callers(settings: Settings, find_key: Callable[[str], AccessKey | None]) -> Callers:
    """Who signs requests to our own HTTP API, by these settings."""
    return Callers(find_key, replace(OWN, regions=settings.regions), behind_proxy=settings.behind_proxy)


def signer(find_key: Callable[[str], AccessKey | None], claim: Claim, now: float) -> AccessKey:
    """The key that a claim names, with the session token that belongs to it, if it works at `now`. Raises ApiError."""
    key = working(find_key(claim.access_key_id), now)
    if not hmac.compare_digest((key.session_token or "").encode(), (claim.session_token or "").encode()):
        raise errors.unknown_key()
    return key


def working(key: AccessKey | None, now: float) -> AccessKey:
    """The key, if it is there, switched on and not expired at `now` (seconds since 1970). Raises ApiError."""
    if key is None or not key.enabled:
        raise errors.unknown_key()
    if key.expires <= now:
        raise errors.expired_key()
    return key


async def body_of(request: Request, most: int = MOST_BYTES, count: Callable[[int], None] = lambda _size: None) -> bytes:
    """The body of a request; `count` is told of each part as it arrives. Raises ApiError, and what `count` raises."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise errors.too_large(most)
                count(len(part))
                parts.append(part)
    except TimeoutError:
        raise errors.too_slow(BODY_SECONDS) from None
    return b"".join(parts)


def said_of_asker(headers: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Who asks by a key, and about which case, as the client says in its headers; empty where it does not.

    Raises ApiError for more than MOST_SAID characters.
    """
    told = dict(headers)
    person, case = (legible(told.get(name, "")) for name in ASKER)
    if max(len(person), len(case)) > MOST_SAID:
        raise ApiError("ValidationException", f"{' and '.join(ASKER)} have {MOST_SAID} characters at most.")
    return person, case


def refused(error: ApiError | SignatureRefused) -> str:
    """What the answer says of a request that was refused."""
    return str(error) if isinstance(error, SignatureRefused) else error.message
