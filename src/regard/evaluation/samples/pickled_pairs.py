"""Pickled verification sets, of whoever made them: read in a process of its own, with bounds on memory and time.

A pickle may ask for any size in a few bytes, and for anything by its name. Nothing it asks for is given: of NumPy's
arrays and numbers only what lies in the file is taken, by classes of ours that stand in for them. This module is what
the process runs, and so imports little.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

_SECONDS, _BYTES_A_SECOND = 60.0, 1 << 20
# What a reader may take: room for itself, and so many times what the file holds. A picture that is listed twice may be
# in the file once.
_ROOM, _TIMES = 1 << 28, 4
_HEAD = struct.Struct("<QQ")
_REFUSED = 3


class NotPairs(ValueError):
    """A file is no pickle of pictures and labels; the text says why."""


class Pairs(NamedTuple):
    """Pictures, as the bytes of their files, and of each two that follow each other whether they show one person."""

    pictures: list[bytes]
    same: list[bool]


def read_pairs(file: Path) -> Pairs:
    """What a pickled file holds. Raises NotPairs, OSError."""
    size = file.stat().st_size
    seconds = _SECONDS + size / _BYTES_A_SECOND
    # Without the folder that we are in, which may hold modules of somebody else's.
    command = [sys.executable, "-P", "-m", __name__, str(size)]
    with file.open("rb") as given:
        child = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    with contextlib.closing(_Ending(child, seconds)) as ending, child:
        told = child.stdout.read(_most(size) + 1)
        if len(told) > _most(size):
            child.kill()
        said = child.stderr.read(1 << 16).decode(errors="replace").strip()
    if ending.over:
        raise NotPairs(f"it was not read within {seconds:g} seconds")
    if child.returncode == _REFUSED:
        raise NotPairs(said)
    if child.returncode:
        raise NotPairs("reading it takes more memory or time than a file of its size may take")
    return _unpacked(told)


def _most(size: int) -> int:
    """The most bytes that are told of a file of this size: pictures, the length of each, and labels."""
    return _HEAD.size + (_TIMES + 9) * size + 1


class _Ending:
    """Ends a process after so many seconds."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        self.over = False
        self._child = child
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.over = True
        self._child.kill()


def _packed(pairs: Pairs) -> Iterator[bytes]:
    yield _HEAD.pack(len(pairs.pictures), len(pairs.same))
    yield struct.pack(f"<{len(pairs.pictures)}Q", *map(len, pairs.pictures))
    yield bytes(pairs.same)
    yield from pairs.pictures


def _unpacked(data: bytes) -> Pairs:
    pictures, labels = _HEAD.unpack_from(data)
    lengths = struct.unpack_from(f"<{pictures}Q", data, _HEAD.size)
    place = _HEAD.size + 8 * pictures
    same = [bool(label) for label in data[place : place + labels]]
    place += labels
    found = []
    for length in lengths:
        found.append(data[place : place + length])
        place += length
    return Pairs(found, same)


# From here on, what the process does.


def main() -> int:
    """Read a pickle of so many bytes from standard input, and write what it holds to standard output."""
    size = int(sys.argv[1])
    _bound(size)
    try:
        pairs = _pairs(_Unpickler(sys.stdin.buffer, encoding="bytes").load(), size)
    except MemoryError:
        raise
    except Exception as error:  # A pickle can have any of our functions raise anything.
        print(error, file=sys.stderr)
        return _REFUSED
    for part in _packed(pairs):
        sys.stdout.buffer.write(part)
    return 0


def _bound(size: int) -> None:
    """Take no more memory than a file of this size may need, no more time, and write no file."""
    seconds = int(_SECONDS + size / _BYTES_A_SECOND)
    bounds = [(resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)]
    with contextlib.suppress(FileNotFoundError):
        # The memory that this process has: elsewhere than on Linux it is not told, nor is the bound kept.
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bounds.append((resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + _ROOM + 2 * _TIMES * size))
    for kind, most in bounds:
        resource.setrlimit(kind, (most, most))


def _pairs(read: Any, size: int) -> Pairs:
    if not isinstance(read, list | tuple) or len(read) != 2:
        raise NotPairs("it is not two lists")
    listed, labels = read
    listed, labels = _items(listed), _items(labels)
    if not all(isinstance(label, int) for label in labels):
        raise NotPairs("its labels are not numbers")
    pictures: list[bytes] = []
    total = 0
    for picture in listed:
        data = picture.data if isinstance(picture, _Array) else picture
        if not isinstance(data, bytes | bytearray):
            raise NotPairs("its pictures are not bytes")
        total += len(data)
        if total > _TIMES * size or len(pictures) >= size:
            raise NotPairs("it lists the same pictures over and over")
        pictures.append(bytes(data))
    return Pairs(pictures, [bool(label) for label in labels[: size + 1]])


def _items(listed: Any) -> Sequence[Any]:
    if isinstance(listed, _Array):
        return listed.items()
    if isinstance(listed, list | tuple):
        return listed
    raise NotPairs("it is not two lists")


class _Type:
    """Stands in for numpy.dtype: the kind, the bytes and the order of numbers."""

    def __init__(self, code: Any, _align: Any = False, _copy: Any = False) -> None:
        text = code.decode("ascii") if isinstance(code, bytes) else str(code)
        if len(text) != 2 or text[0] not in "biu" or text[1] not in "1248":
            raise NotPairs(f"it has numbers of the type {text[:20]!r}")
        self.signed, self.bytes, self.little = text[0] == "i", int(text[1]), True

    def __setstate__(self, state: Any) -> None:
        self.little = state[1] not in (">", b">")

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.little else "big", signed=self.signed)


class _Array:
    """Stands in for numpy.ndarray, with what lay in the file."""

    data: bytes = b""
    _type: _Type | None = None
    _listed: list[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, _, kind, _, data = state
        if isinstance(kind, _Type) and isinstance(data, bytes | bytearray):
            self._type, self.data = kind, bytes(data)
        else:
            raise NotPairs("it has arrays of other things than numbers")

    def items(self) -> list[int]:
        if self._type is None:
            return []
        size = self._type.bytes
        return [self._type.number(self.data[at : at + size]) for at in range(0, len(self.data), size)]


def _reconstructed(_kind: Any, _shape: Any, _code: Any) -> _Array:
    return _Array()


def _scalar(kind: Any, data: Any = b"") -> int:
    if not isinstance(kind, _Type) or not isinstance(data, bytes) or len(data) > kind.bytes:
        raise NotPairs("it has a number that is none")
    return kind.number(data)


def _bytearray(data: Any = b"", encoding: Any = "latin1") -> bytes:
    return _encoded(data, encoding) if isinstance(data, str) else bytes(memoryview(data))


def _encoded(text: str, encoding: Any) -> bytes:
    """What Python 2 wrote its bytes as under newer protocols: Latin-1 text."""
    if encoding not in ("latin1", "latin-1"):
        raise NotPairs(f"it asks for text in {encoding}")
    return text.encode("latin1")


_STANDING_IN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encoded,
    ("builtins", "bytearray"): _bytearray,
    ("__builtin__", "bytearray"): _bytearray,
}
for _module in ("numpy._core.multiarray", "numpy.core.multiarray"):
    _STANDING_IN |= {(_module, "_reconstruct"): _reconstructed, (_module, "scalar"): _scalar}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STANDING_IN:
            return _STANDING_IN[module, name]
        raise NotPairs(f"it asks for {module}.{name}, which is neither a picture nor a label")


if __name__ == "__main__":
    sys.exit(main())
