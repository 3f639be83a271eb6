"""Live video for an hour: simulated cameras, a worker that is killed again and again, and a sink that is away.

`python -m benchmarks.streaming MINUTES` measures for so many minutes, with as much of each in proportion.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
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

from benchmarks.measuring import machine, markdown, resident_mib
from regard.settings import Settings
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from tests.helpers.hooks import SECRET
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings
from tests.helpers.streaming import Filming, jpeg_of, mjpeg_camera

CAMERAS, RATE, SIZE = 4, 25, (720, 1280)
MINUTES, KILLS, AWAY_MINUTES = 60.0, 10, 5.0
# A session is this long, and the next begins when it is over: each tells of a person once, and of its end.
SESSION_SECONDS = 30
_STEP = 0.5


class Sink:
    """The operator's webhook: what came to it, by eventId, and whether it is away."""

    def __init__(self) -> None:
        self.away, self.came = False, Counter[tuple[str, str]]()


def run(minutes: float = MINUTES) -> str:
    """The section of docs/benchmarks.md."""
    kills, away = max(2, round(KILLS * minutes / MINUTES)), AWAY_MINUTES * min(1.0, minutes / MINUTES)
    sink = Sink()
    with tempfile.TemporaryDirectory() as folder, store() as address, _taking(sink) as hook, _cameras() as ports:
        store_client(address).create_bucket(Bucket="frames")
        settings = store_settings(address, "*=frames/") | {
            "REGARD_S3_WRITABLE": "*=frames/",
            "REGARD_SNS_ALLOWED": "*=arn:aws:sns:",
            "REGARD_STREAMS_REACH": "127.0.0.0/8",
            "REGARD_WEBHOOK_URL": hook,
            "REGARD_WEBHOOK_SECRET": SECRET,
            "AWS_ENDPOINT_URL_SNS": address,
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        with running(Path(folder), **settings) as service:
            house = _House(service, Path(folder), ports, _topic(address))
            told = house.watch(minutes, kills, away, sink)
            settled = house.settle(sink)
    lost = 2 * house.sessions - len(sink.came)
    twice = sum(count - 1 for count in sink.came.values())
    rows = [
        ("sessions, of " + f"{SESSION_SECONDS} s", f"{house.sessions:,}"),
        ("lag, median and 99 of 100, s", f"{_share(told.lags, 0.5):.2f}, {_share(told.lags, 0.99):.2f}"),
        ("lag, the greatest, s", f"{max(told.lags):.2f}"),
        ("memory of the worker, its first and its last quarter, MiB", _quarters(told.worker)),
        ("memory of the service, its first and its last quarter, MiB", _quarters(told.service)),
        ("processor time, of one core", f"{told.cores:.2f}"),
        ("messages lost", f"{lost:,} of {2 * house.sessions:,}"),
        ("messages that came twice", f"{twice:,}"),
    ]
    return markdown(
        "Live video",
        ("", "measured"),
        rows,
        f"{CAMERAS} cameras of MJPEG over HTTP, {SIZE[1]}×{SIZE[0]} at {RATE} frames a second, of which 5 a second are "
        f"looked at for people and for pets, none of which is ever seen; {minutes:g} minutes. The worker was killed "
        f"(SIGKILL) {kills} times, and the webhook was away for {away * 60:.0f} seconds; all that was owed was taken "
        f"{settled:.0f} seconds after the last session. Lag is from the moment a frame came to its answer: the "
        "greatest of the last 5 seconds, of all cameras, asked of `/metrics` twice a second. Memory of a worker is "
        "told once it has run for half a minute. `python -m benchmarks.streaming MINUTES`",
    )


class _Told:
    """What was measured: lags in seconds, memory in MiB, and how many cores were used."""

    def __init__(self) -> None:
        self.lags, self.worker, self.service, self.cores = [0.0], list[float](), list[float](), 0.0


class _House:
    """A service whose processors look at the cameras, session after session."""

    def __init__(self, service: Running, folder: Path, ports: list[int], topic: str) -> None:
        self._service, self._folder, self._client = service, folder, service.client()
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

    def watch(self, minutes: float, kills: int, away: float, sink: Sink) -> _Told:
        """Have sessions for so many minutes; what was measured meanwhile."""
        told, begun = _Told(), time.monotonic()
        whole, seen, used = minutes * 60, dict[int, float](), _used(self._folder)
        killed = 0
        while (now := time.monotonic() - begun) < whole:
            self._begin()
            sink.away = whole / 3 <= now < whole / 3 + away * 60
            if killed < kills and now > whole * (killed + 1) / (kills + 1):
                killed += 1
                for worker in _workers(self._folder):
                    os.kill(worker, signal.SIGKILL)
            told.lags.append(self._lag())
            for worker in _workers(self._folder):
                seen.setdefault(worker, now)
                with suppress(OSError, StopIteration):
                    if now - seen[worker] > 30:
                        told.worker.append(resident_mib(worker))
            told.service.append(resident_mib(self._service.process.pid))
            time.sleep(_STEP)
        told.cores = (_used(self._folder) - used) / whole
        return told

    def settle(self, sink: Sink) -> float:
        """Wait for the end of the last sessions, and until everything was told or nothing comes any more; how long."""
        sink.away = False
        while any(self._status(name) in ("STARTING", "STOPPING") for name in self._names):
            time.sleep(_STEP)
        over = time.monotonic()
        while len(sink.came) < 2 * self.sessions and time.monotonic() - over < 400:
            time.sleep(_STEP)
        return time.monotonic() - over

    def _begin(self) -> None:
        for name in self._names:
            if self._status(name) in ("STOPPED", "FAILED"):
                self._client.start_stream_processor(
                    Name=name,
                    StartSelector={"KVSStreamStartSelector": {"ProducerTimestamp": 0}},
                    StopSelector={"MaxDurationInSeconds": SESSION_SECONDS},
                )
                self.sessions += 1

    def _status(self, name: str) -> str:
        return str(self._client.describe_stream_processor(Name=name)["Status"])

    def _lag(self) -> float:
        with urllib.request.urlopen(f"{self._service.environment['AWS_ENDPOINT_URL_REKOGNITION']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith("regard_streams_lag_seconds ")).split()[1])


def _topic(address: str) -> str:
    """The ARN of a topic at moto's SNS."""
    keys: dict[str, Any] = {"aws_access_key_id": "operator", "aws_secret_access_key": "secret"}
    client: Any = boto3.client("sns", endpoint_url=address, region_name="us-east-1", **keys)
    return str(client.create_topic(Name="AmazonRekognitionDoor")["TopicArn"])


@contextmanager
def _taking(sink: Sink) -> Iterator[str]:
    """The address of the webhook."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if sink.away:
                self.send_response(503)
            else:
                sink.came[body["type"], body["data"]["eventId"]] += 1
                self.send_response(204)
            self.end_headers()

        def log_message(self, *told: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()


@contextmanager
def _cameras() -> Iterator[list[int]]:
    """The ports of cameras, in a process of their own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_film, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()


def _film(report: Connection) -> None:
    from PIL import Image
    from skimage.data import astronaut

    portrait = Image.fromarray(astronaut()).resize((SIZE[1], SIZE[0]))
    picture = jpeg_of(np.asarray(portrait))
    with ExitStack() as stack:
        cameras = (mjpeg_camera(Filming([picture], pause=1 / RATE)) for _ in range(CAMERAS))
        report.send([stack.enter_context(camera) for camera in cameras])
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


def _quarters(values: list[float]) -> str:
    part = max(1, len(values) // 4)
    if not values:
        return "–"
    return f"{_share(values[:part], 0.5):.0f}, {_share(values[-part:], 0.5):.0f}"


if __name__ == "__main__":
    print(run(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES), "\n\n" + machine())
