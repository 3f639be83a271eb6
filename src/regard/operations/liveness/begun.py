"""A session that is streamed now, as operations, the wire and the judgement hand it on."""

from __future__ import annotations

from typing import NamedTuple

from regard.liveness.session import Session
from regard.liveness.sessions import Sessions
from regard.operations.common.registry import ours
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Capability, Operation
from regard.vision.liveness.challenge import Challenge


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
    """The operation that a stream begins with: of those on liveness the one that AWS's service model does not have."""
    (found,) = (each for each in ours().values() if each.capability is Capability.LIVENESS)
    return found
