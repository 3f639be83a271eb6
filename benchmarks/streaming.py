"""Live video for an hour: simulated cameras, workers that are killed again and again, and sinks that are away.

`python -m benchmarks streaming --minutes MINUTES` measures for so many minutes, with as much of each in proportion.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from moto.server import ThreadedMotoServer

from benchmarks.measuring import markdown, resident_mib
from regard.settings import Settings
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from tests.helpers.hooks import SECRET
from tests.helpers.running import Running, running
from tests.helpers.stores import store_client, store_settings
from tests.helpers.streaming import Filming, jpeg_of, mjpeg_camera

CAMERAS, RATE, SIZE = 4, 25, (720, 1280)
MINUTES, KILLS, AWAY_MINUTES, WORKERS = 60.0, 10, 5.0, 2
# A session is this long, and the next begins when it is over: each tells of a person once, and of its end.
SESSION_SECONDS = 60
# A kill comes at least so long after the one before, and while no session begins or ends: so whoever is connected to in
# the seconds after it had been left alone by it.
_KILL_SECONDS, _INTO_SESSION, _SEEN_AFTER = 50.0, (12.0, 35.0), 20.0
_STEP = 0.5


class _Hook:
    """The operator's webhook: a server that can be away, and what came to it, by eventId."""

    def __init__(self) -> None:
        self.came = Counter[str]()
        self._port = 0
        self._server: Any = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/hook"

    def start(self) -> None:
        came = self.came

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                came[body["data"]["eventId"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *told: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Taking)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


class _Amazon:
    """S3, SNS and SQS of moto, which can be away, and what came to a queue behind the topic, by eventId."""

    def __init__(self) -> None:
        self.came = Counter[str]()
        self._port = 0
        self._server: Any = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        # What it keeps is this process's: it is there again when it is.
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        self._server.start()
        self._port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server._server.server_close()
        self._server = None

    def open(self) -> str:
        """Make what is sent to; the ARN of the topic."""
        store_client(self.address).create_bucket(Bucket="frames")
        topics, queues = self._client("sns"), self._client("sqs")
        topic = str(topics.create_topic(Name="AmazonRekognitionDoor")["TopicArn"])
        self._queue = queues.create_queue(QueueName="door")["QueueUrl"]
        asked = queues.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])
        return topic

    def hear(self) -> None:
        """Take what came to the queue."""
        while self._server is not None:
            queues = self._client("sqs")
            got = queues.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", ())
            for message in got:
                self.came[json.loads(json.loads(message["Body"])["Message"])["eventId"]] += 1
                queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            if not got:
                return

    def put(self) -> int:
        """How many objects are in the bucket."""
        pages = store_client(self.address).get_paginator("list_objects_v2").paginate(Bucket="frames")
        return sum(len(page.get("Contents", ())) for page in pages)

    def _client(self, name: str) -> Any:
        keys: dict[str, Any] = {"aws_access_key_id": "operator", "aws_secret_access_key": "secret"}
        of: Any = boto3.client
        return of(name, endpoint_url=self.address, region_name="us-east-1", **keys)


class _Sinks:
    """Where messages go. All of them are away at the same time."""

    def __init__(self) -> None:
        self.hook, self.amazon, self._away = _Hook(), _Amazon(), False
        self.hook.start()
        self.amazon.start()

    def away(self, away: bool) -> None:
        """Stop the servers, or start them again where they were."""
        if away != self._away:
            self._away = away
            for each in (self.hook, self.amazon):
                each.stop() if away else each.start()

    def close(self) -> None:
        self.hook.stop()
        self.amazon.stop()

    def lacking(self, sessions: int) -> int:
        """How many messages did not come of those that each session has: of a person and of its end, to each."""
        if not self._away:
            self.amazon.hear()
        return max(2 * sessions - len(each.came) for each in (self.hook, self.amazon))


