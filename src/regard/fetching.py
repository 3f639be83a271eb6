"""What an address answers, whoever runs the server: so many bytes, within so many seconds, from nowhere else."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import IO, Any
from urllib.parse import urlsplit

_CHUNK = 1 << 16
_PORTS = {"http": 80, "https": 443}


class Unfetched(OSError):
    """An address did not answer as a server of good will does; the text says how."""


class TooLong(Unfetched):
    """An answer has more bytes than were asked for."""


def fetched(
    address: str,
    body: bytes | None = None,
    *,
    most: int,
    seconds: float,
    told: Callable[[int, int], None] = lambda _done, _all: None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """The status and the body of the answer to a GET of an http or https address, or to a POST of `body`.

    `headers` are sent beside those that such a request has. The body has `most` bytes at most, and all of it is there
    `seconds` after the connection stands; to connect may take as long again for each address of the host, and its name
    is looked up as the system does. A redirection is followed to the same scheme, host and port alone, and none after a
    POST. `told` is told of the bytes so far, and of those that were announced, or 0. Raises Unfetched, OSError for what
    cannot be reached, ValueError for no address.
    """
    watch = _Watch(seconds)
    opener = urllib.request.build_opener(_Plain(watch), _Secure(watch), _SameOrigin())
    try:
        try:
            answer = opener.open(urllib.request.Request(address, body, dict(headers or {})), timeout=seconds)
        except urllib.error.HTTPError as error:
            if error.fp is None:
                raise Unfetched(f"{address} answers {error.code} and nothing more") from None
            answer = error
        with answer:
            found = int(answer.status), _read(answer, address, most, told)
        if watch.over:
            # What was cut off looks like an end.
            raise TimeoutError
        if 300 <= found[0] < 400:
            raise Unfetched(f"{address} leads nowhere, or around in a circle ({found[0]})")
        return found
    except (HTTPException, OSError, ValueError) as error:
        if watch.over or isinstance(error, TimeoutError):
            raise Unfetched(f"{address} did not answer whole within {seconds:g} seconds") from None
        if isinstance(error, HTTPException):
            raise Unfetched(f"{address} does not answer as HTTP has it: {type(error).__name__}") from None
        raise
    finally:
        watch.close()


def _read(answer: Any, address: str, most: int, told: Callable[[int, int], None]) -> bytes:
    announced = answer.headers.get("Content-Length") or "0"
    size = int(announced) if announced.isascii() and announced.isdigit() and len(announced) < 20 else 0
    if size > most:
        raise TooLong(f"{address} announces {size:,} bytes, more than the {most:,} that are read")
    read = bytearray()
    while part := answer.read(_CHUNK):
        read += part
        if len(read) > most:
            raise TooLong(f"{address} gives more than the {most:,} bytes that are read")
        told(len(read), size)
    if len(read) < size:
        raise Unfetched(f"{address} ended after {len(read):,} of {size:,} bytes")
    return bytes(read)


class _Watch:
    """Ends the connections of one exchange when its time is up: each byte that dribbles in would begin it anew."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.over = False

    def begin(self, connected: socket.socket) -> None:
        """Count from now on for the first connection, and on for those after a redirection."""
        self._socket = connected
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._end)
            self._timer.daemon = True
            self._timer.start()
        elif self.over:
            raise TimeoutError

    def close(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.over = True
        if self._socket is not None:
            with suppress(OSError):
                # Not TLS's own, which would take the layer away from under whoever reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPConnection, self._watch), request)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPSConnection, self._watch), request)


def _watched(kind: type[HTTPConnection], watch: _Watch) -> Any:
    class Watched(kind):  # type: ignore[misc,valid-type]
        def connect(self) -> None:
            super().connect()
            watch.begin(self.sock)

    return Watched


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows where the address that was asked for leads on its own server, as a mirror's paths may."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.data is not None or _origin(newurl) != _origin(req.full_url):
            raise Unfetched(f"{req.full_url} leads away to {newurl[:200]!r}: if that is meant, give that address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _origin(address: str) -> tuple[str, str, int]:
    parts = urlsplit(address)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
