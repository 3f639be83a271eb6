"""The process that decoders come from: `python -m regard.vision.video.forking`, a socket on its standard input.

It has loaded what decodes films, which takes longer than a short film does, and forks itself for each: what decodes one
film has no other, and is gone with it. It looks at no film itself, and ends with whoever asks it, or when nobody has
asked for long. :mod:`regard.vision.video.decoders` asks.

A request comes with four files: the film, where to tell of it, where Python says its errors, and a socket by which the
process is known. On that one its number is told, and when it is over, how it ended; at its other end's closing the
process is killed.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import traceback
from typing import NoReturn

import msgspec

from regard.vision.video import decoding
from regard.vision.video.live import packets
from regard.vision.video.messages import Begun, Over, Request

FILES = 4
MOST_WORDS = 4096
_IDLE_SECONDS = 600.0


class Forks:
    """Forks a process for each request, and tells whoever asked of its end."""

    def __init__(self, commands: socket.socket) -> None:
        self._commands = commands
        self._selector = selectors.DefaultSelector()
        self._selector.register(commands, selectors.EVENT_READ)
        # By the socket that a process is known by: its number, and the file that says that it is over.
        self._running: dict[socket.socket, tuple[int, int]] = {}

    def run(self) -> None:
        """Fork until nobody asks any more, and leave no process."""
        while self._turn():
            pass
        for number, _ in self._running.values():
            os.kill(number, signal.SIGKILL)

    def _turn(self) -> bool:
        """Do what is to be done next; false when there is nothing more to do, ever."""
        ready = self._selector.select(None if self._running else _IDLE_SECONDS)
        for key, _ in ready:
            known: socket.socket | None = key.data
            if known is None:
                if not self._fork():
                    return False
            elif known in self._running:
                if key.fileobj is known:
                    os.kill(self._running[known][0], signal.SIGKILL)
                self._tell(known)
        return bool(ready)

    def _fork(self) -> bool:
        words, files, _, _ = socket.recv_fds(self._commands, MOST_WORDS, FILES)
        if not words:
            return False
        number = os.fork()
        if not number:
            _decode(words, files)
        for file in files[:-1]:
            os.close(file)
        known, over = socket.socket(fileno=files[-1]), os.pidfd_open(number)
        self._running[known] = number, over
        self._selector.register(known, selectors.EVENT_READ, known)
        self._selector.register(over, selectors.EVENT_READ, known)
        _send(known, Begun(number))
        return True

    def _tell(self, known: socket.socket) -> None:
        number, over = self._running.pop(known)
        _, status, used = os.wait4(number, 0)
        code = os.waitstatus_to_exitcode(status)
        for each in (known, over):
            self._selector.unregister(each)
        os.close(over)
        _send(known, Over(code, used.ru_utime + used.ru_stime, used.ru_maxrss))
        known.close()


def _send(known: socket.socket, message: Begun | Over) -> None:
    try:
        known.send(msgspec.json.encode(message))
    except OSError:
        # Whoever asked is gone.
        return


def _decode(words: bytes, files: list[int]) -> NoReturn:
    """What a forked process does: it has the film on standard input, and no other file of this process."""
    code = 1
    try:
        for place, file in enumerate(files[:-1]):
            os.dup2(file, place)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        request = msgspec.json.decode(words, type=Request)
        (packets if request.codec else decoding).decode(request)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main() -> None:
    """Load what decodes, and fork."""
    # It ends when its socket closes; keys that a person presses are meant for whoever asked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    decoding.warm()
    packets.warm()
    with socket.socket(fileno=os.dup(0)) as commands:
        Forks(commands).run()


if __name__ == "__main__":
    main()