def run(minutes: float = MINUTES) -> str:
    """The section of docs/benchmarks.md."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    kills = min(KILLS, max(2, int(minutes * 60 / _KILL_SECONDS)))
    away, sinks = min(AWAY_MINUTES, minutes / 4), _Sinks()
    with tempfile.TemporaryDirectory() as folder, _cameras() as (ports, asked):
        amazon = sinks.amazon
        topic = amazon.open()
        settings = store_settings(amazon.address, "*=frames/") | {
            "REGARD_S3_WRITABLE": "*=frames/",
            "REGARD_SNS_ALLOWED": "*=arn:aws:sns:",
            "REGARD_STREAMS_REACH": "127.0.0.0/8",
            "REGARD_WEBHOOK_URL": sinks.hook.address,
            "REGARD_WEBHOOK_SECRET": SECRET,
            "REGARD_JOBS_WORKERS": str(WORKERS),
            "AWS_ENDPOINT_URL_SNS": amazon.address,
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        with running(Path(folder), **settings) as service:
            house = _House(service, Path(folder), ports, topic, asked)
            told = house.watch(minutes, kills, away, sinks)
            settled = house.settle(sinks)
        lacking, put = sinks.lacking(house.sessions), amazon.put()
        sinks.close()
    twice = sum(count - 1 for each in (sinks.hook, amazon) for count in each.came.values())
    rows = [
        (f"sessions, of {SESSION_SECONDS} s", f"{house.sessions:,}"),
        ("lag, median and 99 of 100, s", f"{_share(told.lags, 0.5):.2f}, {_share(told.lags, 0.99):.2f}"),
        ("lag, the greatest, s", f"{max(told.lags):.2f}"),
        ("from a kill until its cameras are looked at again, median and the greatest, s", _gaps(told.gaps)),
        ("memory of a worker, the first and the last quarter, MiB", _quarters(told.worker)),
        ("memory of the service, the first and the last quarter, MiB", _quarters(told.service)),
        ("processor time, of one core", f"{told.cores:.2f}"),
        ("messages to the webhook, lost", f"{2 * house.sessions - len(sinks.hook.came):,} of {2 * house.sessions:,}"),
        ("messages to the topic, lost", f"{2 * house.sessions - len(amazon.came):,} of {2 * house.sessions:,}"),
        ("frames, crops and summaries in the bucket, lost", f"{3 * house.sessions - put:,} of {3 * house.sessions:,}"),
        ("messages that came twice", f"{twice:,}"),
    ]
    assert lacking == max(2 * house.sessions - len(each.came) for each in (sinks.hook, amazon))
    return markdown(
        "Live video",
        ("", "measured"),
        rows,
        f"{CAMERAS} cameras of MJPEG over HTTP, {SIZE[1]}×{SIZE[0]} at {RATE} frames a second, of which 5 a second are "
        f"looked at for people and for pets, none of which is ever seen; {minutes:g} minutes, {WORKERS} workers, of "
        f"which the one that ran the longest was killed (SIGKILL) {told.kills} times. Webhook, topic and bucket were "
        f"away, nothing listening where they are, for {away * 60:.0f} seconds; all that was owed was taken "
        f"{settled:.0f} seconds after the last session. Lag is from the moment a frame came to its answer: the "
        "greatest of the last 5 seconds, of all cameras, asked of `/metrics` twice a second. Memory of a worker is "
        "told once it has run for half a minute, without that of its decoders. "
        "`python -m benchmarks streaming --minutes MINUTES`",
    )


class _Told:
    """What was measured: lags and gaps in seconds, memory in MiB, and how many cores were used."""

    def __init__(self) -> None:
        self.lags, self.worker, self.service, self.cores = [0.0], list[float](), list[float](), 0.0
        self.gaps, self.kills = list[float](), 0


class _House:
    """A service whose processors look at the cameras, session after session."""

    def __init__(self, service: Running, folder: Path, ports: list[int], topic: str, asked: Connection) -> None:
        self._service, self._folder, self._client = service, folder, service.client()
        self._asked, self._begun = asked, dict[str, float]()
        self._killed_at, self._back = 0.0, set[int]()
        self.sessions = 0
        account = self._client.create_collection(CollectionId="any")["CollectionArn"].split(":")[4]
        streams = open_holdings(open_office(Settings(data_dir=folder))).streams
        self._names = [f"door-{number}" for number in range(len(ports))]
        for name, port in zip(self._names, ports, strict=True):
            arn = f"arn:aws:kinesisvideo:us-east-1:{account}:stream/{name}/1"
            streams.sources.put(arn, f"http://127.0.0.1:{port}/live")
            self._client.create_stream_processor(
                Name=name,
                Input={"KinesisVideoStream": {"Arn": arn}},
                Output={"S3Destination": {"Bucket": "frames"}},
                NotificationChannel={"SNSTopicArn": topic},
                Settings={"ConnectedHome": {"Labels": ["ALL"]}},
                RoleArn=f"arn:aws:iam::{account}:role/any",
            )

    def watch(self, minutes: float, kills: int, away: float, sinks: _Sinks) -> _Told:
        """Have sessions for so many minutes; what was measured meanwhile."""
        told, begun = _Told(), time.monotonic()
        whole, seen, used = minutes * 60, dict[int, float](), _used(self._folder)
        killed_at = 0.0
        while (now := time.monotonic() - begun) < whole:
            self._begin()
            sinks.away(whole / 3 <= now < whole / 3 + away * 60)
            sinks.lacking(self.sessions)
            due = now > whole * (told.kills + 1) / (kills + 1) and now - killed_at > _KILL_SECONDS
            if told.kills < kills and due and self._is_within_sessions():
                killed_at, told.kills = now, told.kills + 1
                self._kill(min(seen, key=seen.__getitem__))
            told.gaps += self._gaps()
            told.lags.append(self._lag())
            for worker in _workers(self._folder):
                seen.setdefault(worker, now)
                with suppress(OSError, StopIteration):
                    if now - seen[worker] > 30:
                        told.worker.append(resident_mib(worker))
            for gone in seen.keys() - set(_workers(self._folder)):
                del seen[gone]
            told.service.append(resident_mib(self._service.process.pid))
            time.sleep(_STEP)
        told.cores = (_used(self._folder) - used) / whole
        return told

    def settle(self, sinks: _Sinks) -> float:
        """Wait for the end of the last sessions, and until everything was told or nothing comes any more; how long."""
        sinks.away(False)
        while any(self._status(name) in ("STARTING", "STOPPING") for name in self._names):
            time.sleep(_STEP)
        over = time.monotonic()
        while sinks.lacking(self.sessions) and time.monotonic() - over < 400:
            time.sleep(_STEP)
        return time.monotonic() - over

    def _is_within_sessions(self) -> bool:
        """Whether no session begins or ends for a while."""
        first, last = _INTO_SESSION
        return all(first < time.monotonic() - at < last for at in self._begun.values())

    def _kill(self, worker: int) -> None:
        os.kill(worker, signal.SIGKILL)
        self._killed_at, self._back = time.time(), set()

    def _gaps(self) -> list[float]:
        """After how many seconds cameras that the last kill left alone were connected to again, of those just now."""
        found = list[float]()
        while self._asked.poll():
            camera, at = self._asked.recv()
            if camera not in self._back and 0 <= at - self._killed_at < _SEEN_AFTER:
                self._back.add(camera)
                found.append(at - self._killed_at)
        return found

    def _begin(self) -> None:
        for name in self._names:
            if self._status(name) in ("STOPPED", "FAILED"):
                self._client.start_stream_processor(
                    Name=name,
                    StartSelector={"KVSStreamStartSelector": {"ProducerTimestamp": 0}},
                    StopSelector={"MaxDurationInSeconds": SESSION_SECONDS},
                )
                self._begun[name] = time.monotonic()
                self.sessions += 1

    def _status(self, name: str) -> str:
        return str(self._client.describe_stream_processor(Name=name)["Status"])

    def _lag(self) -> float:
        with urllib.request.urlopen(f"{self._service.environment['AWS_ENDPOINT_URL_REKOGNITION']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith("regard_streams_lag_seconds ")).split()[1])


@contextmanager
def _cameras() -> Iterator[tuple[list[int], Connection]]:
    """The ports of cameras in a process of their own, and what tells which was connected to, and when."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_film, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.kill()


