"""Attestations: an organization signs the list of its end customers, until a date. The list follows from `edges`."""

from __future__ import annotations

import json
import time

from regard.ledger.tree.notes import NoteError, Verifier, open_note
from regard.stewardship.parties.organization import Organization
from regard.stewardship.parties.organizations import Organizations

_FORM = "regard.end-customers/v1"
MOST_DAYS = 366


class BadAttestation(ValueError):
    """An attestation that does not count; the text says why and what to sign."""


def declaration(organizations: Organizations, organization: str, until: int) -> str:
    """The text to sign: every end customer that is declared now, until a time in seconds since 1970."""
    return _text(organization, organizations.edges.end_customers(organization), until)


def attest(organizations: Organizations, organization: str, note: bytes, now: float | None = None) -> Organization:
    """Accept a signed declaration. Raises BadAttestation unless it is what is declared, signed and in time."""
    now = time.time() if now is None else now
    known = organizations.get(organization)
    if known.verifier is None:
        raise BadAttestation(f"{known.name} has no key registered to verify its signature with")
    try:
        text = open_note(note, [Verifier.parse(known.verifier)]).text
        body = json.loads(text.partition("\n")[2])
        customers, until = list(body["end_customers"]), int(body["until"])
    except (NoteError, ValueError, KeyError, TypeError) as error:
        raise BadAttestation(f"the attestation cannot be read: {error}") from None
    if not now < until <= now + MOST_DAYS * 86_400:
        raise BadAttestation(f"an attestation holds from now on for at most {MOST_DAYS} days")
    if text != _text(organization, customers, until):
        raise BadAttestation("what was signed is no declaration of this organization")
    if not organizations.edges.attest(organization, note, until, customers):
        raise BadAttestation("what was signed is not the list of end customers that is declared")
    return organizations.get(organization)


def _text(organization: str, customers: list[str], until: int) -> str:
    body = {"organization": organization, "end_customers": customers, "until": until}
    return f"{_FORM}\n{json.dumps(body, sort_keys=True)}\n"
