"""Cameras for tests: on loopback, MJPEG over HTTP and H.264 over RTSP as cameras send them; and ones of a script, with
rooms whose clock and sinks are the test's.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

import av
import numpy as np
from av.container import InputContainer
from PIL import Image

from regard.sealing import master_key
from regard.streams.cameras.reaching import Reach
from regard.streams.cameras.watching import Moment
from regard.streams.homes import Home, Seen
from regard.streams.messages import KINDS, Messages
from regard.streams.processor import Session
from regard.streams.processors import Processors
from regard.streams.running import Looking, Runner, Tools
from regard.streams.sources import Source, Sources
from regard.streams.streams import Streams
from regard.vision.pictures.images import Picture, Pixels
from tests.helpers.fakes import ORGANIZATION, Client, Clock, open_rooms
from tests.helpers.working import with_jobs


def jpeg_of(pixels: Pixels) -> bytes:
    """A picture as cameras send one."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@dataclass
class Filming:
    """What a camera does now: it can be away, fall silent, and want a password; and how often it was connected to."""

    pictures: Sequence[bytes]
    pause: float = 0.04
    away: bool = False
    silent: bool = False
    password: str = ""
    kind: str = "multipart/x-mixed-replace; boundary=frame"
    status: int = 200
    lengths: bool = True
    once: bool = False
    asked: list[str] = field(default_factory=list)