class _Connected(list[str]):
    """Tells when a camera is connected to."""

    def __init__(self, number: int, report: Connection, one: threading.Lock) -> None:
        super().__init__()
        self._number, self._report, self._one = number, report, one

    def append(self, _header: str) -> None:
        with self._one:
            self._report.send((self._number, time.time()))


def _film(report: Connection) -> None:
    from PIL import Image
    from skimage.data import astronaut

    portrait = Image.fromarray(astronaut()).resize((SIZE[1], SIZE[0]))
    picture = jpeg_of(np.asarray(portrait))
    with ExitStack() as stack:
        one = threading.Lock()
        films = [Filming([picture], pause=1 / RATE, asked=_Connected(each, report, one)) for each in range(CAMERAS)]
        report.send([stack.enter_context(mjpeg_camera(each)) for each in films])
        threading.Event().wait()


def _of_the_house(folder: Path) -> Iterator[tuple[int, bytes]]:
    """The processes of the service on a folder, with their words."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"REGARD_DATA_DIR={folder}\0".encode() in (process / "environ").read_bytes() + b"\0":
                yield int(process.name), (process / "cmdline").read_bytes()


def _workers(folder: Path) -> list[int]:
    return [number for number, words in _of_the_house(folder) if b"\0work\0" in words]


def _used(folder: Path) -> float:
    """Seconds of processor time of the service, its workers and those that ended."""
    ticks = 0
    for number, _ in _of_the_house(folder):
        with suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _gaps(values: list[float]) -> str:
    return f"{_share(values, 0.5):.2f}, {max(values):.2f}" if values else "–"


def _quarters(values: list[float]) -> str:
    part = max(1, len(values) // 4)
    if not values:
        return "–"
    return f"{_share(values[:part], 0.5):.0f}, {_share(values[-part:], 0.5):.0f}"
