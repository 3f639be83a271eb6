"""The sessions of a measurement: which there are, and what is measured of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from regard.evaluation.liveness.sessions import ATTACKS, LIVE, session
from regard.evaluation.liveness.surfaces import Portrait, portrait
from regard.vision.liveness.looking import Finder, look
from regard.vision.liveness.measures import Measures, measures
from regard.vision.pictures.images import decode

Half = Literal["fit", "test"]
# A round has so many live sessions in each half, and so many of each attack: fifty rounds are 300 and 1,000.
LIVE_EACH, ATTACKS_EACH = 3, 2
ROUNDS = 50
_PICTURE = re.compile(r"face_(\d+)(_\d)?")


class Case(msgspec.Struct, frozen=True):
    """A session to be rendered: its kind, the person's number, the name of the picture, and the seed."""

    half: Half
    kind: str
    person: int
    picture: str
    seed: int


class Seen(msgspec.Struct, frozen=True):
    """A session, and what was measured of it."""

    case: Case
    measures: Measures


def cases(folder: Path, rounds: int = ROUNDS) -> Iterator[Case]:
    """The sessions of so many rounds, with the people of a folder of pictures `face_N…`: every other person is of the
    half that is fitted to, the rest of the one that is tested on. Any beginning of it has all kinds alike.
    """
    people: dict[int, list[str]] = {}
    for file in sorted(folder.glob("face_*.jpeg")):
        if found := _PICTURE.fullmatch(file.stem):
            people.setdefault(int(found[1]), []).append(file.name)
    numbers = sorted(people)
    halves: dict[Half, list[int]] = {"fit": numbers[::2], "test": numbers[1::2]}
    each = {LIVE: LIVE_EACH} | dict.fromkeys(ATTACKS, ATTACKS_EACH)
    for turn in range(rounds):
        for kind, many in each.items():
            for seed in range(turn * many, (turn + 1) * many):
                for half, those in halves.items():
                    pictures = people[those[seed % len(those)]]
                    yield Case(half, kind, those[seed % len(those)], pictures[seed // len(those) % len(pictures)], seed)


def measured(folder: Path, finder: Finder, rounds: int = ROUNDS, kept: Path | None = None) -> Iterator[Seen]:
    """Render and measure the sessions; about a second of a core each. What is `kept` in a file, a line a session, is
    not rendered again, and what is new is added to it.
    """
    done = {seen.case: seen for seen in _read(kept)} if kept else {}

    @lru_cache(maxsize=8)
    def seen_in(name: str) -> Portrait | None:
        return portrait(decode((folder / name).read_bytes()), finder)

    for case in cases(folder, rounds):
        if case in done:
            yield done[case]
            continue
        person = seen_in(case.picture)
        if person is None:
            continue
        made = session(case.kind, person, case.seed * 2 + (case.half == "test"))
        found = Seen(case, measures(look(made.frames, finder), made.challenge, made.told))
        if kept:
            with kept.open("ab") as file:
                file.write(msgspec.json.encode(found) + b"\n")
        yield found


def _read(kept: Path) -> list[Seen]:
    lines = kept.read_bytes().splitlines() if kept.exists() else []
    return [msgspec.json.decode(line, type=Seen) for line in lines]