@contextmanager
def mjpeg_camera(filming: Filming) -> Iterator[int]:
    """The port of a camera that sends its pictures round and round, until the end of the block."""

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            filming.asked.append(self.headers.get("Authorization", ""))
            if filming.away:
                return
            if filming.password and not _opens(self.headers.get("Authorization", ""), filming.password, self.path):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Digest realm="camera", nonce="abc", qop="auth"')
                self.end_headers()
                return
            self.send_response(filming.status)
            self.send_header("Content-Type", filming.kind)
            self.send_header("Location", "http://169.254.169.254/latest")
            self.end_headers()
            with suppress(OSError):
                self._film()

        def _film(self) -> None:
            while True:
                for each in filming.pictures:
                    if _is_away(filming):
                        return
                    if not filming.silent:
                        self._send(each)
                    time.sleep(filming.pause)
                if filming.once:
                    return

        def _send(self, picture: bytes) -> None:
            length = b"Content-Length: %d\r\n" % len(picture) if filming.lengths else b""
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + picture + b"\r\n")

        def log_message(self, *told: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_port
    finally:
        filming.away = True
        server.shutdown()
        server.server_close()


def _is_away(filming: Filming) -> bool:
    return filming.away


def _opens(header: str, password: str, path: str) -> bool:
    """Whether a Digest header was made with the password of the user "door"."""
    told = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
    one = hashlib.md5(f"door:camera:{password}".encode()).hexdigest()
    two = hashlib.md5(f"GET:{path}".encode()).hexdigest()
    wanted = f"{one}:abc:{told.get('nc')}:{told.get('cnonce')}:auth:{two}"
    return told.get("response") == hashlib.md5(wanted.encode()).hexdigest()


def units_of(film: bytes) -> list[list[bytes]]:
    """The units of each picture of a film of H.264, without start codes; parameter sets with the first."""
    found: list[list[bytes]] = []
    with cast(InputContainer, av.open(io.BytesIO(film))) as container:
        stream = container.streams.video[0]
        split = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            for each in split.filter(packet):
                if each.size:
                    found.append([unit for unit in re.split(rb"\x00\x00\x00?\x01", bytes(each)) if unit])
    return found


def rtp_of(units: Sequence[bytes], number: int, at: int, most: int = 900) -> list[bytes]:
    """The packets of a picture (RFC 6184): each unit alone, or in parts where it is larger than `most`."""
    payloads: list[bytes] = []
    for unit in units:
        if len(unit) <= most:
            payloads.append(unit)
            continue
        parts = [unit[1:][begin : begin + most] for begin in range(0, len(unit) - 1, most)]
        for place, part in enumerate(parts):
            marks = (0x80 if not place else 0) | (0x40 if place == len(parts) - 1 else 0)
            payloads.append(bytes([unit[0] & 0xE0 | 28, marks | unit[0] & 0x1F]) + part)
    last = len(payloads) - 1
    return [
        struct.pack(">BBHII", 0x80, 96 | (0x80 if place == last else 0), (number + place) & 0xFFFF, at, 7) + payload
        for place, payload in enumerate(payloads)
    ]


@contextmanager
def rtsp_camera(pictures: Sequence[Sequence[bytes]], pause: float = 0.04, codec: str = "H264") -> Iterator[int]:
    """The port of a camera that sends pictures of H.264 over one connection, round and round; its user is door:open."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):
                connected, _ = listening.accept()
                threading.Thread(target=_talk, args=(connected, pictures, pause, codec, over), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _talk(
    connected: socket.socket, pictures: Sequence[Sequence[bytes]], pause: float, codec: str, over: threading.Event
) -> None:
    told = f"v=0\r\nm=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=control:track1\r\n"
    with connected, connected.makefile("rb") as file, suppress(OSError):
        while line := file.readline():
            method, address, _ = line.decode().split(" ")
            headers: dict[str, str] = {}
            while (each := file.readline().decode().strip()) != "":
                name, _, value = each.partition(":")
                headers[name.lower()] = value.strip()
            head = f"CSeq: {headers['cseq']}\r\n"
            if headers.get("authorization") != "Basic ZG9vcjpvcGVu":
                connected.sendall(f'RTSP/1.0 401 No\r\n{head}WWW-Authenticate: Basic realm="c"\r\n\r\n'.encode())
                continue
            more = {
                "DESCRIBE": f"Content-Base: {address}/\r\nContent-Length: {len(told)}\r\n\r\n{told}",
                "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 12;timeout=60\r\n\r\n",
            }
            connected.sendall(f"RTSP/1.0 200 OK\r\n{head}{more.get(method, chr(13) + chr(10))}".encode())
            if method == "SETUP":
                assert address.endswith("/track1")
            if method == "PLAY":
                _send(connected, pictures, pause, over)
                return


def _send(connected: socket.socket, pictures: Sequence[Sequence[bytes]], pause: float, over: threading.Event) -> None:
    number, at = 0, 0
    while not over.is_set():
        for units in pictures:
            for packet in rtp_of(units, number, at):
                connected.sendall(b"$\x00" + len(packet).to_bytes(2) + packet)
                number += 1
            at += round(90_000 * pause)
            if over.wait(pause):
                return


STREAM = f"arn:aws:kinesisvideo:us-east-1:{ORGANIZATION}:stream/door/1"
TOPIC = f"arn:aws:sns:us-east-1:{ORGANIZATION}:AmazonRekognitionDoor"
RECORDS = f"arn:aws:kinesis:us-east-1:{ORGANIZATION}:stream/AmazonRekognitionDoor"
ROLE = f"arn:aws:iam::{ORGANIZATION}:role/any"
# What a processor of each kind is made with.
HOME: dict[str, Any] = {
    "Input": {"KinesisVideoStream": {"Arn": STREAM}},
    "Output": {"S3Destination": {"Bucket": "frames", "KeyPrefix": "home/"}},
    "Settings": {"ConnectedHome": {"Labels": ["PERSON", "PET"]}},
    "NotificationChannel": {"SNSTopicArn": TOPIC},
    "RoleArn": ROLE,
}
FACES: dict[str, Any] = {
    "Input": {"KinesisVideoStream": {"Arn": STREAM}},
    "Output": {"KinesisDataStream": {"Arn": RECORDS}},
    "Settings": {"FaceSearch": {"CollectionId": "staff"}},
    "RoleArn": ROLE,
}
NOW = {"KVSStreamStartSelector": {"ProducerTimestamp": 0}}


@dataclass
class Sink:
    """Stands in for S3, SNS, Kinesis and the webhook: takes what comes, or does not, and allows what it is told to."""

    address: str = "https://example.org/hook"
    broken: BaseException | None = None
    refused: Exception | None = None
    taken: list[tuple[Any, ...]] = field(default_factory=list)

    def require(self, *_of: object) -> None:
        if self.refused is not None:
            raise self.refused

    require_writable = require

    def _take(self, *what: Any) -> None:
        if self.broken is not None:
            raise self.broken
        self.taken.append(what)

    write = publish = post = put = _take

    def words(self) -> list[dict[str, Any]]:
        """What came that was JSON, in its order: messages of SNS, and records."""
        found: list[dict[str, Any]] = []
        for what in self.taken:
            records = what[3] if isinstance(what[3], list) else [what[2]]
            found += [json.loads(each) for each in records]
        return found


class Scripted:
    """A camera that gives what it is told to, one after the other, however often it is connected to.

    A number is a pause of so many seconds, after which a picture comes; an exception is what happens then, with half a
    second before it.
    """

    def __init__(self, clock: Clock, script: Iterable[float | tuple[float, Picture] | BaseException]) -> None:
        self._clock, self._script = clock, iter(script)
        self.connected: list[float] = []

    def watch(self, _source: Source) -> Self:
        self.connected.append(self._clock.now)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_told: object) -> None:
        pass

    def next(self, seconds: float) -> Moment | None:
        what = next(self._script, None)
        if what is None:
            self._clock.now += seconds
            return None
        if isinstance(what, BaseException):
            self._clock.now += 0.5
            raise what
        pause, picture = what if isinstance(what, tuple) else (what, BLANK)
        self._clock.now += pause
        return Moment(self._clock.now, picture)


class Still(Clock):
    """The time as it is, for a camera of a script."""

    @property
    def now(self) -> float:
        return time.time()

    @now.setter
    def now(self, _value: float) -> None:
        pass


BLANK = Picture(np.zeros((40, 60, 3), np.uint8), "PNG")


class Den:
    """Rooms with live video whose sinks, cameras and clock are the test's."""

    def __init__(self, folder: Path, clock: Any = None, patience: float = 300.0) -> None:
        self.clock = clock or Clock()
        rooms = with_jobs(open_rooms(folder, self.clock), folder, self.clock)
        key, engine = master_key(folder / "master.key"), rooms.gallery._engine
        self.s3, self.topic, self.hook, self.records = Sink(), Sink(), Sink(), Sink()
        sinks: Any = (self.s3, self.topic, self.hook, self.records)
        self.streams = Streams(
            Sources(engine, key, self.clock),
            Processors(engine, rooms.gallery, key, self.clock),
            Messages(engine, rooms.gallery, key, self.clock, sinks),
            Reach([]),
            folder / "pipes",
            patience,
        )
        self.told: list[tuple[str, str, list[tuple[str, dict[str, Any]]]]] = []
        self.streams.processors.told.append(
            lambda _connection, processor, what, people: self.told.append((processor.name, what, list(people)))
        )
        self.rooms = replace(rooms, streams=self.streams)
        self.client = Client(self.rooms)
        self.seen: list[Seen] = []
        if not [each for each in self.streams.sources.all() if each.arn == STREAM]:
            self.streams.sources.put(STREAM, "rtsp://door:secret@camera.example.org/live")

    def runner(self, camera: Scripted, holder: str = "one", looking: Looking | None = None) -> Runner:
        """A worker on these processors, for which time passes as the camera says."""
        streams = self.streams
        home = Home(streams.processors, streams.messages, lambda _picture: self.seen)
        of = Tools(streams.processors, streams.sources, camera.watch, looking or home, streams.patience)
        return Runner(of, holder, self.wait)

    def wait(self, seconds: float) -> bool:
        self.clock.now += seconds
        return False

    def run(self, camera: Scripted, holder: str = "one", looking: Looking | None = None) -> None:
        """Work on the processors that nobody works on, one after the other."""
        for number in self.streams.processors.alone():
            self.runner(camera, holder, looking).run(number)

    def send(self) -> None:
        """Send what is due."""
        while sum(self.streams.messages.send_due(kind) for kind in KINDS):
            pass

    def status(self, name: str = "door") -> tuple[str, str]:
        told = self.client("DescribeStreamProcessor", Name=name)
        return told["Status"], told.get("StatusMessage", "")

    def start(self, name: str = "door", seconds: int = 10) -> str:
        stop = {"MaxDurationInSeconds": seconds}
        answer = self.client("StartStreamProcessor", Name=name, StartSelector=NOW, StopSelector=stop)
        return str(answer["SessionId"])


def begun(streams: Streams, owner: str, name: str, given: dict[str, Any]) -> str:
    """A processor of an organization with a session that somebody is to work on, whatever a policy says; its ARN."""
    stream = f"arn:aws:kinesisvideo:us-east-1:{owner}:stream/{name}/1"
    streams.sources.put(stream, "rtsp://door:secret@camera.example.org/live")
    given = given | {"Input": {"KinesisVideoStream": {"Arn": stream}}}
    made = streams.processors.new(owner, name, "us-east-1", given, {})
    with streams.processors.engine.begin() as connection:
        streams.processors.create(connection, made)
        session = Session(f"session-{name}", "AKIA", "development", "StartStreamProcessor", {}, 60)
        streams.processors.start(connection, streams.processors.found(connection, owner, name), session)
    return made.arn
