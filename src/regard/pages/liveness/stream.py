"""`/liveness/SESSION/stream`: what the page of a session streams, let in by the token of its link instead of a key.

Whoever made the session was told the link. The stream is a call of theirs, under the key that made the session, and is
held as one that AWS's client signed; but for the signatures of frames, which take the secret that no page has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from regard.liveness.errors import NoSuchSession, SessionChanged
from regard.liveness.sessions import Sessions
from regard.operations.common.errors import ApiError
from regard.operations.liveness.sessions import no_session
from regard.stewardship.parties.keys import AccessKey
from regard.wire.callers import working
from regard.wire.live.conversation import Asker, Conversations
from regard.wire.live.endpoint import served, wanted
from regard.wire.live.socket import Socket
from regard.wire.metrics import Metrics
from regard.wire.senders import is_from_here, share_of

PATH = "/liveness/{session:uuid}/stream"
# What the page names first of the protocols that it offers; the second is its token, which so stands in no address.
PROTOCOL = "regard.liveness"
# What came of it, as the page is told by the reason that its socket is closed with.
DONE, UNSURE = "done", "unsure"


class PersonStream:
    """The application that answers at PATH. Used from one event loop."""

    def __init__(
        self,
        conversations: Conversations,
        sessions: Sessions,
        find_key: Callable[[str], AccessKey | None],
        metrics: Metrics,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._conversations = conversations
        self._sessions = sessions
        self._find_key = find_key
        self._metrics = metrics
        self._behind_proxy = behind_proxy
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket to its end."""
        socket = Socket(receive, send)
        named = PROTOCOL if PROTOCOL in scope["subprotocols"] else None
        await served(socket, self._metrics, lambda: self._hold(scope, socket), named)

    async def _hold(self, scope: Scope, socket: Socket) -> str:
        session = str(scope["path_params"]["session"])
        asker = Asker(
            (await asyncio.to_thread(self._key, session, _token(scope))).caller,
            "",
            share_of(scope, behind_proxy=self._behind_proxy),
            is_from_here(scope, behind_proxy=self._behind_proxy),
        )
        asked = replace(wanted(scope, session), client=PROTOCOL)
        result = await self._conversations.hold(socket, asker, asked)
        return UNSURE if result is None or result.lacking else DONE

    def _key(self, session: str, token: str) -> AccessKey:
        """The key that made a session, of which somebody has the token. Raises ApiError."""
        try:
            found = self._sessions.by_ticket(session, token)
        except NoSuchSession as error:
            raise no_session(error) from None
        except SessionChanged as error:
            raise ApiError("InternalServerError", str(error)) from None
        return working(self._find_key(found.access_key), self._clock())


def person_stream(
    conversations: Conversations,
    sessions: Sessions,
    find_key: Callable[[str], AccessKey | None],
    metrics: Metrics,
    behind_proxy: bool,
) -> WebSocketRoute:
    """The route."""
    return WebSocketRoute(PATH, PersonStream(conversations, sessions, find_key, metrics, behind_proxy))


def _token(scope: Scope) -> str:
    """The token that a page offers beside PROTOCOL, or nothing."""
    return next((each for each in scope["subprotocols"] if each != PROTOCOL), "")
