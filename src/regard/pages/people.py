"""The pages for the people pictured: consents, one-time tokens, export and erasure, as functions of what is asked.

`people_api` serves them; the rules behind them are in `stewardship.people`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from regard.gallery.faces import subject as subject_of
from regard.pages.people_api import Asked, Nothing, Page
from regard.stewardship.people.access import Access
from regard.stewardship.people.consent import TEXT, BadReceipt, Consent, NewConsent, Receipt, Subject
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.erasure import Erasure
from regard.stewardship.people.matches.mismatches import THE_ORGANIZATION, THE_PERSON
from regard.stewardship.people.matches.notices import FoundNotices
from regard.stewardship.people.review import Reviews
from regard.stewardship.people.subject_tokens import Bearer, SubjectTokens
from regard.stewardship.policy.call import Caller, Capability, DataClass, Operation

# What one answer of a list holds: 0.2 MB, and the reading of each is a check of its seal.
MOST_RECEIPTS = 200
Name = Annotated[str, msgspec.Meta(max_length=128, pattern=TEXT)]


class SignedConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent as a signed note (c2sp.org/signed-note). `subject_key` is the person's public key, if theirs it is."""

    note: str
    subject_key: str | None = None


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """For whom a token is, how they were known, and for how many hours it works."""

    subject: Subject
    identity_check: Annotated[str, msgspec.Meta(max_length=1000, pattern=TEXT)]
    hours: float = 24


class Mismatch(msgspec.Struct, forbid_unknown_fields=True):
    """A match that is said to be false: a candidate, or what the search of a request told."""

    candidate: Name | None = None
    request: Name | None = None


def consent_pages(consents: Consents, tokens: SubjectTokens) -> list[Page]:
    """Receipts: drawn up, taken in, read, withdrawn; and tokens."""

    def draw(asked: Asked) -> Any:
        """Draw up a consent and answer the text to sign; nothing is kept."""
        return {"text": _drawn(asked).text}

    def attest(asked: Asked) -> Any:
        """Take in a consent that the holder of the access key vouches for."""
        assert isinstance(asked.by, Caller)
        return _plain(consents.attest(asked.by, _drawn(asked)))

    def take(asked: Asked) -> Any:
        """Take in a consent signed by the person's key or the organization's."""
        body: SignedConsent = asked.body
        check = ""
        if isinstance(asked.by, Bearer):
            if body.subject_key is None:
                raise BadReceipt("a person signs with a key of their own: give subject_key")
            asked.own(_subject_in(body.note))
            check = asked.by.identity_check
        return _plain(consents.take(asked.organization, body.note, body.subject_key, check))

    def listed(asked: Asked) -> Any:
        """List receipts, 200 at a time; `subject` and `collection` narrow it down, `after` is the `next` before."""
        subject = asked.by.subject if isinstance(asked.by, Bearer) else asked.query.get("subject")
        narrowed = asked.organization, subject, asked.query.get("collection")
        found, after = consents.page(*narrowed, asked.query.get("after", ""), MOST_RECEIPTS)
        return {"receipts": [_plain(receipt) for receipt in found]} | ({"next": after} if after else {})

    def shown(asked: Asked) -> Any:
        """One receipt."""
        return _plain(_of(asked))

    def withdraw(asked: Asked) -> Any:
        """Withdraw a consent: it counts no more from the next call on."""
        return _plain(consents.withdraw(asked.organization, _of(asked).consent.receipt_id))

    def issue(asked: Asked) -> Any:
        """Issue a token for a person whose identity was checked; it works once."""
        assert isinstance(asked.by, Caller)
        body: NewToken = asked.body
        return {"token": tokens.issue(asked.by, body.subject, body.identity_check, body.hours)}

    def _of(asked: Asked) -> Receipt:
        found = consents.get(asked.organization, asked.path["receipt"])
        asked.own(found.consent.pii_principal_id)
        return found

    def _drawn(asked: Asked) -> Any:
        body: NewConsent = asked.body
        asked.own(body.subject)
        return consents.draw_up(asked.organization, body)

    # A token opens what ExportSubject does: who may not read the one may not issue the other.
    issuing = Operation("IssueSubjectToken", Capability.READ, DataClass.TEMPLATES)
    return [
        Page("POST", "/consents/text", _managing("DrawUpConsent"), NewConsent, draw, token=True, uses_token=False),
        Page("POST", "/consents", _managing("AttestConsent"), NewConsent, attest, 201),
        Page("POST", "/consents/signed", _managing("AddConsent"), SignedConsent, take, 201, token=True),
        Page(
            "GET",
            "/consents",
            _reading("ListConsents"),
            Nothing,
            listed,
            token=True,
            query=("subject", "collection", "after"),
        ),
        Page("GET", "/consents/{receipt}", _reading("GetConsent"), Nothing, shown, token=True),
        Page("POST", "/consents/{receipt}/withdrawal", _managing("WithdrawConsent"), Nothing, withdraw, token=True),
        Page("POST", "/subject-tokens", issuing, NewToken, issue, 201),
    ]


