"""Which frames of a film are looked at: of each multiple of an interval the last frame at or before it.

Undocumented at AWS, but what its answers show: two a second, 467 and 967 ms at 29.97 frames a second, 8480 and 9000 at
25. A frame that stands for longer than the interval is looked at once. To see those takes fewer packets than a film
has: :class:`Thrift` says which, of H.264.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

Kept = TypeVar("Kept")
# Packets that are read ahead of what is decoded, and their bytes: a second of 120 frames.
_AHEAD, _MOST_AHEAD = 128, 8 << 20
# Kinds of units of a packet (ITU-T H.264, table 7-1): the slices of pictures; those of an instantaneous refresh, behind
# which nothing looks; and what means nothing for other packets.
_SLICES, _REFRESH, _BESIDE = frozenset({1, 2, 3, 4, 5}), 5, frozenset({6, 9, 12})


class Sampled(NamedTuple, Generic[Kept]):
    """A frame that was chosen: its number from 0 on, its time in whole milliseconds, floored, and the frame."""

    number: int
    milliseconds: int
    frame: Kept


class Sampler(Generic[Kept]):
    """Chooses among frames as they come. Times are exact seconds from the film's first frame on.

    An `interval` of 0 milliseconds chooses every frame.
    """

    def __init__(self, interval: int) -> None:
        self._step = Fraction(interval, 1000)
        self._due = Fraction(0)
        self._last: Sampled[Kept] | None = None
        self.frames = 0
        self.time = Fraction(0)

    def add(self, time: Fraction, frame: Kept) -> Iterator[Sampled[Kept]]:
        """The frame before this one, where it is chosen. A time before the last one counts as the last one."""
        self.time = max(self.time, time)
        yield from self._chosen(before=self.time)
        self._last = Sampled(self.frames, int(self.time * 1000), frame)
        self.frames += 1

    def end(self, lasting: Fraction) -> Iterator[Sampled[Kept]]:
        """The last frame, where it is chosen; it lasts for so many seconds."""
        self.time += lasting
        yield from self._chosen(before=self.time)
        self._last = None

    def _chosen(self, before: Fraction) -> Iterator[Sampled[Kept]]:
        if self._last is None:
            return
        if not self._step:
            yield self._last
        elif self._due < before:
            yield self._last
            self._due = (before / self._step).__ceil__() * self._step


class Unforeseen(Exception):
    """What comes out of a film is not what its packets promised: it has to be decoded whole."""


class _Unit(NamedTuple):
    """A packet: whether it has pictures alone, others may refer to it, and nothing later looks behind it."""

    packet: Any
    plain: bool
    referred: bool
    refreshes: bool


class Thrift:
    """Leaves out packets of an H.264 film of which no frame is chosen, and on which none rests that is.

    Those are what no other frame refers to, and what comes after the last chosen frame before a refresh. Only what was
    read counts: a packet is left out where one of those read ahead has a later frame for the same multiple of the
    interval. So the frames that are chosen, and their times, are those of the film decoded whole. Where a packet is not
    what it should be, or a frame does not come that should, :class:`Unforeseen` is raised.
    """

    def __init__(self, interval: int, base: Fraction, prefix: int) -> None:
        """`interval` is in milliseconds, `base` what a tick is in seconds; `prefix` bytes say how long a unit is."""
        self._step = Fraction(interval, 1000) / base
        self._prefix = prefix
        self._start: int | None = None
        # By multiple of the interval, the last time that a packet has; and the times of frames that did not come yet,
        # each with whether it is to come.
        self._last: dict[int, int] = {}
        self._coming: list[tuple[int, bool]] = []
        self._ahead: deque[_Unit] = deque()

    def needed(self, packets: Iterator[Any]) -> Iterator[Any]:
        """The packets to be decoded, in sequence. They have a `pts`, a `size`, `is_discard`, and their bytes."""
        held, behind = 0, False
        for packet in packets:
            self._ahead.append(self._unit(packet))
            held += packet.size
            while self._ahead and (len(self._ahead) > _AHEAD or held > _MOST_AHEAD):
                held -= self._ahead[0].packet.size
                behind = yield from self._next(behind)
        while self._ahead:
            behind = yield from self._next(behind)

    def before(self, time: int | None) -> Iterator[int]:
        """Of a frame that came: the times of those before it that were left out."""
        if time is None:
            raise Unforeseen
        if self._start is None:
            self._begin(time)
        while self._coming and self._coming[0][0] < time:
            earlier, comes = heapq.heappop(self._coming)
            if comes:
                raise Unforeseen
            yield earlier
        if not self._coming or heapq.heappop(self._coming) != (time, True):
            raise Unforeseen
        for multiple in [each for each in self._last if each < self._multiple(time)]:
            del self._last[multiple]

    def end(self) -> None:
        """No more frame comes."""
        if self._coming:
            raise Unforeseen

    def _next(self, behind: bool) -> Generator[Any, None, bool]:
        """The next packet, where it is needed; whether it lies `behind` the last one that is before a refresh."""
        unit = self._ahead.popleft()
        spare = self._spare(unit)
        behind = spare and ((behind and not unit.refreshes) or (unit.referred and self._none_before_a_refresh()))
        left_out = spare and (behind or not unit.referred)
        if unit.packet.size and not unit.packet.is_discard:
            heapq.heappush(self._coming, (unit.packet.pts, not left_out))
        if not left_out:
            yield unit.packet
        return behind

    def _none_before_a_refresh(self) -> bool:
        for unit in self._ahead:
            if unit.refreshes:
                return True
            if not self._spare(unit):
                return False
        return False

    def _spare(self, unit: _Unit) -> bool:
        if self._start is None or not unit.plain:
            return False
        time: int = unit.packet.pts
        return time < self._last.get(self._multiple(time), time)

    def _multiple(self, time: int) -> int:
        """At or before which multiple of the interval a frame stands."""
        assert self._start is not None
        return -((self._start - time) * self._step.denominator // self._step.numerator)

    def _begin(self, start: int) -> None:
        """Times count from the first frame that came; of what is before it nothing comes from a whole film either."""
        self._start = start
        while self._coming and self._coming[0][0] < start:
            heapq.heappop(self._coming)
        for time in [each for each, _ in self._coming] + [each.packet.pts for each in self._ahead if each.plain]:
            self._note(time)

    def _note(self, time: int) -> None:
        if self._start is not None:
            multiple = self._multiple(time)
            self._last[multiple] = max(time, self._last.get(multiple, time))

    def _unit(self, packet: Any) -> _Unit:
        if not packet.size or packet.is_discard:
            return _Unit(packet, plain=False, referred=True, refreshes=False)
        if packet.pts is None:
            raise Unforeseen
        self._note(packet.pts)
        kinds, referred = self._kinds(bytes(packet))
        return _Unit(packet, kinds <= _SLICES | _BESIDE, referred, _REFRESH in kinds)

    def _kinds(self, data: bytes) -> tuple[set[int], bool]:
        """The kinds of the units of a packet, and whether other pictures may refer to one of them."""
        kinds, referred, at = set[int](), False, 0
        while at < len(data):
            length = int.from_bytes(data[at : at + self._prefix], "big")
            at += self._prefix
            if not 0 < length <= len(data) - at:
                raise Unforeseen
            kind = data[at] & 31
            kinds.add(kind)
            referred |= kind in _SLICES and data[at] >> 5 > 0
            at += length
        return kinds, referred
