"""Sessions of liveness in the process of the test: a service that may hold them, and a client that signs as AWS's."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, cast
from unittest import mock
from urllib.parse import urlencode, urlsplit
from uuid import uuid4
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from starlette.types import Message, Scope

from regard.jobs.scratch import Scratch
from regard.liveness.session import Session
from regard.liveness.sessions import Sessions
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered
from regard.operations.common.rooms import Rooms
from regard.operations.common.standing import Standing
from regard.operations.service import Service
from regard.pages.pages import pages
from regard.sealing import SealingKey
from regard.stewardship.council.motions import Kind
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.policy.call import Call
from regard.vision.liveness.challenge import MOVEMENT, MOVEMENT_AND_LIGHT, VERSIONS
from regard.vision.liveness.findings import Check, Findings
from regard.wire.app import Application
from regard.wire.connections import Connections
from regard.wire.listen import Server, configured
from regard.wire.live.conversation import Conversations
from regard.wire.live.endpoint import PATH, Endpoint
from regard.wire.live.frames import Moment, encoded, packed
from regard.wire.metrics import Metrics
from regard.wire.pool import Pool
from regard.wire.signature import ADDRESS, REKOGNITION
from tests.helpers.fakes import open_rooms
from tests.helpers.films import film_of
from tests.helpers.stewarding import Stewardship

HOST = "localhost:4599"
WIDTH, HEIGHT, FRAMES = 320, 240, 12
KNOWN = ",".join(f"{kind}_{VERSIONS[kind]}" for kind in (MOVEMENT_AND_LIGHT, MOVEMENT))
BOX = {"Left": 0.25, "Top": 0.25, "Width": 0.5, "Height": 0.5}


def address(key: AccessKey, session: str, now: float, *, host: str = HOST, **given: Any) -> str:
    """The path and query of a session's stream, signed by botocore."""
    told = {"session-id": session, "video-width": WIDTH, "video-height": HEIGHT, "challenge-versions": KNOWN}
    asked = {name.replace("_", "-"): value for name, value in given.items()}
    query = urlencode({name: value for name, value in {**told, **asked}.items() if value is not None})
    request = AWSRequest("GET", f"https://{host}{PATH}?{query}", {"Host": host})
    credentials = Credentials(key.access_key_id, key.secret, key.session_token)
    with mock.patch("botocore.auth.get_current_datetime", return_value=datetime.fromtimestamp(now, UTC)):
        SigV4QueryAuth(credentials, "rekognition", "us-east-1", expires=299).add_auth(request)
    parts = urlsplit(str(request.url))
    return f"{parts.path}?{parts.query}"


def scope_of(target: str, host: str = HOST) -> Scope:
    """The ASGI scope of a WebSocket to this target."""
    path, _, query = target.partition("?")
    return {
        "type": "websocket",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", host.encode()), (b"upgrade", b"websocket")],
        "client": ("127.0.0.1", 50_000),
        "subprotocols": [],
    }


def event(kind: str, **told: Any) -> bytes:
    """An event as a client sends it, not yet signed."""
    headers = {":event-type": kind, ":message-type": "event", ":content-type": "application/json"}
    return encoded(headers, msgspec.json.encode(told))


def film_event(part: bytes, now: float) -> bytes:
    """A part of a film; an empty one is its end."""
    return event("VideoEvent", VideoChunk=part, TimestampMillis=now * 1000)


def said(kind: str, **told: Any) -> bytes:
    """What a client tells of a challenge."""
    return event("ClientSessionInformationEvent", Challenge={kind: {"ChallengeId": "8a3b1c1e", **told}})