def notice_pages(notices: FoundNotices) -> list[Page]:
    """Notices to people who were found."""

    def take(asked: Asked) -> Any:
        """Take the notices that are due: each names somebody who was found, with a token that opens /me once."""
        assert isinstance(asked.by, Caller)
        return {"page": "/me", "notices": msgspec.to_builtins(notices.take(asked.by))}

    # Each has a token, which opens what ExportSubject does.
    return [Page("POST", "/notices", Operation("TakeNotices", Capability.READ, DataClass.TEMPLATES), Nothing, take)]


def subject_pages(erasure: Erasure, access: Access, reviews: Reviews) -> list[Page]:
    """What a person may ask: what is held on them, and that it goes."""

    def export(asked: Asked) -> Any:
        """Everything that is held on a person, for programs and for people, with a signed note on both."""
        own = isinstance(asked.by, Bearer)
        if asked.unsigned:
            document, pictures = access.tell(asked.organization, _whose(asked), whole=not asked.refused)
            return {"document": msgspec.to_builtins(document), "pictures": msgspec.to_builtins(pictures if own else {})}
        found = access.export(asked.organization, _whose(asked), whole=not asked.refused, pictures=own)
        return msgspec.to_builtins(found) | {"document": msgspec.json.decode(found.json)}

    def erase(asked: Asked) -> Any:
        """Erase a person from every collection, for good; the answer says where the log tells of it."""
        erased = erasure.erase(asked.organization, _whose(asked))
        told = {name: value for name, value in msgspec.to_builtins(erased).items() if name != "written"}
        if erased.written is not None:
            place = f"{erased.written.period}/{erased.written.index}"
            told |= {"entry": place, "receipt": f"/log/{erased.written.period}/receipts/{erased.written.index}"}
        return told

    def not_me(asked: Asked) -> Any:
        """Mark a match as false: the two people are told apart. What is exported names candidates and requests."""
        body: Mismatch = asked.body
        if (body.candidate is None) == (body.request is None):
            raise ValueError("give either candidate or request")
        if body.candidate is not None:
            mismatch = reviews.not_me(asked.organization, _whose(asked), body.candidate, _said_by(asked))
        else:
            mismatch = reviews.false_match(asked.organization, _whose(asked), str(body.request), _said_by(asked))
        return msgspec.to_builtins(body) | {"outcome": "rejected", "mismatch": mismatch}

    def me_after_all(asked: Asked) -> Any:
        """Take back that a match was false; what is exported names mismatches."""
        reviews.take_back(asked.organization, asked.path["mismatch"], _said_by(asked), _whose(asked))
        return {"mismatch": asked.path["mismatch"], "outcome": "taken back"}

    def _said_by(asked: Asked) -> str:
        # What the organization says of its own accord is not the person's word, and neither is theirs to take back.
        return THE_PERSON if isinstance(asked.by, Bearer) else THE_ORGANIZATION

    def published(_: Asked) -> Any:
        """How many people are kept from being enrolled again, and how often that refuses somebody else."""
        return erasure.published()

    def _whose(asked: Asked) -> str:
        asked.own(asked.path["subject"])
        return subject_of(asked.path["subject"], "")

    held = Operation("ExportSubject", Capability.READ, DataClass.TEMPLATES)
    erasing = Operation("EraseSubject", Capability.MANAGE, DataClass.TEMPLATES)
    return [
        Page("GET", "/subjects/{subject}/export", held, Nothing, export, token=True),
        Page("POST", "/subjects/{subject}/erasure", erasing, Nothing, erase, token=True),
        Page("POST", "/subjects/{subject}/mismatches", _managing("RejectMatch"), Mismatch, not_me, token=True),
        Page(
            "POST",
            "/subjects/{subject}/mismatches/{mismatch}/withdrawal",
            _managing("TakeBackMismatch"),
            Nothing,
            me_after_all,
            token=True,
        ),
        Page("GET", "/suppressions", _reading("GetSuppressions"), Nothing, published, token=True, uses_token=False),
    ]


def _managing(name: str) -> Operation:
    return Operation(name, Capability.MANAGE, DataClass.SETTINGS)


def _reading(name: str) -> Operation:
    return Operation(name, Capability.READ, DataClass.SETTINGS)


def _plain(receipt: Receipt) -> Any:
    return msgspec.to_builtins(receipt)


def _subject_in(note: str) -> str:
    return Consent.parse(note.partition("\n\n")[0] + "\n").pii_principal_id
