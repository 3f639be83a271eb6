"""Connections: HTTP/1.1 as uvicorn reads it, within bounds on what somebody unknown may cost before a line is signed.

What is signed has bounds of its own in :mod:`regard.wire.callers` and :mod:`regard.wire.app`.
"""

from __future__ import annotations

import fcntl
import resource
import termios
from array import array
from asyncio import BaseTransport, TimerHandle, Transport
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from regard.addresses import network_of
from regard.wire.live.upgraded import Upgraded, is_stream

# Of the request line and all header lines of one request. Signed requests of the SDKs have below 3 KiB and 20 lines.
MOST_HEAD, MOST_HEADERS, MOST_TARGET = 32 * 1024, 100, 8 * 1024
# From the opening of a connection, or the first byte of a later request, to the end of the head.
HEAD_SECONDS = 10.0
# Of what waits to be read, a client has to read so much in that time: half a kilobyte a second.
READ_SECONDS, LEAST_READ = 30.0, 16 * 1024
# In all; and how many descriptors are left for the files, databases and stores of the calls under way.
MOST_CONNECTIONS, RESERVED = 4096, 128


class Connections:
    """How many connections are open, in all and of each address: at most `most`, and half of them of one address.

    Addresses of IPv6 count by their /64. With `shared` addresses, which a proxy's are, only all of them count.
    """

    def __init__(self, most: int = MOST_CONNECTIONS, *, shared: bool = False) -> None:
        self._most = most
        self._most_of_one = most if shared else max(1, most // 2)
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    def admit(self, address: str) -> bool:
        """Count one more, if there is room."""
        address = network_of(address)
        if len(self) >= self._most or self._open[address] >= self._most_of_one:
            return False
        self._open[address] += 1
        return True

    def release(self, address: str) -> None:
        """Count one less."""
        address = network_of(address)
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


def room_for_connections() -> int:
    """How many connections the process has descriptors for, beside those in reserve; it takes all that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + RESERVED
    if soft < wanted:
        soft = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    # With so few descriptors that there is no reserve, half of them are one.
    return min(MOST_CONNECTIONS, max(soft - RESERVED, soft // 2))


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A head that is too large is answered with 431, one that takes too long with 408; both close."""

    admitted: ClassVar[Connections] = Connections()

    _address: str | None = None
    _refused = False
    _in_head = False
    _deadline: TimerHandle | None = None
    _unread: TimerHandle | None = None
    # Bytes of the head that were told; and how many came since the parser told of an end of a head or of a body's part.
    _told = 0
    _waiting = 0

    def counted_as(self, address: str) -> None:
        """It was admitted already, as one of this address."""
        self._address = address

    def give_back(self) -> None:
        """Give its place back, once."""
        if self._address is not None:
            self.admitted.release(self._address)
            self._address = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection, or where there is no room hang up."""
        super().connection_made(cast(Transport, transport))
        address = self.client[0] if self.client else ""
        if self._address is None and self.admitted.admit(address):
            self.counted_as(address)
        if self._address is not None:
            self._expect_head()
        else:
            self._refused = True
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the room back."""
        self._head_is_whole()
        self._forget_unread()
        self.give_back()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the connection was refused."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()
        self._waiting += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return
            # There is nothing to change to: the request is answered as it stands.
        except httptools.HttpParserError:
            # Without a line in the log, which a stranger could fill.
            self._refuse(HTTPStatus.BAD_REQUEST, "Invalid HTTP request received.")
            return
        if self._told > MOST_HEAD or self._waiting > MOST_HEAD or len(self.headers or ()) > MOST_HEADERS:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._told, self._in_head = 0, True

    def on_url(self, url: bytes) -> None:
        """A part of the target was read."""
        self._told += len(url)
        if len(self.url) + len(url) > MOST_TARGET:
            self._told = MOST_HEAD + 1
        else:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header was read, or after a body a trailer, which nobody here reads: it shall not pass for a header."""
        self._told += len(name) + len(value)
        if self._in_head and self._told <= MOST_HEAD and len(self.headers) <= MOST_HEADERS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head was read: the request is answered, if its head is within bounds."""
        self._in_head = False
        self._head_is_whole()
        if self._told > MOST_HEAD or len(self.headers) > MOST_HEADERS:
            self._refuse_head()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body was read."""
        self._waiting = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request was read."""
        self._head_is_whole()
        if not self._refused:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """More waits to be read by the client than is kept for it: it has to go on reading."""
        super().pause_writing()
        self._watch_unread()

    def resume_writing(self) -> None:
        """The client read on."""
        super().resume_writing()
        self._forget_unread()

    def on_response_complete(self) -> None:
        """An answer was given; one that ends the connection has to be read."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_unread()

    def timeout_keep_alive_handler(self) -> None:
        """The connection idled for too long."""
        super().timeout_keep_alive_handler()
        self._watch_unread()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, with the place that it has."""
        self._head_is_whole()
        self._forget_unread()
        super().handle_websocket_upgrade()
        held, self._address = self._address, None
        if held is not None:
            cast(Upgraded, self.transport.get_protocol()).take_over(lambda: self.admitted.release(held))

    def _should_upgrade(self) -> bool:
        # On a connection that still owes an answer, nothing else begins.
        free = self.cycle is None or self.cycle.response_complete
        return free and not self._refused and is_stream(self.url) and super()._should_upgrade()

    def _watch_unread(self) -> None:
        """Hang up on who does not read on. What little fits into the system's buffer waits for nobody here."""
        if self._unread is None and self.transport.get_write_buffer_size():
            self._unread = self.loop.call_later(READ_SECONDS, self._look_unread, self._waits())

    def _look_unread(self, before: int) -> None:
        self._unread = None
        if self._waits() > max(before - LEAST_READ, 0):
            self.transport.abort()
        else:
            self._watch_unread()

    def _waits(self) -> int:
        """How many bytes the client has not taken yet, here and in the system, which takes much at once."""
        waits, sent = self.transport.get_write_buffer_size(), array("i", [0])
        with suppress(OSError, ValueError):
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, sent)
        return waits + sent[0]

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _head_is_whole(self) -> None:
        self._waiting = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_head(self) -> None:
        told = (
            f"The head of a request may have {MOST_HEAD} bytes, {MOST_HEADERS} headers and a target of {MOST_TARGET}."
        )
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, told)

    def _refuse(self, status: HTTPStatus, told: str = "") -> None:
        if self._refused:
            return
        self._refused = True
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        head += f"content-length: {len(told)}\r\nconnection: close\r\n\r\n"
        self.transport.write((head + told).encode())
        self.transport.close()
        self._watch_unread()


def protocol(admitted: Connections) -> type[BoundedProtocol]:
    """The protocol of the connections of one server."""
    members: dict[str, Any] = {"admitted": admitted}
    return type("Connection", (BoundedProtocol,), members)
