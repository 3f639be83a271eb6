"""Decoding processes, begun: each is forked from one that has loaded what decodes films, and that starts at the first.

What they run in has nothing of our environment, and works in another folder.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import weakref
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from regard.vision.video.messages import Begun, Over, Request

_MOST_WORDS = 1024


class Gone(RuntimeError):
    """The process that decoders come from ended before it began one."""


class Decoder:
    """A process that decodes a film: its number, what it tells of the film, and what Python says of its errors."""

    def __init__(self, known: socket.socket, told: BinaryIO, errors: BinaryIO) -> None:
        self.told, self.errors = told, errors
        self._known = known
        self._over: Over | None = None
        self._lock = threading.Lock()
        begun = known.recv(_MOST_WORDS)
        if not begun:
            raise Gone
        self.pid = msgspec.json.decode(begun, type=Begun).pid

    def wait(self) -> Over:
        """How it ended, when it has."""
        with self._lock:
            if self._over is None:
                words = self._known.recv(_MOST_WORDS)
                # Nobody can say how it ended where what it came from was killed: it most likely was, too.
                self._over = msgspec.json.decode(words, type=Over) if words else Over(-9, 0.0, 0)
            return self._over

    def close(self) -> Over:
        """End it, whatever it is at."""
        if self._over is None:
            self._known.shutdown(socket.SHUT_WR)
        over = self.wait()
        for each in (self.told, self.errors, self._known):
            each.close()
        return over


class _Source(NamedTuple):
    """The process that decoders come from, who started it, and the socket by which it is asked."""

    process: subprocess.Popen[bytes]
    owner: int
    commands: socket.socket

    def close(self) -> None:
        """End it, in the process that started it; one that was forked from that lets go of it."""
        if self.owner == os.getpid():
            # Forked ones may hold the socket still.
            with suppress(OSError):
                self.commands.shutdown(socket.SHUT_RDWR)
            self.process.wait()
        self.commands.close()


class Decoders:
    """Begins decoding processes. Thread-safe; a process that was forked from this one has a source of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._source: _Source | None = None

    def begin(self, film: BinaryIO, request: Request) -> Decoder:
        """A process that decodes a film. Raises OSError and Gone where none can be started."""
        source = self._living(None)
        try:
            return _asked(source, film, request)
        except (Gone, ConnectionError):
            # It ends when it is idle, and may have been killed.
            return _asked(self._living(source), film, request)

    def _living(self, dead: _Source | None) -> _Source:
        """The source, started where there is none, or only one that is known to be dead."""
        with self._lock:
            if self._source is None or self._source is dead or self._source.owner != os.getpid():
                self._source = _started()
                weakref.finalize(self, self._source.close)
            return self._source


def _asked(source: _Source, film: BinaryIO, request: Request) -> Decoder:
    with ExitStack() as theirs, ExitStack() as ours:
        known, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.enter_context(known)
        theirs.enter_context(other)
        (told, to_tell), (errors, to_err) = os.pipe(), os.pipe()
        files = [ours.enter_context(os.fdopen(each, "rb")) for each in (told, errors)]
        for each in (to_tell, to_err):
            theirs.callback(os.close, each)
        words = msgspec.json.encode(request)
        socket.send_fds(source.commands, [words], [film.fileno(), to_tell, to_err, other.fileno()])
        theirs.close()
        begun = Decoder(known, *files)
        ours.pop_all()
        return begun


def _started() -> _Source:
    """A source. It gets none of our environment: there are keys in it."""
    # It works in another folder: what is relative here would be another place there.
    found = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
    given = {"PYTHONPATH": found, "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    words = [sys.executable, "-m", "regard.vision.video.forking"]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            words, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=given, cwd="/", close_fds=True
        )
    return _Source(process, os.getpid(), ours)
