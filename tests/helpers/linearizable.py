"""Whether what several clients were told about one face could have come from one service that does one thing at a time.

The algorithm of Wing and Gong, with the states that were seen remembered. A face is there, under an id, or it is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Face = str | None
# There, under an id that nobody was told.
UNTOLD = "?"


@dataclass(frozen=True, slots=True)
class Event:
    """A call: `index`, `delete`, `search` or `missing`, from when to when, for which id, and what was answered.

    One whose answer never came may have been carried out at any time from its start on, or never.
    """

    kind: str
    start: float
    end: float = math.inf
    asked: Face = None
    told: Face | bool = None

    @property
    def answered(self) -> bool:
        return self.end < math.inf


def linearizable(events: Sequence[Event], first: Face = None) -> bool:
    """Whether there is an order of these calls, each between its start and its end, that explains every answer."""
    told = sum(1 << place for place, event in enumerate(events) if event.answered)
    waiting: list[tuple[int, Face]] = [(0, first)]
    seen = set(waiting)
    while waiting:
        done, state = waiting.pop()
        if done & told == told:
            return True
        left = [place for place in range(len(events)) if not done >> place & 1]
        latest = min(events[place].end for place in left)
        for place in left:
            if events[place].start > latest:
                continue
            for after in _after(events[place], state):
                found = done | 1 << place, after
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return False


def _after(event: Event, state: Face) -> Iterator[Face]:
    """The states that the call may leave behind, none where it could not have been answered so."""
    match event.kind:
        case "index" if not event.answered:
            yield UNTOLD if state is None else state
        case "index" | "search" if state == UNTOLD:
            if isinstance(event.told, str):
                yield event.told
        case "index":
            if state in (None, event.told):
                yield str(event.told)
        case "search":
            if state == event.told:
                yield state
        case "missing":
            if state != event.asked:
                yield state
        case "delete":
            if state in (event.asked, UNTOLD) and event.told is not False:
                yield None
            if state != event.asked and event.told is not True:
                yield state