def answers(posed: dict[str, Any], now: float, film: bytes, parts: int = 3) -> list[bytes]:
    """All that an honest client answers to a SessionInformation, in the order in which AWS's does."""
    ((kind, challenge),) = posed["Challenge"].items()
    begin, size = now * 1000, -(-len(film) // parts)
    initial = {"InitialFaceDetectedTimestamp": begin, "BoundingBox": BOX}
    colours = [
        said(
            kind,
            ColorDisplayed={
                "CurrentColor": each["FreshnessColor"],
                "PreviousColor": each["FreshnessColor"],
                "SequenceNumber": number,
                "CurrentColorStartTimestamp": begin + 2000 + 600 * number,
            },
        )
        for number, each in enumerate(challenge.get("ColorSequences", ()))
    ]
    chunks = [film_event(film[at : at + size], now) for at in range(0, len(film), size)]
    target = {
        "FaceDetectedInTargetPositionStartTimestamp": begin + 1000,
        "FaceDetectedInTargetPositionEndTimestamp": begin + 1200,
        "BoundingBox": BOX,
    }
    last = said(kind, InitialFace=initial, TargetFace=target, VideoEndTimestamp=begin + 9000)
    first = said(kind, VideoStartTimestamp=begin, InitialFace=initial)
    return [chunks[0], first, *chunks[1:], *colours, last, film_event(b"", now)]


def ticking(wait: float = 4.5, between: float = 4.5) -> Callable[[], float]:
    """The clock of a service to which a film of `answers` comes in its time, though a test sends it at once.

    It is asked as the challenge goes out and as each part of the film comes: the first after `wait` seconds, the others
    `between` seconds apart. Each conversation is a task, and has a time of its own.
    """
    asked: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def clock() -> float:
        task = asyncio.current_task()
        asked[task] = place = asked.get(task, -1) + 1
        return 0.0 if not place else wait + between * (place - 1)

    return clock


class Signing:
    """Signs events one after the other, as AWS's clients do; in words of its own."""

    def __init__(self, target: str, secret: str, now: float, before: str = "") -> None:
        self._before = before or target.partition("X-Amz-Signature=")[2].partition("&")[0]
        self._secret, self._now = secret, now

    def __call__(self, payload: bytes) -> bytes:
        date = Moment(int(self._now * 1000))
        moment = datetime.fromtimestamp(self._now, UTC)
        key = f"AWS4{self._secret}".encode()
        scope = [moment.strftime("%Y%m%d"), "us-east-1", "rekognition", "aws4_request"]
        for part in scope:
            key = hmac.digest(key, part.encode(), "sha256")
        hashes = [hashlib.sha256(each).hexdigest() for each in (packed({":date": date}), payload)]
        told = ["AWS4-HMAC-SHA256-PAYLOAD", moment.strftime("%Y%m%dT%H%M%SZ"), "/".join(scope), self._before, *hashes]
        self._before = hmac.digest(key, "\n".join(told).encode(), "sha256").hex()
        return encoded({":date": date, ":chunk-signature": bytes.fromhex(self._before)}, payload)


@dataclass
class Peer:
    """A client of an ASGI application, on a socket of its own. `told` is what came, `code` how the socket ended."""

    app: Any
    scope: Scope
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    code: int | None = None
    _in: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> Peer:
        """Open the socket."""
        self._in.put_nowait({"type": "websocket.connect"})
        self.over = asyncio.create_task(self.app(self.scope, self._in.get, self._send))
        return self

    async def posed(self) -> dict[str, Any]:
        """The challenge; nothing where the socket ends before."""
        while not self.told and not self.over.done():
            waiting = asyncio.create_task(self._heard.wait())
            await asyncio.wait((waiting, self.over), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            self._heard.clear()
        kind, told = self.told[0] if self.told else ("", {})
        return dict(told["SessionInformation"]) if kind == "ServerSessionInformationEvent" else {}

    def send(self, *frames: bytes) -> None:
        """Send frames."""
        for frame in frames:
            self._in.put_nowait({"type": "websocket.receive", "bytes": frame})

    def say(self, text: str) -> None:
        """Send a text, which no client of AWS's does."""
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self, code: int = 1005) -> None:
        """Close the socket."""
        self._in.put_nowait({"type": "websocket.disconnect", "code": code})

    async def ended(self, seconds: float = 20.0) -> Peer:
        """Wait for the end of the application. Raises TimeoutError where it hangs."""
        await asyncio.wait_for(self.over, seconds)
        return self

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            self.told.append(read(message["bytes"]))
            self._heard.set()
        elif message["type"] == "websocket.close" and self.code is None:
            self.code = message["code"]


def read(frame: str | bytes) -> tuple[str, dict[str, Any]]:
    """The name and the body of what the service sent, by botocore's reader."""
    buffer = EventStreamBuffer()
    buffer.add_data(cast(bytes, frame))
    ((headers, payload),) = [(cast(Any, each.headers), each.payload) for each in buffer]
    return str(headers.get(":event-type", headers.get(":exception-type"))), msgspec.json.decode(payload)


@dataclass
class Judging:
    """Stands in for the judgement: looks at every frame, and finds what it is told to."""

    findings: Findings = Findings(  # noqa: RUF009
        97.5, True, (Check("light", True, 1.0, 0.5, "It was reflected."),), 3, (1, 4, 6, 9)
    )
    seen: list[Any] = field(default_factory=list)

    def __call__(self, frames: Iterable[Any], challenge: Any, told: Any, finder: Any) -> Findings:
        self.seen.append((challenge, told, [(at, pixels.shape) for at, pixels in frames]))
        return self.findings


class Stage:
    """A service on which a motion enabled liveness, and a key of a firm that uses it."""

    def __init__(self, folder: Path, enabled: bool = True) -> None:
        self.room = Stewardship(folder)
        if enabled:
            self.enable()
        self.key = self.issue()
        rooms = open_rooms(folder, lambda: self.room.now)
        self.root = SealingKey(SealingKey.generate())
        self.sessions = Sessions(rooms.gallery._engine, rooms.gallery, self.root, lambda: self.room.now)
        self.scratch = folder / "tmp"
        gate, keys = self.room.gate, self.room.organizations.key
        self.rooms: Rooms = replace(
            rooms,
            record=gate.record,
            liveness=self.sessions,
            scratch=Scratch(self.scratch, 1 << 30),
            standing=Standing(gate, keys, answered, lambda: self.room.now),
        )
        self.service = Service(gate, self.rooms)
        self.metrics = Metrics()

    def app(
        self, pool: Pool | None = None, arrivals: Callable[[], float] | None = None, **bounds: float
    ) -> Application:
        """The application of this service; `bounds` are those of a conversation, `arrivals` is the clock of films."""
        pool, keys = pool or Pool(2, 64), self.room.organizations.key
        live = Endpoint(
            Conversations(self.service, pool, clock=arrivals or ticking(), **bounds),
            keys,
            self.metrics,
            ADDRESS,
            clock=lambda: self.room.now,
        )
        front = pages(self.metrics, lambda: None)
        return Application(
            self.service, keys, pool, self.metrics, REKOGNITION, front, live=live, clock=lambda: self.room.now
        )

    def enable(self, enabled: bool = True) -> None:
        """Carry a motion."""
        self.room.carry(Kind.CAPABILITY, capability="liveness", enabled=enabled)

    def issue(self, **terms: Any) -> AccessKey:
        """A key of another firm."""
        caller = self.room.caller(purpose="identity-verification", **terms)
        key = self.room.organizations.key(caller.access_key_id)
        assert key is not None
        return key

    def ask(self, name: str, key: AccessKey | None = None, **parameters: Any) -> tuple[dict[str, Any], Call]:
        """The answer of an operation, and the call."""
        caller = (key or self.key).caller
        call = Call(caller, answered()[name], parameters, "us-east-1", str(uuid4()), loopback=True)
        return self.service.answer(call), call

    def create(self, key: AccessKey | None = None, **parameters: Any) -> str:
        """A session."""
        return str(self.ask("CreateFaceLivenessSession", key, **parameters)[0]["SessionId"])

    def result(self, session: str) -> dict[str, Any]:
        """What is told of a session."""
        return self.ask("GetFaceLivenessSessionResults", SessionId=session)[0]

    def refusal(self, name: str, key: AccessKey | None = None, **parameters: Any) -> tuple[str, str]:
        """The code and the text that a call is refused with."""
        try:
            self.ask(name, key, **parameters)
        except ApiError as error:
            return error.code, error.message
        raise AssertionError(f"{name} was answered")

    def kept(self, session: str, key: AccessKey | None = None) -> Session:
        """A session as the room has it."""
        return self.sessions.get((key or self.key).caller.organization, session)

    def target(self, session: str, **given: Any) -> str:
        """The signed address of a session's stream."""
        return address(given.pop("key", self.key), session, given.pop("now", self.room.now), **given)

    def signing(self, target: str, key: AccessKey | None = None) -> Signing:
        """What signs a stream to this address."""
        return Signing(target, (key or self.key).secret, self.room.now)

    def calls(self) -> list[tuple[str, str, str]]:
        """The entries of calls in the log: operation, decision and outcome."""
        _, log = self.room.logbook.shards.current()
        size = log.publish().checkpoint.size
        found = [msgspec.json.decode(log.entry(index)) for index in range(size)]
        told = [each for each in found if each["kind"] == "regard/call"]
        return [(each["operation"], each["decision"], each["outcome"]) for each in told]

    def close(self) -> None:
        """End."""
        self.room.logbook.close()


@contextmanager
def listening(app: Application, context: ssl.SSLContext | None = None) -> Iterator[tuple[tuple[str, int], Connections]]:
    """The address of a server in a thread of the test, as `regard serve` configures it, and its connections."""
    with socket.create_server(("127.0.0.1", 0)) as on:
        connections = Connections(64)
        server = Server(configured(app), connections, context)
        thread = Thread(target=server.run, args=([on],))
        thread.start()
        try:
            yield on.getsockname(), connections
        finally:
            server.should_exit = True
            thread.join()


async def whole(stage: Stage, app: Application, session: str, film: bytes, **given: Any) -> Peer:
    """A session from its opening to its end, by an honest client."""
    target = stage.target(session, **given)
    peer = Peer(app, scope_of(target)).start()
    posed, sign = await peer.posed(), stage.signing(target, given.get("key"))
    if posed:
        peer.send(*(sign(each) for each in answers(posed, stage.room.now, film)))
    return await peer.ended()


@cache
def film(width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES) -> bytes:
    """A film as a browser records it: VP8 in WebM. Its frames are of different greys, with a face for fakes to find."""
    with TemporaryDirectory() as folder:
        return film_of(Path(folder) / "film.webm", _greys(width, height, frames), codec="libvpx").read_bytes()


def _greys(width: int, height: int, frames: int) -> Sequence[Any]:
    return [np.full((height, width, 3), 20 + 15 * number, np.uint8) for number in range(frames)]
