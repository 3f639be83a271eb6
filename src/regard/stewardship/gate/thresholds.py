"""Thresholds and floors: how alike two faces must be for a match to be told, raised where a purpose asks for more.

All are similarities from 0 to 100, as the API gives them. What the log tells of them is in `accounts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from regard.stewardship.council.collections import Terms
from regard.stewardship.policy.call import Call, Capability, Operation
from regard.stewardship.policy.vocabulary import Purpose
from regard.stewardship.policy.withholding import threshold_of
from regard.vision.faces.similarity import calibration

RAISED = "x-regard-threshold"


@dataclass(frozen=True, slots=True)
class Floor:
    """The least threshold that is allowed, and for what, in words."""

    similarity: float
    why: str


def floor_for(call: Call, purpose: Purpose, least: float, terms: Terms) -> Floor:
    """The floor of a call: `least` for its purpose, or more in a large collection where rights are at stake."""
    floor = Floor(least, f"for {call.caller.purpose}")
    if purpose.rights and _looks_among(call.operation):
        among = _floor_among(terms)
        if among > floor.similarity:
            return Floor(among, f"{floor.why} in a collection of {terms.faces:,} faces")
    return floor


def given_threshold(call: Call) -> float | None:
    """The threshold that the call gives, if it gives one."""
    given = call.parameters.get(threshold_of(call.operation) or "")
    return None if given is None else float(given)


def apply_floor(call: Call, floor: Floor) -> float:
    """The threshold that counts, written into the parameters of a search or comparison where the floor raised it.

    One that is given is not raised: the policy refuses it where it is lower. An operation without one claims nothing,
    and counts as 100. What may be told keeps to :attr:`Call.floor`, also where there is no threshold.
    """
    name, usual = threshold_of(call.operation), call.operation.default
    call.floor = floor.similarity
    if name is None or not call.operation.judges:
        return 100.0
    given = call.parameters.get(name)
    if given is not None:
        # The policy in force decides whether a lower one is allowed; where it is, the floor goes no further.
        call.floor = min(floor.similarity, float(given))
        return float(given)
    if floor.similarity > usual:
        # A request that changes something may be sent again, and is known by what the caller gave.
        if not call.operation.compares:
            call.parameters[name] = floor.similarity
        call.remarks[RAISED] = f"{name} raised to {floor.similarity:g}, the floor {floor.why}"
    return max(floor.similarity, usual)


def _looks_among(operation: Operation) -> bool:
    """Whether it compares with the people of a collection: one call each with all of them comes to a search."""
    return operation.compares or operation.capability is Capability.IDENTIFY


def _floor_among(terms: Terms) -> float:
    """The least similarity at which few enough searches of a collection this large meet a false match, rounded up.

    Where no threshold is enough, the strictest that the calibration knows: two people confirm what is left.
    """
    known = calibration(terms.face_model or None)
    least = known.floor(max(terms.faces, 1)) or known.points[-1].similarity
    return math.ceil(round(10 * least, 6)) / 10
