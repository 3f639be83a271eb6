"""StartFaceLivenessSession as AWS's clients open it: a WebSocket to an address that was signed.

Who may not is let in to be told why: browsers show a script nothing of a handshake that was refused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from regard.operations.common.errors import ApiError
from regard.operations.liveness.begun import starting
from regard.stewardship.parties.keys import AccessKey
from regard.wire.callers import signer
from regard.wire.live.chain import Chain
from regard.wire.live.client import kind_of
from regard.wire.live.conversation import Asker, Conversations, Refused, Wanted
from regard.wire.live.socket import BROKEN, DONE, REFUSED, Left, Socket
from regard.wire.metrics import Metrics
from regard.wire.senders import is_from_here, share_of
from regard.wire.signature import Claim, Head, Rules, SignatureRefused, check_address, read_query_claim

PATH = "/start-face-liveness-session-websocket"
_PARAMETERS = ("session-id", "video-width", "video-height", "challenge-versions")
_MOST_PARAMETER = 256
log = logging.getLogger("regard.wire")


class Endpoint:
    """The application that answers at PATH. Used from one event loop."""

    def __init__(
        self,
        conversations: Conversations,
        find_key: Callable[[str], AccessKey | None],
        metrics: Metrics,
        rules: Rules,
        *,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._conversations = conversations
        self._find_key = find_key
        self._metrics = metrics
        self._rules = rules
        self._behind_proxy = behind_proxy
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket to its end."""
        socket = Socket(receive, send)
        await served(socket, self._metrics, lambda: self._hold(scope, socket))

    async def _hold(self, scope: Scope, socket: Socket) -> str:
        claim, key = self._signed(scope)
        asker = Asker(
            key.caller,
            claim.region,
            share_of(scope, behind_proxy=self._behind_proxy),
            is_from_here(scope, behind_proxy=self._behind_proxy),
        )
        await self._conversations.hold(socket, asker, wanted(scope), Chain(claim, key.secret, self._clock))
        return ""

    def _signed(self, scope: Scope) -> tuple[Claim, AccessKey]:
        """Who signed the address. Raises SignatureRefused, ApiError."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        now = self._clock()
        claim = read_query_claim(query, headers, self._rules, datetime.fromtimestamp(now, UTC))
        key = signer(self._find_key, claim, now)
        check_address(claim, Head("GET", scope["path"], query, headers), key.secret)
        return claim, key


async def served(
    socket: Socket, metrics: Metrics, hold: Callable[[], Awaitable[str]], subprotocol: str | None = None
) -> None:
    """Serve one socket to its end. `hold` holds its conversation, and gives the reason that it is closed with."""
    begun, code = time.perf_counter(), "OK"
    try:
        await socket.accept(subprotocol)
        code = await _told(socket, hold)
    except Left:
        code = "ClientGone"
    finally:
        metrics.answered(starting().name, code, time.perf_counter() - begun)


async def _told(socket: Socket, hold: Callable[[], Awaitable[str]]) -> str:
    """The code of what it came to. Raises Left."""
    try:
        reason = await hold()
        await socket.disconnect()
        await socket.close(DONE, reason)
    except Refused as refused:
        await socket.refuse(refused.error, refused.code)
        return refused.error.code
    except SignatureRefused as refused:
        await socket.refuse(ApiError(refused.code, str(refused)), REFUSED)
        return refused.code
    except ApiError as error:
        await socket.refuse(error, REFUSED)
        return error.code
    except Left:
        raise
    except Exception:
        log.exception("a session of liveness failed")
        await socket.refuse(ApiError("InternalServerError", "An internal error."), BROKEN)
        return "InternalServerError"
    return "OK"


def wanted(scope: Scope, session: str = "") -> Wanted:
    """What the address of a socket asks for; the session as well, where its path does not name it. Raises ApiError."""
    given: Mapping[str, list[str]] = parse_qs(scope["query_string"].decode("latin-1"))
    if session:
        given = {**given, "session-id": [session]}
    told = [given.get(name, []) for name in _PARAMETERS]
    for name, values in zip(_PARAMETERS, told, strict=True):
        if len(values) != 1 or len(values[0]) > _MOST_PARAMETER:
            raise ApiError("ValidationException", f"The address must have {name} once.")
    found = Wanted(*(values[0] for values in told))
    return replace(found, client=kind_of(given.get("x-amz-user-agent", [""])[0]))
