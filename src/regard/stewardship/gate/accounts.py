"""The account of a call, for the public log: what for, what was decided, how many faces, never whose."""

from __future__ import annotations

from typing import Any

from regard.stewardship.logbook.entries import rounded
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.policy.call import Account, Call
from regard.stewardship.policy.withholding import threshold_of

ANSWERED, DENIED = "answered", "denied"
_MATCHES = ("FaceMatches", "UserMatches", "CelebrityFaces")
_FINDINGS = (
    *("FaceDetails", "FaceRecords", "UnindexedFaces", "FaceMatches", "UnmatchedFaces"),
    *("CelebrityFaces", "UnrecognizedFaces", "Persons"),
)
_MODEL = "ModelVersion"


def begun(call: Call) -> Account:
    """The account of a call of which nothing is decided yet."""
    renews = {} if call.renewal is None else {"renews": call.renewal.model}
    return {
        "operation": call.operation.name,
        "organization": call.caller.organization,
        "purpose": call.caller.purpose,
    } | renews


def threshold(call: Call, asked: float | None, applied: float) -> Account:
    """The threshold that was asked for and the one that counts, where the operation has one."""
    if threshold_of(call.operation) is None:
        return {}
    return {"threshold": {"asked": asked, "applied": applied}}


def ended(account: Account, outcome: str, answer: dict[str, Any], searched: int | None) -> Account:
    """The account of a call whose outcome is known. `searched` is the size of the gallery, told roughly."""
    counts = dict(account.get("counts", {}))
    if any(name in answer for name in _FINDINGS):
        counts.setdefault("found", sum(len(answer.get(name, ())) for name in _FINDINGS))
    if any(name in answer for name in _MATCHES):
        counts["matched"] = sum(len(answer.get(name, ())) for name in _MATCHES)
    if searched is not None:
        counts["searched"] = rounded(searched)
    models = account.get("models", {}) | {name: value for name, value in answer.items() if name.endswith(_MODEL)}
    rest = {"counts": counts, "models": models}
    return account | {"outcome": outcome} | {name: value for name, value in rest.items() if value}


def parts(call: Call) -> list[Part]:
    """The details of a call: one part on the call itself, and one on each person whom it enrolled or matched.

    Whom it matched stands in `call.people`: :func:`regard.operations.common.likeness.told` enters them.
    """
    organization, collection = call.caller.organization, call.parameters.get("CollectionId")
    own = {"request_id": call.request_id, "access_key_id": call.caller.access_key_id}
    own |= {name: told for name, told in (("person", call.person), ("case", call.case)) if told}
    named = {"collection": collection} if collection is not None else {}
    told = {"operation": call.operation.name, "request_id": call.request_id} | named
    if call.probe:
        told |= {"probe": call.probe, "purpose": call.caller.purpose}
    people = [Part(organization, told | details, f"{collection}/{whose}") for whose, details in call.people]
    return [Part(organization, own | named), *(people if collection is not None else ())]
