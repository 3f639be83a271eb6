"""Twelve kinds of hostile strangers, as a process of its own: `python -m tests.helpers.hostile HOST PORT KEY-ID`.

Each line `COUNT RATE` on its standard input is a wave: so many connections, so many a second, of all kinds in turn. It
is answered by a line once the last of the wave was opened. At the end of the input whoever is left is waited for, and
what came of each kind is printed as JSON: the status of the answer, `hung up`, or `left` where the stranger lost
patience.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

# The strangers have an address of their own; and how long each waits for what does not come, in seconds.
ADDRESS, PATIENCE = "127.0.0.2", 12.0
# Whom the service hangs up on after ten seconds waits for that, however busy the machine is with other tests.
TIMED, TIMED_PATIENCE = ("a head that drips", "silence"), 22.0
_BODY = 64 * 1024
_HOST = b"host: localhost\r\n"

Kind = Callable[[StreamReader, StreamWriter, str], Awaitable[str]]


async def _answer(reader: StreamReader) -> str:
    """The status of what is answered."""
    head = await reader.readline()
    return head.split()[1].decode() if head else "hung up"


def _saying(request: bytes) -> Kind:
    """Somebody who says this, and waits for an answer."""

    async def say(reader: StreamReader, writer: StreamWriter, _: str) -> str:
        writer.write(request)
        return await _answer(reader)

    return say


async def _drip(reader: StreamReader, writer: StreamWriter, _: str) -> str:
    """A head that comes byte by byte."""
    answer = asyncio.ensure_future(_answer(reader))
    writer.write(b"POST / HTTP/1.1\r\nx: ")
    while not answer.done():
        writer.write(b"y")
        await asyncio.sleep(0.5)
    return await answer


async def _idle_after_an_answer(reader: StreamReader, writer: StreamWriter, _: str) -> str:
    """One question, and then nothing."""
    writer.write(b"GET /healthz HTTP/1.1\r\n" + _HOST + b"\r\n")
    status = await _answer(reader)
    await asyncio.sleep(PATIENCE / 2)
    return status


async def _half_a_body_in_anothers_name(reader: StreamReader, writer: StreamWriter, key: str) -> str:
    """A signature that is none, by a key whose id is known, and half of the body that it is over."""
    now = datetime.now(UTC)
    head = [
        b"POST / HTTP/1.1",
        b"host: localhost",
        b"content-type: application/x-amz-json-1.1",
        b"x-amz-target: RekognitionService.ListCollections",
        f"x-amz-date: {now:%Y%m%dT%H%M%SZ}".encode(),
        f"authorization: AWS4-HMAC-SHA256 Credential={key}/{now:%Y%m%d}/us-east-1/rekognition/aws4_request, ".encode()
        + b"SignedHeaders=host;x-amz-date;x-amz-target, Signature="
        + b"0" * 64,
        b"content-length: %d" % _BODY,
    ]
    writer.write(b"\r\n".join([*head, b"", b"{" * (_BODY // 2)]))
    return await _answer(reader)


async def _unread(reader: StreamReader, writer: StreamWriter, _: str) -> str:
    """Pages asked for one after the other, of which none is read."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write((b"GET /metrics HTTP/1.1\r\n" + _HOST + b"\r\n") * 4)
    await asyncio.sleep(PATIENCE / 2)
    return "left"


_MEDIA = b"content-type: application/x-amz-json-1.1\r\n"
_POST = b"POST / HTTP/1.1\r\n" + _HOST
KINDS: dict[str, Kind] = {
    "many headers": _saying(_POST + b"x: y\r\n" * 200 + b"\r\n"),
    "a long header": _saying(_POST + b"x: " + b"y" * 60_000 + b"\r\n\r\n"),
    "a long target": _saying(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n"),
    "a head that drips": _drip,
    "silence": _saying(b""),
    "silence after an answer": _idle_after_an_answer,
    "two lengths": _saying(_POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
    "a length and chunks": _saying(
        _POST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /readyz HTTP/1.1\r\n\r\n"
    ),
    "a body without a signature": _saying(_POST + _MEDIA + b"content-length: %d\r\n\r\n" % _BODY + b"{" * _BODY),
    "half a body in another's name": _half_a_body_in_anothers_name,
    "pages that are not there": _saying(b"GET /stewardship/v1/../../etc HTTP/1.1\r\n" + _HOST + b"\r\n"),
    "pages that are not read": _unread,
}


class Strangers:
    """Opens connections of every kind in turn, and counts what came of them."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self.outcomes: dict[str, Counter[str]] = {name: Counter() for name in KINDS}
        self._place, self._key = (host, port), key
        self._opened = 0
        self._waiting: set[asyncio.Task[None]] = set()

    async def wave(self, count: int, rate: float) -> None:
        """So many, so many a second."""
        loop = asyncio.get_running_loop()
        begun, names = loop.time(), list(KINDS)
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
            task = loop.create_task(self._one(names[self._opened % len(names)]))
            self._opened += 1
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def end(self) -> None:
        """Wait for whoever is left."""
        await asyncio.gather(*self._waiting)

    async def _one(self, name: str) -> None:
        writer = None
        try:
            async with asyncio.timeout(TIMED_PATIENCE if name in TIMED else PATIENCE):
                reader, writer = await asyncio.open_connection(*self._place, local_addr=(ADDRESS, 0))
                outcome = await KINDS[name](reader, writer, self._key)
        except TimeoutError:
            outcome = "left"
        except OSError:
            outcome = "hung up"
        self.outcomes[name][outcome] += 1
        if writer is not None:
            writer.transport.abort()


async def _main(host: str, port: str, key: str) -> None:
    # Strangers have machines of their own: the cores here are the service's first.
    os.nice(19)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    strangers = Strangers(host, int(port), key)
    while line := await asyncio.to_thread(sys.stdin.readline):
        count, rate = line.split()
        await strangers.wave(int(count), float(rate))
        print("opened", flush=True)
    with suppress(TimeoutError):
        await asyncio.wait_for(strangers.end(), 2 * PATIENCE)
    print(json.dumps(strangers.outcomes), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
