"""A consent as a value: what a person agreed to, in which words, signed by whom. `consents` is the register of all.

The record has the shape of ISO/IEC TS 27560:2023: who is pictured, who is responsible, which notice was shown, for
what purpose and how long. It is signed by the person's own key or by the organization's. Illinois BIPA 15(b) asks for
the same in writing: a release with a field missing is none.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Note, NoteError, Verifier, open_note
from regard.stewardship.council.collections import MOST_DAYS

SCHEMA: Final = "ISO/IEC TS 27560:2023"
_FORM = "regard.consent/v1"

# What IndexFaces takes as an ExternalImageId.
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9_.\-:]+$")]
# Of a project of custom labels it is `project:NAME`, which no collection is called.
CollectionId = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^(project:)?[a-zA-Z0-9_.\-]+$")]
Ratio = Annotated[float, msgspec.Meta(ge=-1, le=2)]
# PostgreSQL keeps no text with a NUL character.
TEXT = r"^[^\x00]*$"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=TEXT)]
# As long as those of keys.
Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=TEXT)]


_TERM = f"a consent ends after it begins, and at most {MOST_DAYS} days after it"


class BadReceipt(ValueError):
    """What is no consent receipt; the text says which part, and what it should be."""


class ProofKind(StrEnum):
    """Who vouches for a consent: the person's key, the organization's, or the access key that a request came with."""

    SUBJECT = "subject-key"
    ORGANIZATION = "organization-key"
    REQUEST = "access-key"


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text that was shown: its version, its language (as in BCP 47) and its SHA-256."""

    version: Words
    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Controller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The organization that is responsible."""

    id: Annotated[str, msgspec.Meta(pattern=r"^\d{12}$")]
    name: Words


class ReferenceFace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which face of which picture is the person's: the picture's SHA-256 and the box, in ratios of its sides."""

    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    box: tuple[Ratio, Ratio, Ratio, Ratio]


class Consent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person agreed to. `suppression` and `portrait` are separate consents: to keep one
    sealed template after erasure, and a sealed crop of the face that reviewers of matches compare with.
    """

    schema_version: Literal["ISO/IEC TS 27560:2023"]
    receipt_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    pii_principal_id: Subject
    pii_controller: Controller
    privacy_notice: Notice
    lawful_basis: Literal["consent"]
    pii_type: Literal["face template"]
    purpose: Purpose
    collection: CollectionId
    given: datetime
    expires: datetime
    reference: ReferenceFace | None = None
    suppression: bool = False
    portrait: bool = False

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{_FORM}\n{canonical(msgspec.to_builtins(self)).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Consent:
        """Read what was signed. Raises BadReceipt."""
        form, _, body = text.partition("\n")
        if form != _FORM:
            raise BadReceipt(f"the text of a consent begins with the line {_FORM}")
        try:
            consent = msgspec.json.decode(body, type=cls)
        except msgspec.ValidationError as error:
            raise BadReceipt(f"not a consent: {error}") from None
        except msgspec.DecodeError as error:
            raise BadReceipt(f"not JSON: {error}") from None
        if consent.text != text:
            raise BadReceipt("the text is not canonical JSON (RFC 8785): sign it as it was drawn up")
        if consent.given.tzinfo is None or consent.expires.tzinfo is None:
            raise BadReceipt("times carry their zone, as in 2026-03-01T12:00:00Z")
        # The difference: what is added to a date may be no date.
        if not timedelta(0) < consent.expires - consent.given <= timedelta(days=MOST_DAYS):
            raise BadReceipt(_TERM)
        return consent


class NewConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent to be drawn up."""

    subject: Subject
    collection: CollectionId
    purpose: Purpose
    notice: Notice
    days: int = 365
    reference: ReferenceFace | None = None
    suppression: bool = False
    portrait: bool = False


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who vouched. `key` is a verifier or an access key's id; `note` what it signed, nothing for an access key.

    `identity_check` is how the organization knew whom it gave a one-time token to, where one was used.
    """

    kind: ProofKind
    key: str
    note: str = ""
    identity_check: str = ""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A consent as it is kept: with its proof, and when it was withdrawn, if it was.

    `changed` says that it is not as it was taken in: somebody edited it in the database.
    """

    consent: Consent
    proof: Proof
    withdrawn: datetime | None = None
    changed: bool = False

    def ended(self, now: float) -> str:
        """Why it does not count at `now`, in seconds since 1970; empty while it does."""
        if self.changed:
            return "was changed in the database, not by the service"
        if self.withdrawn is not None:
            return f"was withdrawn on {self.withdrawn:%Y-%m-%d}"
        if self.consent.expires.timestamp() <= now:
            return f"expired on {self.consent.expires:%Y-%m-%d}"
        return ""


def draw_up(controller: Controller, asked: NewConsent, now: float) -> Consent:
    """A consent to be signed, which counts from `now`, in seconds since 1970, for `asked.days`. Raises BadReceipt."""
    if not 0 < asked.days <= MOST_DAYS:
        raise BadReceipt(_TERM)
    given = datetime.fromtimestamp(now, UTC)
    drawn = Consent(
        schema_version=SCHEMA,
        receipt_id=secrets.token_hex(16),
        pii_principal_id=asked.subject,
        pii_controller=controller,
        privacy_notice=asked.notice,
        lawful_basis="consent",
        pii_type="face template",
        purpose=asked.purpose,
        collection=asked.collection,
        given=given,
        expires=given + timedelta(days=asked.days),
        reference=asked.reference,
        suppression=asked.suppression,
        portrait=asked.portrait,
    )
    return Consent.parse(drawn.text)


def signed(note: str, key: str, kind: ProofKind, identity_check: str = "") -> tuple[Consent, Proof]:
    """The consent in a signed note, and its proof: the note verifies with `key`. Raises BadReceipt."""
    try:
        opened = open_note(note.encode(), [Verifier.parse(key)])
    except NoteError as error:
        raise BadReceipt(f"the signature does not count: {error}") from None
    return Consent.parse(opened.text), Proof(
        kind, key, Note(opened.text, opened.signatures).encode().decode(), identity_check
    )
