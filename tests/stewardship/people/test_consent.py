"""A consent: what is in it, and whose signature is below it."""

from __future__ import annotations

import json

import pytest

from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.people.consent import (
    BadReceipt,
    Consent,
    Controller,
    NewConsent,
    Notice,
    ProofKind,
    draw_up,
    signed,
)

NOTICE = Notice("2026-03", "en", "ab" * 32)
CLUB = Controller("111122223333", "A club")
NOW = 1_800_000_000.0


def _drawn(days: int = 30) -> Consent:
    return draw_up(CLUB, NewConsent("alice", "members", "photo-library", NOTICE, days), NOW)


def test_a_consent_is_read_back_from_the_text_that_is_signed() -> None:
    consent = _drawn()
    assert Consent.parse(consent.text) == consent


def test_it_names_subject_controller_notice_purpose_collection_and_term() -> None:
    told = json.loads(_drawn().text.partition("\n")[2])
    assert told["schema_version"] == "ISO/IEC TS 27560:2023"
    assert (told["pii_principal_id"], told["pii_controller"]["name"]) == ("alice", "A club")
    assert (told["purpose"], told["collection"]) == ("photo-library", "members")
    assert (told["given"], told["expires"]) == ("2027-01-15T08:00:00Z", "2027-02-14T08:00:00Z")
    assert told["privacy_notice"]["sha256"] == "ab" * 32


@pytest.mark.parametrize("field", ["pii_principal_id", "pii_controller", "privacy_notice", "purpose", "expires"])
def test_a_release_with_a_field_missing_is_none(field: str) -> None:
    told = json.loads(_drawn().text.partition("\n")[2])
    del told[field]
    with pytest.raises(BadReceipt, match=field):
        Consent.parse("regard.consent/v1\n" + json.dumps(told) + "\n")


@pytest.mark.parametrize("days", [0, -1, 1096])
def test_a_term_is_from_one_day_to_three_years(days: int) -> None:
    with pytest.raises(BadReceipt, match="1095 days"):
        _drawn(days)


def test_the_persons_own_key_vouches() -> None:
    alice = Signer.generate("alice")
    note = sign_note(_drawn().text, [alice]).decode()
    consent, proof = signed(note, str(alice.verifier), ProofKind.SUBJECT, "passport seen")
    assert (consent.pii_principal_id, proof.kind, proof.identity_check) == ("alice", "subject-key", "passport seen")


def test_a_changed_word_or_another_key_does_not_count() -> None:
    alice, mallory = Signer.generate("alice"), Signer.generate("alice")
    note = sign_note(_drawn().text, [alice]).decode()
    for bad, key in ((note.replace("photo-library", "research"), alice), (note, mallory)):
        with pytest.raises(BadReceipt, match="does not count"):
            signed(bad, str(key.verifier), ProofKind.SUBJECT)


def test_another_order_of_the_same_words_is_not_what_was_drawn_up() -> None:
    told = json.loads(_drawn().text.partition("\n")[2])
    with pytest.raises(BadReceipt, match="canonical"):
        Consent.parse("regard.consent/v1\n" + json.dumps(told) + "\n")
