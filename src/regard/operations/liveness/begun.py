"""A session that is streamed now, as operations, the wire and the judgement hand it on."""

from __future__ import annotations

from typing import NamedTuple

from regard.liveness.session import Session
from regard.liveness.sessions import Sessions
from regard.operations.common.registry import ours
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Operation
from regard.vision.liveness.challenge import Challenge

START = "StartFaceLivenessSession"


class Begun(NamedTuple):
    """A session in use, and what its client was asked to do, in a video of so many pixels."""

    session: Session
    challenge: Challenge
    width: int
    height: int


def sessions_of(rooms: Rooms) -> Sessions:
    """The sessions of all organizations."""
    assert rooms.liveness is not None
    return rooms.liveness


def starting() -> Operation:
    """The operation that a stream begins with. AWS's service model for operations does not have it."""
    return ours()[START]
