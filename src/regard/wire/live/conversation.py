"""The conversation of a session: a challenge out, a film and what is told of it in, within bounds; then it is judged.

The loop reads and checks frames, which costs a millisecond a second of film; the gate, the database and the film are
asked and looked at by a worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from regard.liveness.session import Result
from regard.operations.common.errors import ApiError
from regard.operations.liveness.begun import Begun, sessions_of, starting
from regard.operations.liveness.judging import MOST_MIB, judged
from regard.operations.service import Service
from regard.stewardship.policy.call import Call, Caller
from regard.wire import errors
from regard.wire.live.answering import Answering
from regard.wire.live.arrivals import OFF_SECONDS, WAIT_SECONDS, Arrivals
from regard.wire.live.frames import Malformed
from regard.wire.live.socket import BUSY, EXPIRED, IDLE, REFUSED, TOO_LARGE, Slow, Socket
from regard.wire.live.upgraded import MOST_MESSAGE_BYTES
from regard.wire.pool import Full, Pool
from regard.wire.uploads import Uploads

# AWS's client sends a second of film at once, and its word on some 15 moments.
MOST_MESSAGES, MOST_FILM_BYTES = 512, MOST_MIB << 20
# Who began to send has to go on, and to come to an end; who did not yet has WAIT_SECONDS.
IDLE_SECONDS, FILM_SECONDS = 15.0, 60.0
# In all, and of one key: of films that are yet to be judged.
_MOST_BYTES, _MOST_OF_ONE = 256 << 20, 128 << 20
# For how long a film waits for a worker where all are busy, and how often it asks.
_WAITS, _WAIT_SECONDS = 50, 0.2
_log = logging.getLogger("regard.wire")
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who opened a socket: the holder of a key, by which region, from which network, and whether from this machine."""

    caller: Caller
    region: str
    share: str
    loopback: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a socket was opened with: a session, the sides of the video, and the challenges that the client knows; and
    what kind of client it says that it is, if it does.
    """

    session: str
    width: str
    height: str
    challenges: str
    client: str = ""


class Refused(Exception):
    """The conversation ends here: what the client is told, and the code that the socket is closed with."""

    def __init__(self, error: ApiError, code: int = REFUSED) -> None:
        super().__init__(error.message)
        self.error = error
        self.code = code


class Conversations:
    """Conversations of one service. Used from one event loop."""

    def __init__(
        self,
        service: Service,
        pool: Pool,
        idle: float = IDLE_SECONDS,
        film: float = FILM_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._pool = pool
        self._clock = clock
        self._uploads = Uploads(_MOST_BYTES, _MOST_OF_ONE, _MOST_OF_ONE)
        self._idle, self._film = idle, film

    async def hold(
        self, socket: Socket, asker: Asker, wanted: Wanted, opened: Callable[[bytes], bytes] = lambda frame: frame
    ) -> Result | None:
        """Hold a conversation on a socket that was accepted; what came of it, None where it failed.

        `opened` takes an event out of what it is signed in, and gives nothing for the end. Raises Refused, Left, and
        SignatureRefused. However it ends, the session is used up; the socket stays open.
        """
        begun, told = await self._begin(asker, wanted)
        try:
            await socket.tell("ServerSessionInformationEvent", {"SessionInformation": told})
            with self._uploads.of(asker.caller.access_key_id, asker.share, checked=True) as count:
                answering = await self._listen(socket, begun, Arrivals(self._clock), count, opened)
                return await self._judge(begun, answering)
        except BaseException as error:
            await self._end(begun)
            if isinstance(error, Malformed):
                raise Refused(_unfit(f"What was streamed is not taken: {error}.")) from None
            if isinstance(error, Full):
                raise Refused(errors.throttled(), BUSY) from None
            raise

    async def _begin(self, asker: Asker, wanted: Wanted) -> tuple[Begun, object]:
        given = {
            "SessionId": wanted.session,
            "VideoWidth": wanted.width,
            "VideoHeight": wanted.height,
            "ChallengeVersions": wanted.challenges,
            "Client": wanted.client,
        }
        call = Call(asker.caller, starting(), given, asker.region, str(uuid.uuid4()), loopback=asker.loopback)
        try:
            with self._pool.place():
                answer = await self._pool.run(lambda: self._service.answer(call), _never())
        except Full:
            raise Refused(errors.throttled(), BUSY) from None
        except ApiError as error:
            raise Refused(error) from None
        return answer["Begun"], answer["SessionInformation"]

    async def _listen(
        self,
        socket: Socket,
        begun: Begun,
        arrivals: Arrivals,
        count: Callable[[int], None],
        opened: Callable[[bytes], bytes],
    ) -> Answering:
        """All that the client answers, in the time that it tells.

        Raises Malformed, Refused, Left, Full and SignatureRefused.
        """
        answering, size = Answering(begun.challenge, begun.width, begun.height), 0
        over, clock = begun.session.expires_at, sessions_of(self._service.rooms).clock
        ends: float | None = None
        for _ in range(MOST_MESSAGES):
            term = over - clock()
            left = min(term, WAIT_SECONDS) if ends is None else min(term, self._idle, ends - time.monotonic())
            try:
                message = await socket.next(left)
            except Slow:
                raise Refused(*_late(expired=left == term, begun=ends is not None)) from None
            ends = time.monotonic() + self._film if ends is None else ends
            if len(message) > MOST_MESSAGE_BYTES:
                raise Refused(_unfit(f"A message has {MOST_MESSAGE_BYTES} bytes at most."), TOO_LARGE)
            event = opened(message)
            part = answering.take(event) if event else 0
            if part == 0:
                _require_told(answering, arrivals)
                return answering
            if part > 0 and not arrivals.came():
                raise Refused(*_unbegun())
            size += max(part, 0)
            if size > MOST_FILM_BYTES:
                raise Refused(_unfit(f"A film has {MOST_MIB} MiB at most."), TOO_LARGE)
            count(max(part, 0))
        raise Refused(_unfit(f"A session has {MOST_MESSAGES} messages at most."), TOO_LARGE)

    async def _judge(self, begun: Begun, answering: Answering) -> Result | None:
        told = answering.told()
        return await self._patiently(lambda: judged(begun, answering.parts, told, self._service.rooms))

    async def _end(self, begun: Begun) -> None:
        """End a session that came to nothing, in whatever way: nobody goes on with it."""
        sessions = sessions_of(self._service.rooms)
        try:
            await asyncio.shield(asyncio.to_thread(sessions.end, begun.session, None))
        except Exception:
            # What is left IN_PROGRESS expires.
            _log.exception("the session %s could not be ended", begun.session.id)

    async def _patiently(self, work: Callable[[], Given]) -> Given:
        """What work gives, by a worker that may be waited for: a person would have to do it all again."""
        for _ in range(_WAITS):
            try:
                with self._pool.place():
                    return await self._pool.run(work, _never())
            except Full:
                await asyncio.sleep(_WAIT_SECONDS)
        raise Full


async def _never() -> None:
    await asyncio.Event().wait()


def _unfit(cause: str) -> ApiError:
    return ApiError("ValidationException", cause)


def _require_told(answering: Answering, arrivals: Arrivals) -> None:
    """Raise Refused where a film came in another time than it shows. Raises Malformed where there is none."""
    if not answering.begun:
        raise Malformed("there was no film")
    told = answering.told()
    if arrivals.off(told.ended_ms - told.begun_ms) > OFF_SECONDS:
        raise Refused(
            _unfit("The film did not come as it was recorded: send each second of it at once, in a session anew.")
        )


def _unbegun() -> tuple[ApiError, int]:
    return _unfit(f"No film began within {WAIT_SECONDS:.0f} seconds of the challenge. Create another session."), IDLE


def _late(*, expired: bool, begun: bool) -> tuple[ApiError, int]:
    if expired:
        return _unfit("The session has expired: it is good for three minutes."), EXPIRED
    if not begun:
        return _unbegun()
    return _unfit("The stream stood still, or did not come to an end."), IDLE
