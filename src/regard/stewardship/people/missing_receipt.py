"""What to tell whoever enrols a person without a consent receipt that counts; whether one counts, `consents` says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from regard.stewardship.people.consent import Receipt
from regard.stewardship.policy.enrolment import Enrolment


def missing_receipt(kept: Sequence[Receipt], enrolment: Enrolment, purpose: str, now: float) -> str:
    """Which receipt is missing, why those `kept` of the person do not count at `now`, the command that adds one."""
    person, collection = enrolment.person, enrolment.collection
    if not person:
        return "The call names nobody: give the ExternalImageId of the person pictured."
    near = [_short_of(receipt, collection, purpose, now) for receipt in kept]
    why = f" There is one that {'; one that '.join(near)}." if near else ""
    command = shlex.join(
        ["regard", "consent", "add", person, "--collection", collection, "--purpose", purpose, "--notice", "FILE"]
    )
    return f"Missing: {person}, collection {collection}, purpose {purpose}.{why} `{command}` adds it."


def _short_of(receipt: Receipt, collection: str, purpose: str, now: float) -> str:
    consent = receipt.consent
    if consent.collection != collection:
        return f"is for the collection {consent.collection}"
    if consent.purpose != purpose:
        return f"is for the purpose {consent.purpose}"
    return receipt.ended(now) or "counts, but the collection was made for another purpose"
