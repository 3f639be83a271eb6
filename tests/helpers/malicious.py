"""Servers that mean no good: each says what it likes to whoever connects."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat

Says = Callable[[str], Iterator[bytes]]
"""What is sent for a path, part by part."""

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


class Hostile:
    """A server on this machine. `asked` are the request lines that came."""

    def __init__(self, says: Says, pause: float = 0.0, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self._says = says
        self._pause = pause
        self._tls = tls
        self._ending = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}"

    def work(self) -> None:
        """Answer until closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._ending.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), self._tls.wrap_socket(connection, True) if self._tls else connection as connection:
            line = connection.makefile("rb").readline().decode()
            self.asked.append(line.strip())
            for part in self._says(line.split()[1]):
                if self._ending.wait(self._pause):
                    return
                connection.sendall(part)


@contextmanager
def hostile(says: Says, pause: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """A server that sends what `says` gives for a path, each part after `pause` seconds."""
    server = Hostile(says, pause, tls)
    thread = threading.Thread(target=server.work, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def dribbled_body(_path: str) -> Iterator[bytes]:
    """An answer without end, a byte at a time."""
    yield OK
    yield from repeat(b"x")


def dribbled_head(_path: str) -> Iterator[bytes]:
    """A head without end, a byte at a time."""
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    yield from repeat(b"x")


def endless(_path: str) -> Iterator[bytes]:
    """More than anybody can hold, as fast as it goes."""
    yield OK
    yield from repeat(bytes(1 << 20))


def nonsense(_path: str) -> Iterator[bytes]:
    """What is no HTTP."""
    yield b"\x00\xff" * 100 + b"\r\n\r\n"


def leading(to: str) -> Says:
    """A redirection."""
    return lambda _path: iter([f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()])
