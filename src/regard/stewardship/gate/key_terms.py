"""What an access key may ask at all, before the policy is asked: its own terms, the purpose's, and the council's stops.

How keys are issued and kept is in `parties.keys`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from regard.stewardship.council.collections import Terms
from regard.stewardship.gate.snapshot import Snapshot
from regard.stewardship.policy.call import Call, Capability
from regard.stewardship.policy.denied import APPEAL, Denied
from regard.stewardship.policy.vocabulary import Purpose

MOST_FACES_A_PICTURE = 100


def check_key(call: Call, snapshot: Snapshot, terms: Terms, now: float) -> None:
    """Raise Denied where the key does not go so far, or the council stopped what is asked."""
    caller, name = call.caller, call.operation.name
    if caller.organization not in snapshot.parties:
        raise Denied("unknown-principal", "The organization that holds this key is not registered.")
    if caller.loopback_only and not call.loopback:
        raise Denied(
            "loopback-only",
            "This key works from the service's own machine alone: by localhost or 127.0.0.1, and no proxy between.",
            appeal="`regard keys issue` makes a key that works from elsewhere.",
        )
    if not caller.may_call(name):
        raise Denied("key-scope", f"This key was not issued for {name}.", appeal="ask for another key.")
    check_stop(call.operation.capability, snapshot, now)
    if caller.most_faces is not None and brings_faces(call):
        _check_size(call, caller.most_faces - terms.faces)


def _check_size(call: Call, room: int) -> None:
    if room <= 0:
        raise Denied(
            "development-size",
            f"A key for {call.caller.purpose} fills a collection to {call.caller.most_faces} faces.",
            appeal="ask for a key that states what the faces are for.",
        )
    if room < MOST_FACES_A_PICTURE:
        call.parameters["MaxFaces"] = min(room, call.parameters.get("MaxFaces", room))


def check_stop(capability: Capability, snapshot: Snapshot, now: float) -> None:
    """Raise Denied where the council, or one of its members for a while, stopped a capability."""
    if capability in snapshot.law.suspended:
        raise Denied("suspended", f"The council suspended the capability {capability}.", appeal=APPEAL)
    for stop in snapshot.suspensions:
        if stop.capability == capability and stop.stands(snapshot.law.lifted, now):
            until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(stop.ends))
            sentence = f"{stop.member} stopped the capability {capability} until {until}: {stop.reason}"
            raise Denied("suspended", sentence, appeal=APPEAL)


def check_purpose(call: Call, purposes: Mapping[str, Purpose]) -> None:
    """Raise Denied where a purpose reserves the operation, or is reserved to others."""
    name, own = call.operation.name, purposes[call.caller.purpose].operations
    if own and name not in own:
        raise Denied("purpose-scope", f"A key for {call.caller.purpose} calls {', '.join(own)} and nothing else.")
    others = [purpose for purpose, each in purposes.items() if name in each.operations]
    if others and not own:
        raise Denied("purpose-scope", f"{name} is for keys with the purpose {', '.join(others)}.")


def brings_faces(call: Call) -> bool:
    """Whether a picture brings faces into a collection; users and associations only name those there.

    What comes from another collection, or a file of one, is judged face by face.
    """
    given = call.parameters
    return call.operation.capability is Capability.ENROL and "Image" in given and "Source" not in given
