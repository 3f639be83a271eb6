"""A service on which sessions of liveness are allowed, as a motion of its council of one allows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

from regard.cli import main
from regard.operations.liveness import sessions
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.office import open_office
from regard.vision.liveness.challenge import Challenge, draw
from tests.helpers.running import Running, running
from tests.helpers.started import settings_in

SERVED = ("-m", "regard.cli", "serve", "--port", "0")
# What starts a service that draws the same challenge each time: a film can be made for it before it is posed.
DRAWN = ("-m", "tests.helpers.lively", "serve", "--port", "0")


def drawn(width: int, height: int, *, light: bool, random: object = None) -> Challenge:
    """The challenge of that service for a video of so many pixels."""
    return draw(width, height, light=light, random=Random(7))


@contextmanager
def lively(folder: Path, command: Sequence[str] = SERVED, **settings: str) -> Iterator[Running]:
    """Such a service until the end of the block."""
    with running(folder, None, command, **settings) as service:
        allow(folder)
        yield service


def allow(folder: Path) -> None:
    """Have the council of a data folder carry the motion."""
    office = open_office(settings_in(folder))
    try:
        council, signer = Council(office.engine), read_signer("operator", folder / "council.key")
        payload = {"capability": "liveness", "enabled": True}
        motion = council.draft(Kind.CAPABILITY, "People may show that they are there", payload, "operator")
        council.propose(motion.signed(signer))
        council.vote(motion, Vote.APPROVE, "", signer)
    finally:
        office.logbook.close()
        office.engine.dispose()


if __name__ == "__main__":
    with patch.object(sessions, "draw", drawn):
        main()
