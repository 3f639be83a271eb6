"""The register of consents: given, withdrawn, looked up on every call. What a single one says is in `consent`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, bindparam, delete, func, select, tuple_

from regard.database import asking, reading
from regard.gallery.collections import tables as gallery
from regard.gallery.faces import Box
from regard.gallery.faces import subject as subject_of
from regard.reader import Reader
from regard.stewardship.council.collections import PURPOSE
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.parties.organization import Organization
from regard.stewardship.parties.organization_rows import read_organizations
from regard.stewardship.parties.organizations import UNNAMED
from regard.stewardship.people.consent import (
    BadReceipt,
    Consent,
    Controller,
    NewConsent,
    Proof,
    ProofKind,
    Receipt,
    draw_up,
    signed,
)
from regard.stewardship.people.missing_receipt import missing_receipt
from regard.stewardship.policy.call import Caller
from regard.stewardship.policy.enrolment import Enrolment
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_sealed, update_sealed

KIND = "regard/consent"
_of = tables.consents.c
_log = logging.getLogger(__name__)


class NoSuchReceipt(LookupError):
    """The organization has no consent receipt of this id."""


class Consents:
    """Takes in, finds and ends consents. Thread-safe.

    Every answer is read from the database, so that a withdrawal counts from the next call on in every process.
    """

    def __init__(self, engine: Engine, logbook: Logbook, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._logbook = logbook
        self._clock = clock
        # What is done once somebody withdrew.
        self.after: Callable[[], object] = lambda: None
        self._held: frozenset[tuple[Any, ...]] = frozenset()
        covering = _counting(_kept()).where(_of.subject == bindparam("subject"))
        self._covering, self._columns = Reader(engine, covering), [column.name for column in covering.selected_columns]

    def covers(self, enrolment: Enrolment) -> bool:
        """Whether a consent of this person to this collection and its purpose counts now."""
        given = {
            "organization": enrolment.organization,
            "collection": enrolment.collection,
            "subject": enrolment.person,
        }
        rows = self._covering.rows(now=self._clock(), **given)
        return any(self._holds(dict(zip(self._columns, row, strict=True))) for row in rows)

    def covers_training(self, organization: str, project: str, person: str, purpose: str) -> bool:
        """Whether a consent counts now that lets a project train with this person's pictures, for its purpose.

        Its collection is `project:NAME`; everything else is as for an enrolment.
        """
        given = self.all(organization, person, f"project:{project}")
        return any(each.consent.purpose == purpose and not each.ended(self._clock()) for each in given)

    def without_consent(self, organization: str, collection: str) -> int:
        """How many faces of a collection are of nobody named, or of somebody without a consent that counts now."""
        of, faces = gallery.collections.c, gallery.faces.c
        there = (
            select(faces.external_image_id, func.count())
            .join(gallery.collections, of.id == faces.collection)
            .where(of.organization == organization, of.collection_id == collection)
            .group_by(faces.external_image_id)
        )
        asked = {"organization": organization, "collection": collection, "now": self._clock()}
        with reading(self._engine) as connection:
            enrolled = connection.execute(there).all()
            given = connection.execute(_counting(_kept()), asked).all()
        # A receipt that is as it was when its seal was last checked is not checked again: this is asked for each frame.
        held = {tuple(row): row for row in given if tuple(row) in self._held or self._holds(row._asdict())}
        self._held = frozenset(held)
        covered = {row.subject for row in held.values()}
        return sum(number for person, number in enrolled if person not in covered)

    def reference(self, enrolment: Enrolment, sha256: str) -> Box | None:
        """Where a consent that counts now says that its person is, in the picture of this digest, in hexadecimal."""
        for receipt in self.all(enrolment.organization, enrolment.person, enrolment.collection):
            shown = receipt.consent.reference
            if shown is not None and shown.sha256 == sha256 and not receipt.ended(self._clock()):
                return shown.box
        return None

    def given_since(self, organization: str, subject: str, at: float) -> bool:
        """Whether a person consented after `at` to being enrolled anywhere, and that counts now."""
        found = self.all(organization, subject)
        return any(each.consent.given.timestamp() > at and not each.ended(self._clock()) for each in found)

    def agreed_to_suppression(self, organization: str, subject: str) -> bool:
        """Whether a person agreed, in a consent that was not withdrawn, that a template outlives their erasure."""
        return any(each.consent.suppression and not each.withdrawn for each in self.all(organization, subject))

    def agreed_to_portrait(self, enrolment: Enrolment) -> bool:
        """Whether a person agreed, in a consent that counts now, that a crop of their face is kept for reviewers."""
        found = self.all(enrolment.organization, enrolment.person, enrolment.collection) if enrolment.person else []
        return any(each.consent.portrait and not each.ended(self._clock()) for each in found)

    def missing(self, enrolment: Enrolment, purpose: str) -> str:
        """What to tell whoever lacks a receipt: which one, why those there do not count, the command that adds it."""
        kept = self.all(enrolment.organization, enrolment.person) if enrolment.person else []
        return missing_receipt(kept, enrolment, purpose, self._clock())

    def draw_up(self, organization: str, asked: NewConsent) -> Consent:
        """A consent for somebody to sign. Raises BadReceipt."""
        controller = self._organization(organization)
        return draw_up(Controller(controller.id, controller.name), asked, self._clock())

    def attest(self, caller: Caller, consent: Consent) -> Receipt:
        """Take in a consent that the holder of an access key vouches for. Raises BadReceipt."""
        return self._take(caller.organization, consent, Proof(ProofKind.REQUEST, caller.access_key_id))

    def take(self, organization: str, note: str, subject_key: str | None = None, identity_check: str = "") -> Receipt:
        """Take in a consent as a signed note: by the person's key where it is given, else by the organization's.

        Raises BadReceipt.
        """
        known = self._organization(organization)
        key = subject_key or known.verifier
        if key is None:
            raise BadReceipt(f"{known.name} has no key registered to verify its signature with")
        kind = ProofKind.SUBJECT if subject_key else ProofKind.ORGANIZATION
        return self._take(organization, *signed(note, key, kind, identity_check))

    def carried(self, connection: Connection, organization: str, collection: str) -> list[bytes]:
        """What goes along with a collection to another service: the consents that count now, of who is in it."""
        there = select(gallery.faces.c.external_image_id).where(gallery.faces.c.collection == gallery.collections.c.id)
        counting = _counting(_kept()).where(_of.subject.in_(there))
        asked = {"organization": organization, "collection": collection, "now": self._clock()}
        receipts = (self._receipt(row) for row in connection.execute(counting, asked))
        return [msgspec.json.encode(receipt) for receipt in receipts if not receipt.changed]

    def enter(self, caller: Caller, carried: bytes, collection: str) -> bool:
        """Take in a consent that came along with faces from another service; whether it counts for `collection` here.

        A person's signature, and one by the key that the organization has here, are verified again. For what else was
        signed or vouched for elsewhere, the holder of the access key vouches. One that is here already stays as it is.
        """
        receipt = msgspec.json.decode(carried, type=Receipt)
        consent = receipt.consent
        with suppress(BadReceipt):
            if consent.collection == collection:
                self._take(caller.organization, *self._proved_again(caller, receipt), moved=True)
        return self.covers(Enrolment(caller.organization, collection, consent.pii_principal_id))

    def get(self, organization: str, receipt: str) -> Receipt:
        """One receipt of an organization. Raises NoSuchReceipt."""
        with asking(self._engine) as connection:
            row = connection.execute(_kept().where(_of.organization == organization, _of.receipt == receipt)).first()
        if row is None:
            raise NoSuchReceipt(f"there is no consent receipt {receipt}")
        return self._receipt(row)

    def all(self, organization: str, subject: str | None = None, collection: str | None = None) -> list[Receipt]:
        """The receipts of an organization, of one person or for one collection where asked, oldest first."""
        wanted = _kept().where(_of.organization == organization).order_by(*_by_time(subject))
        if subject is not None:
            wanted = wanted.where(_of.subject == subject)
        if collection is not None:
            wanted = wanted.where(_of.collection == collection)
        with asking(self._engine) as connection:
            return [self._receipt(row) for row in connection.execute(wanted)]

    def page(
        self, organization: str, subject: str | None, collection: str | None, after: str, most: int
    ) -> tuple[list[Receipt], str]:
        """At most `most` receipts as :meth:`all` has them, from behind the receipt `after`, or from the first.

        And behind which the next page begins, empty after the last. Raises NoSuchReceipt for an `after` of nobody's.
        """
        wanted = _kept().where(_of.organization == organization).order_by(*_by_time(subject)).limit(most + 1)
        narrowed = ((_of.subject, subject), (_of.collection, collection))
        for column, given in narrowed:
            wanted = wanted if given is None else wanted.where(column == given)
        if after:
            begin = self.get(organization, after).consent
            wanted = wanted.where(tuple_(_of.given_at, _of.receipt) > (begin.given.timestamp(), after))
        with reading(self._engine) as connection:
            found = [self._receipt(row) for row in connection.execute(wanted)]
        return found[:most], found[most - 1].consent.receipt_id if len(found) > most else ""

    def number(self, organization: str, subject: str | None = None) -> int:
        """How many receipts an organization has, or has of one person."""
        wanted = select(func.count()).select_from(tables.consents).where(*_mine(organization, subject))
        with reading(self._engine) as connection:
            return connection.execute(wanted).scalar() or 0

    def newest(self, organization: str, subject: str | None, most: int, skipped: int = 0) -> list[Receipt]:
        """The newest receipts of an organization, or of one person: `most` at most, but for `skipped` newer ones."""
        newest = [column.desc() for column in _by_time(subject)]
        # Those alone that are answered are read: what is skipped is skipped in the index.
        these = select(_of.receipt).where(*_mine(organization, subject)).order_by(*newest).limit(most).offset(skipped)
        wanted = _kept().where(_of.receipt.in_(these)).order_by(*newest)
        with reading(self._engine) as connection:
            return [self._receipt(row) for row in connection.execute(wanted)]

    def withdraw(self, organization: str, receipt: str) -> Receipt:
        """End a consent, from the next call on in every process. One that is withdrawn stays so.

        Raises NoSuchReceipt.
        """
        found = self.get(organization, receipt)
        if found.withdrawn is not None:
            return found
        with self._engine.begin() as connection:
            given = (_of.receipt == receipt) & _of.withdrawn_at.is_(None)
            update_sealed(connection, tables.consents, given, withdrawn_at=self._clock(), settled=False)
            record = self._log(connection, organization, found.consent, found.proof, "withdrawn")
        self._logbook.take_over(record)
        self.after()
        return self.get(organization, receipt)

    def people(self) -> list[tuple[str, str]]:
        """Every organization and subject, as the gallery names them, that there is a receipt of."""
        with asking(self._engine) as connection:
            rows = connection.execute(select(_of.organization, _of.subject).distinct()).all()
        return [(organization, subject_of(name, "")) for organization, name in rows]

    def forget(self, connection: Connection, organization: str, subject: str, until: float) -> int:
        """Delete the receipts that a person gave up to `until`, in the caller's transaction; how many there were."""
        gone = connection.execute(
            delete(tables.consents).where(
                _of.organization == organization, _of.subject == subject, _of.given_at <= until
            )
        )
        return int(gone.rowcount)

    def _holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a receipt is as it was taken in, and its columns say what was agreed to."""
        try:
            holds = is_told_sealed(self._engine, tables.consents, row) and _agrees(row)
        except (BadReceipt, msgspec.DecodeError):
            holds = False
        if not holds:
            _log.error("the consent %s was changed in the database, and counts for nothing", row["receipt"])
        return holds

    def _receipt(self, row: Row[Any]) -> Receipt:
        withdrawn = None if row.withdrawn_at is None else datetime.fromtimestamp(int(row.withdrawn_at), UTC)
        changed = not self._holds(row._asdict())
        return Receipt(Consent.parse(row.consent), msgspec.json.decode(row.proof, type=Proof), withdrawn, changed)

    def _take(self, organization: str, consent: Consent, proof: Proof, *, moved: bool = False) -> Receipt:
        self._check(organization, consent, moved)
        row = {
            "receipt": consent.receipt_id,
            "organization": organization,
            "collection": consent.collection,
            "subject": consent.pii_principal_id,
            "purpose": consent.purpose,
            "given_at": consent.given.timestamp(),
            "expires_at": consent.expires.timestamp(),
            "settled": False,
            "consent": consent.text,
            "proof": msgspec.json.encode(proof).decode(),
        }
        with self._engine.begin() as connection:
            if connection.execute(select(_of.receipt).where(_of.receipt == consent.receipt_id)).first():
                raise BadReceipt(f"the consent {consent.receipt_id} was taken in already")
            insert_sealed(connection, tables.consents, row)
            record = self._log(connection, organization, consent, proof, "given")
        self._logbook.take_over(record)
        return Receipt(consent, proof)

    def _proved_again(self, caller: Caller, receipt: Receipt) -> tuple[Consent, Proof]:
        proof, key = receipt.proof, self._organization(caller.organization).verifier
        if proof.kind is ProofKind.SUBJECT or (proof.kind is ProofKind.ORGANIZATION and proof.key == key):
            return signed(proof.note, proof.key, proof.kind, proof.identity_check)
        return Consent.parse(receipt.consent.text), Proof(ProofKind.REQUEST, caller.access_key_id)

    def _check(self, organization: str, consent: Consent, moved: bool) -> None:
        now, controller = datetime.fromtimestamp(self._clock(), UTC), consent.pii_controller
        if controller.id != organization and not (moved and self._is_same(organization, controller)):
            raise BadReceipt(f"the consent is given to {controller.name}, {controller.id}, not to {organization}")
        if consent.expires <= now:
            raise BadReceipt(f"the consent ended on {consent.expires:%Y-%m-%d}")
        if (consent.given - now).total_seconds() > 300:
            raise BadReceipt("the consent is dated in the future: set the clock of whoever drew it up")

    def _is_same(self, organization: str, controller: Controller) -> bool:
        """Whether a controller of another service is this organization, which has an id of its own in each."""
        with reading(self._engine) as connection:
            if read_organizations(connection, controller.id):
                return False
        return controller.name == self._organization(organization).name != UNNAMED

    def _log(self, connection: Connection, organization: str, consent: Consent, proof: Proof, change: str) -> int:
        body = {"organization": organization, "change": change, "purpose": consent.purpose, "proof": str(proof.kind)}
        details: dict[str, Any] = {"change": change, "consent": msgspec.to_builtins(consent)}
        part = Part(organization, details, f"{consent.collection}/{subject_of(consent.pii_principal_id, '')}")
        return self._logbook.record(connection, KIND, body, [self._logbook.seal(part)])

    def _organization(self, organization: str) -> Organization:
        with reading(self._engine) as connection:
            found: Sequence[Organization] = read_organizations(connection, organization)
        if not found:
            raise BadReceipt(f"there is no organization {organization}")
        return found[0]


def _counting(kept: Select[Any]) -> Select[Any]:
    """Those of the consents that count `now` for an `organization`'s `collection`, and its purpose."""
    of, tags = gallery.collections.c, gallery.tags.c
    return (
        kept.join(gallery.collections, (of.organization == _of.organization) & (of.collection_id == _of.collection))
        .join(gallery.tags, (tags.collection == of.id) & (tags.key == PURPOSE) & (tags.value == _of.purpose))
        .where(_of.organization == bindparam("organization"), _of.collection == bindparam("collection"))
        .where(_of.withdrawn_at.is_(None), _of.given_at <= bindparam("now"), _of.expires_at > bindparam("now"))
    )


def _kept() -> Select[Any]:
    return select(*tables.consents.columns)


def _mine(organization: str, subject: str | None) -> list[ColumnElement[bool]]:
    return [_of.organization == organization, *([] if subject is None else [_of.subject == subject])]


def _by_time(subject: str | None) -> tuple[ColumnElement[Any], ...]:
    """The order in which consents were given.

    Of one person there are few, who are found by their name: SQLite, asked for the order of an index, would read all.
    """
    return (_of.given_at if subject is None else _of.given_at + 0), _of.receipt


def _agrees(row: Mapping[str, Any]) -> bool:
    """Whether the columns of a receipt, by which it is found, say what was agreed to and signed."""
    consent, proof = Consent.parse(row["consent"]), msgspec.json.decode(row["proof"], type=Proof)
    told = (consent.receipt_id, consent.collection, consent.pii_principal_id, consent.purpose)
    times = (consent.given.timestamp(), consent.expires.timestamp())
    if proof.note and signed(proof.note, proof.key, proof.kind)[0] != consent:
        return False
    return told == (row["receipt"], row["collection"], row["subject"], row["purpose"]) and times == (
        row["given_at"],
        row["expires_at"],
    )
