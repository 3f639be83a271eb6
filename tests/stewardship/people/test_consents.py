"""Receipts that are kept: which count, from when, and until when, in every process."""

from __future__ import annotations

import csv
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import insert

from regard.database import open_database
from regard.gallery.collections import tables as gallery
from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.people.consent import BadReceipt, Consent, NewConsent, Notice
from regard.stewardship.people.consent_imports import COLUMNS, load, read
from regard.stewardship.people.consents import Consents, NoSuchReceipt
from regard.stewardship.policy.call import Caller
from regard.stewardship.policy.enrolment import Enrolment
from regard.stewardship.records import tables
from tests.helpers.stewarding import Stewardship

NOTICE = Notice("2026-03", "en", "ab" * 32)
DAY = 86_400.0


class Office(Stewardship):
    """A room with consents, and an organization with the collection `members` for access control."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.consents = Consents(self.engine, self.logbook, lambda: self.now)
        self.club = self.caller("other")
        self.make("members", "access-control")

    def make(self, collection: str, purpose: str) -> None:
        columns = {"face_model": "1.0", "version": 0, "removed": 0, "faces": 0, "users": 0, "created_at": self.now}
        with self.engine.begin() as connection:
            row = {"organization": self.club.organization, "collection_id": collection} | columns
            made = connection.execute(insert(gallery.collections).values(row)).inserted_primary_key
            assert made
            tag = {"collection": made[0], "key": "regard:purpose", "value": purpose}
            connection.execute(insert(gallery.tags).values(tag))

    def drawn(self, subject: str = "alice", collection: str = "members", purpose: str = "access-control") -> Consent:
        return self.consents.draw_up(self.club.organization, NewConsent(subject, collection, purpose, NOTICE, 30))

    def add(self, *terms: str) -> str:
        return self.consents.attest(self.club, self.drawn(*terms)).consent.receipt_id

    def covered(self, subject: str = "alice", collection: str = "members") -> bool:
        return self.consents.covers(Enrolment(self.club.organization, collection, subject))

    def missing(self, subject: str = "alice") -> str:
        return self.consents.missing(Enrolment(self.club.organization, "members", subject), "access-control")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_receipt_covers_its_person_in_its_collection(office: Office) -> None:
    assert not office.covered()
    office.add()
    assert office.covered()
    assert not office.covered("bob")


@pytest.mark.parametrize("terms", [("alice", "others"), ("alice", "members", "photo-library")])
def test_a_receipt_for_another_collection_or_purpose_does_not_count(office: Office, terms: tuple[str, ...]) -> None:
    office.make("others", "access-control")
    office.add(*terms)
    assert not office.covered()


def test_a_receipt_counts_for_no_other_organization(office: Office) -> None:
    office.add()
    stranger = office.caller("other")
    assert not office.consents.covers(Enrolment(stranger.organization, "members", "alice"))
    with pytest.raises(NoSuchReceipt):
        office.consents.get(stranger.organization, office.add())


def test_a_receipt_counts_until_the_second_it_expires(office: Office) -> None:
    office.add()
    office.now += 30 * DAY - 1
    assert office.covered()
    office.now += 1
    assert not office.covered()


def test_a_withdrawal_counts_on_the_next_call_of_every_process(office: Office) -> None:
    receipt = office.add()
    another = Consents(open_database(office.url), office.logbook, lambda: office.now)
    assert another.covers(Enrolment(office.club.organization, "members", "alice"))
    office.consents.withdraw(office.club.organization, receipt)
    assert not another.covers(Enrolment(office.club.organization, "members", "alice"))
    assert not office.covered()


def test_a_withdrawal_stays_what_it_was(office: Office) -> None:
    receipt = office.add()
    first = office.consents.withdraw(office.club.organization, receipt)
    office.now += DAY
    assert office.consents.withdraw(office.club.organization, receipt) == first


def test_a_new_receipt_counts_after_a_withdrawal(office: Office) -> None:
    office.consents.withdraw(office.club.organization, office.add())
    office.add()
    assert office.covered()


def test_what_is_missing_names_the_receipt_why_and_the_command(office: Office) -> None:
    office.consents.withdraw(office.club.organization, office.add())
    office.add("alice", "members", "photo-library")
    said = office.missing()
    assert "Missing: alice, collection members, purpose access-control." in said
    assert "was withdrawn on 2027-01-15" in said
    assert "is for the purpose photo-library" in said
    assert "`regard consent add alice --collection members --purpose access-control --notice FILE`" in said
    assert "ExternalImageId" in office.missing("")


def test_a_persons_own_signature_is_kept_and_taken_once(office: Office) -> None:
    alice = Signer.generate("alice")
    note = sign_note(office.drawn().text, [alice]).decode()
    receipt = office.consents.take(office.club.organization, note, str(alice.verifier), "passport seen")
    kept = office.consents.get(office.club.organization, receipt.consent.receipt_id)
    assert (kept.proof.kind, kept.proof.key, kept.proof.note) == ("subject-key", str(alice.verifier), note)
    with pytest.raises(BadReceipt, match="already"):
        office.consents.take(office.club.organization, note, str(alice.verifier))


def test_an_organization_signs_with_the_key_that_is_registered(office: Office) -> None:
    note = sign_note(office.drawn().text, [Signer.generate("club")]).decode()
    with pytest.raises(BadReceipt, match="no key registered"):
        office.consents.take(office.club.organization, note)


def test_a_consent_to_somebody_else_or_from_the_future_is_refused(office: Office) -> None:
    stranger: Caller = office.caller("other")
    drawn = office.drawn()
    with pytest.raises(BadReceipt, match="not to"):
        office.consents.attest(stranger, drawn)
    office.now -= DAY
    with pytest.raises(BadReceipt, match="future"):
        office.consents.attest(office.club, drawn)


def test_giving_and_withdrawing_are_logged_without_the_person(office: Office) -> None:
    office.consents.withdraw(office.club.organization, office.add())
    logged = _log_of(office)
    assert logged.count(b'"kind":"regard/consent"') == 2
    assert b"alice" not in logged
    parts = office.logbook.payloads.about(office.club.organization, "external/alice")
    assert [part["change"] for part in parts.values()] == ["given", "withdrawn"]


def test_rows_are_taken_in_one_by_one_and_told(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    good = ["alice", "members", "access-control", "2026-03", "en", "ab" * 32, "30"]
    rows = [good, ["bob", *good[1:]], good, ["", *good[1:]], ["eve", *good[1:6], "4000"], ["é", *good[1:]]]
    with file.open("w", newline="") as text:
        csv.writer(text).writerows([COLUMNS, *rows])
    tried = load(office.consents, office.club, read(file), dry_run=True)
    assert (tried.entered, office.covered()) == (2, False)
    report = load(office.consents, office.club, read(file))
    assert (report.rows, report.entered, report.known) == (6, 2, 1)
    assert [row for row, _ in report.refused] == [4, 5, 6]
    assert "without subject" in report.refused[0][1]
    assert office.covered("bob")
    assert load(office.consents, office.club, read(file)).known == 3


def _log_of(office: Office) -> bytes:
    _, log = office.logbook.shards.current()
    return b"".join(log.entry(index) for index in range(log.publish().checkpoint.size))


def test_a_list_is_read_page_by_page(office: Office) -> None:
    # Two of them in the same second.
    given = []
    for number in range(5):
        office.now += number % 2
        given.append(office.add(f"person-{number // 3}"))
    everybody = [receipt.consent.receipt_id for receipt in office.consents.all(office.club.organization)]
    found, after = [], ""
    for most in (2, 2, 2):
        some, after = office.consents.page(office.club.organization, None, None, after, most)
        found.append([receipt.consent.receipt_id for receipt in some])
    assert ([len(some) for some in found], after) == ([2, 2, 1], "")
    assert [*chain(*found)] == everybody
    assert {*everybody} == {*given}
    newest = [office.consents.newest(office.club.organization, None, 2, skipped) for skipped in (0, 2, 4)]
    assert [each.consent.receipt_id for each in chain(*newest)] == everybody[::-1]
    assert [office.consents.number(office.club.organization, of) for of in (None, "person-1", "nobody")] == [5, 2, 0]
    of_one, after = office.consents.page(office.club.organization, "person-1", "members", "", 2)
    assert ([receipt.consent.pii_principal_id for receipt in of_one], after) == (["person-1"] * 2, "")
    with pytest.raises(NoSuchReceipt):
        office.consents.page(office.club.organization, None, None, "another's", 2)


def test_a_receipt_for_a_project_lets_its_person_be_trained_with_there_and_covers_no_collection(office: Office) -> None:
    receipt = office.add("alice", "project:members")

    def trained(project: str = "members", purpose: str = "access-control", person: str = "alice") -> bool:
        return office.consents.covers_training(office.club.organization, project, person, purpose)

    assert trained()
    assert not office.covered()
    assert not trained("others")
    assert not trained(purpose="photo-library")
    assert not trained(person="bob")
    office.now += 30 * DAY
    assert not trained()
    office.now -= DAY
    office.consents.withdraw(office.club.organization, receipt)
    assert not trained()


def test_faces_without_a_consent_that_counts_now_are_counted_and_an_edited_receipt_counts_for_nothing(
    office: Office,
) -> None:
    own = office.club.organization
    for number, person in enumerate(("alice", "alice", "bob", None)):
        _enrol(office, number, person)

    def without() -> int:
        return office.consents.without_consent(own, "members")

    assert without() == 4
    receipt = office.add("alice")
    assert without() == 2
    assert office.consents.without_consent(own, "others") == 0
    office.add("bob")
    assert without() == 1
    office.consents.withdraw(own, receipt)
    assert without() == 3
    with office.engine.begin() as connection:
        connection.execute(tables.consents.update().values(withdrawn_at=None))
    assert without() == 3


def _enrol(office: Office, number: int, person: str | None) -> None:
    row = {"face_id": str(number), "number": number, "subject": f"external/{person}", "external_image_id": person}
    row |= {"image_id": "i", "left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0, "confidence": 99.0}
    row |= {"template": b"", "face_model": "1.0", "source": b"", "created_at": 0.0}
    with office.engine.begin() as connection:
        where = gallery.collections.c.collection_id == "members"
        row["collection"] = connection.execute(gallery.collections.select().where(where)).scalar_one()
        connection.execute(insert(gallery.faces).values(row))
