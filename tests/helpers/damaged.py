"""Films damaged where it hurts: lengths, numbers of headers, packets, and containers within containers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast

import av
import numpy as np
from av.container import InputContainer

# What holds other parts, of MP4 and of Matroska.
_HOLDERS = {
    *(b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"edts", b"dinf", b"mvex", b"moof", b"traf"),
    *(bytes.fromhex(name) for name in ("18538067", "1654AE6B", "AE", "E0", "1549A966", "1F43B675", "A0", "114D9B74")),
}
# What has sizes, durations, rates and counts in it.
_NUMBERED = {
    *(b"mvhd", b"mdhd", b"tkhd", b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"elst", b"stsd", b"stss"),
    *(bytes.fromhex(name) for name in ("B0", "BA", "4489", "2AD7B1", "E7", "23E383", "54B0", "54BA", "9B", "63A2")),
}
_ABSURD = (0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_DEPTHS = (1, 12, 400)


class Part(NamedTuple):
    """A box or element: its name, where it begins, where its length is and of how many bytes, its inside, its end."""

    name: bytes
    begin: int
    sized: int
    width: int
    inside: int
    end: int


@dataclass(frozen=True)
class Anatomy:
    """A whole film, its parts, and where its packets are."""

    data: bytes
    parts: list[Part]
    packets: list[tuple[int, int]]

    @classmethod
    def of(cls, data: bytes) -> Anatomy:
        """Of an MP4 or a Matroska file."""
        boxes = data[4:8] == b"ftyp"
        packets: list[tuple[int, int]] = []
        with cast(InputContainer, av.open(io.BytesIO(data))) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    at = data.find(bytes(packet))
                    packets += [(at, packet.size)] if at >= 0 else []
        return cls(data, list(_parts(data, 0, len(data), _box if boxes else _element)), packets)


def mutated(film: Anatomy, rng: np.random.Generator) -> bytes:
    """The film with one kind of damage, which the number of the generator chooses."""
    kinds = (_letters, _head, _cut, _doubled, _noise, _length, _nested, _number, _packet)
    return bytes(kinds[rng.integers(len(kinds))](film, bytearray(film.data), rng))


def _parts(data: bytes, begin: int, end: int, read: Callable[[bytes, int], Part | None]) -> Iterator[Part]:
    while begin < end and (part := read(data, begin)) and part.end <= end:
        yield part
        if part.name in _HOLDERS:
            yield from _parts(data, part.inside, part.end, read)
        begin = part.end


def _box(data: bytes, at: int) -> Part | None:
    length = int.from_bytes(data[at : at + 4], "big")
    return Part(data[at + 4 : at + 8], at, at, 4, at + 8, at + length) if length >= 8 else None


def _element(data: bytes, at: int) -> Part | None:
    named = 9 - data[at].bit_length()
    if at + named >= len(data) or not data[at + named]:
        return None
    width = 9 - data[at + named].bit_length()
    inside = at + named + width
    length = int.from_bytes(data[at + named : inside], "big") & ((1 << 7 * width) - 1)
    # One of a length that is not known goes on to the end.
    end = len(data) if length == (1 << 7 * width) - 1 else inside + length
    return Part(data[at : at + named], at, at + named, width, inside, end)


def _letters(_: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    for at in rng.integers(0, len(data), rng.integers(1, 40)):
        data[at] = rng.integers(256)
    return data


def _head(_: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    for at in rng.integers(0, min(len(data), 1200), rng.integers(1, 6)):
        data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
    return data


def _cut(_: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: rng.integers(1, len(data))]


def _doubled(_: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    at, length = rng.integers(len(data)), rng.integers(1, 2000)
    data[at:at] = data[rng.integers(len(data)) :][:length]
    return data


def _noise(_: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    at, length = rng.integers(len(data)), rng.integers(1, 4000)
    data[at : at + length] = rng.bytes(int(length))
    return data


def _length(film: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    """A part that says to be as long as it is not."""
    part = film.parts[rng.integers(len(film.parts))]
    bits = 8 * part.width if part.sized == part.begin else 7 * part.width
    told = (part.end - part.inside + int(rng.integers(-9, 10))) if rng.integers(2) else int(rng.choice(_ABSURD))
    marked = (told & ((1 << bits) - 1)) | (0 if bits % 8 == 0 and part.sized == part.begin else 1 << bits)
    data[part.sized : part.sized + part.width] = marked.to_bytes(part.width, "big")
    return data


def _nested(film: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    """A part within itself, many times; or the whole film within a part of it."""
    part = film.parts[rng.integers(len(film.parts))]
    inner = bytes(data[part.begin : part.end]) if rng.integers(3) else film.data
    for _ in range(rng.choice(_DEPTHS)):
        if part.sized == part.begin:
            inner = (len(inner) + 8).to_bytes(4, "big") + part.name + inner
        else:
            inner = part.name + b"\x01" + len(inner).to_bytes(7, "big") + inner
    data[part.begin : part.end] = inner
    return data


def _number(film: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    """Absurd sizes, durations, rates and counts."""
    numbered = [part for part in film.parts if part.name in _NUMBERED and part.end > part.inside]
    for _ in range(rng.integers(1, 4)):
        part = numbered[rng.integers(len(numbered))]
        width = min(4, part.end - part.inside)
        at = part.inside + width * int(rng.integers((part.end - part.inside) // width))
        data[at : at + width] = (int(rng.choice(_ABSURD)) & ((1 << 8 * width) - 1)).to_bytes(width, "big")
    return data


def _packet(film: Anatomy, data: bytearray, rng: np.random.Generator) -> bytearray:
    """Packets in each other's place, empty, or wrong at their beginning."""
    for _ in range(rng.integers(1, 8)):
        (at, size), (other, _) = (film.packets[each] for each in rng.integers(0, len(film.packets), 2))
        kept = int(rng.integers(size))
        match rng.integers(3):
            case 0:
                data[at : at + size] = film.data[other : other + size].ljust(size, b"\0")
            case 1:
                data[at + kept : at + size] = bytes(size - kept)
            case _:
                data[at : at + min(size, 16)] = rng.bytes(min(size, 16))
    return data
