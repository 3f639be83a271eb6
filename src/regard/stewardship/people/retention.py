"""Retention: no face is kept longer than its collection, its receipt and the law allow.

A face goes when the term of its collection is over, counted from its enrolment; when, in a collection on consent, no
receipt covers its person any more; and three years after the person's last interaction, whatever else is said
(Illinois BIPA 15(a)). Interactions are what a person does: being enrolled from a new picture, and giving a consent.
Being searched for is none: a sweep would prolong for ever what it looks through.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
    update,
)

from regard.database import reading
from regard.gallery.collections import tables as gallery_tables
from regard.gallery.collections.errors import NoSuchCollection, TermsChanged
from regard.gallery.collections.terms import check_terms
from regard.gallery.gallery import Gallery
from regard.reader import Reader
from regard.stewardship.council.collections import BASIS, MOST_DAYS, PURPOSE, RENEWS, RETENTION, KeptCollections, Terms
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.parties.keys import DAY
from regard.stewardship.people.consent import Consent
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import is_row_sealed

KIND = "regard/retention"
SWEEP_SECONDS = 60.0
# Every how many turns all faces are looked at, and not only what is known to have ended.
_THOROUGH = 60
_NAMED = "external/"
_log = logging.getLogger(__name__)
_faces, _consents, _kept = gallery_tables.faces.c, tables.consents.c, gallery_tables.collections.c


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep took out of one collection, and which term was over: `term`, `consent` or `cap`."""

    organization: str
    collection: str
    reason: str
    faces: int


class Retention:
    """Lets go of what is overdue, before any call uses it and from time to time. Thread-safe.

    A sweep reads what is due from the database alone: stopped at any moment, it goes on at the next start.
    """

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        logbook: Logbook,
        clock: Callable[[], float] = time.time,
        expire: Callable[[], object] = lambda: None,
        forget: Callable[[str, str], object] = lambda _organization, _whose: None,
    ) -> None:
        """`expire` lets go of what else has a term, at each sweep; `forget` of what is yet to be told of somebody whose
        faces went.
        """
        self._engine = engine
        self._gallery = gallery
        self._logbook = logbook
        self._clock = clock
        self._expire = expire
        self._forget = forget
        self._state = Reader(engine, _state())
        self._on_consent: set[int] = set()
        # The collections in which a consent is not as it was given.
        self.doubtful: set[tuple[str, str]] = set()
        self._closing = threading.Event()
        self._sweeper: threading.Thread | None = None

    def current(self, organization: str, collection: str) -> None:
        """Let go of what is overdue in one collection, where anything is: a question to the database, mostly.

        Only the three years since the last interaction are left to the sweep, which is an hour later at most.
        """
        rows = self._state.rows(organization=organization, collection=collection, now=self._clock())
        for number, basis, overdue in rows:
            # Who was enrolled before the collection stood on consent may have no receipt at all: looked for once.
            new = basis == "consent" and number not in self._on_consent
            if overdue or new:
                self._sweep_collection(organization, collection)
            if basis == "consent":
                self._on_consent.add(number)
            else:
                self._on_consent.discard(number)

    def sweep(self) -> list[Swept]:
        """Let go of whatever is overdue anywhere; which faces went."""
        with self._gallery.overwriting():
            self._expire()
            with self._gallery.writing() as connection:
                self._gallery.requests.expire(connection)
            return [swept for named in self._collections() for swept in self._sweep_collection(*named)]

    def start(self) -> None:
        """Begin to sweep from time to time."""
        self._sweeper = threading.Thread(target=self._work, name="retention", daemon=True)
        self._sweeper.start()

    def close(self) -> None:
        """Stop sweeping."""
        self._closing.set()
        if self._sweeper is not None:
            self._sweeper.join()
        self._state.close()

    def _work(self) -> None:
        for turn in count():
            try:
                if turn % _THOROUGH == 0:
                    self.sweep()
                with self._gallery.overwriting():
                    self._expire()
                    for named in self._collections():
                        self.current(*named)
            except Exception:
                # What is overdue is let go of before it is used, too: nothing is answered from it meanwhile.
                _log.exception("a sweep failed")
            if self._closing.wait(SWEEP_SECONDS):
                return

    def _collections(self) -> list[tuple[str, str]]:
        with self._gallery.asking() as connection:
            rows = connection.execute(select(_kept.organization, _kept.collection_id)).all()
        return [(organization, collection) for organization, collection in rows]

    def _sweep_collection(self, organization: str, collection: str) -> list[Swept]:
        try:
            with self._gallery.reading() as connection:
                kept = self._gallery.collections.find(connection, organization, collection)
                check_terms(connection, kept.id)
                tags = self._gallery.collections.tags_of(connection, kept)
            if tags.get(BASIS) == "consent" and self._is_doubtful(organization, collection):
                return []
            with self._gallery.overwriting():
                return [
                    swept
                    for reason, which in self._rules(organization, collection, tags)
                    if (swept := self._let_go(organization, collection, reason, which)) is not None
                ]
        except NoSuchCollection:
            return []
        except TermsChanged as error:
            _log.error("nothing is let go of: %s", error)
            return []

    def _is_doubtful(self, organization: str, collection: str) -> bool:
        """Whether a consent was changed in the database: then nothing is let go of by it, and nothing answered."""
        wanted = select(tables.consents).where(
            _consents.organization == organization, _consents.collection == collection
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted)
            changed = [row.receipt for row in rows if not is_row_sealed(connection, tables.consents, row)]
        if changed:
            _log.error("consents to %s were changed in the database: %s", collection, ", ".join(changed))
            self.doubtful.add((organization, collection))
        else:
            self.doubtful.discard((organization, collection))
        return bool(changed)

    def _rules(self, organization: str, collection: str, tags: dict[str, str]) -> list[tuple[str, ColumnElement[bool]]]:
        now = self._clock()
        rules = []
        if RETENTION in tags:
            rules.append(("term", _faces.created_at <= now - int(tags[RETENTION]) * DAY))
        if tags.get(BASIS) == "consent":
            named = tags.get(RENEWS, collection)
            rules.append(("consent", ~_covered(organization, named, tags.get(PURPOSE, ""), now)))
        oldest = now - MOST_DAYS * DAY
        rules.append(("cap", (_faces.created_at <= oldest) & ~_interacted_since(organization, oldest)))
        return rules

    def _let_go(self, organization: str, collection: str, reason: str, which: ColumnElement[bool]) -> Swept | None:
        with self._engine.begin() as connection:
            if reason == "consent":
                _settle(connection, organization, collection, self._clock())
                self._let_portraits_go(connection, organization, collection)
            if not _any(connection, organization, collection, which):
                return None
            removal = self._gallery.subjects.remove(connection, organization, collection, which)
            body = {"organization": organization, "reason": reason, "faces": removal.faces}
            record = self._logbook.record(connection, KIND, body)
        self._gallery.destroy_keys(removal.collection, removal.subjects)
        self._logbook.take_over(record)
        for whose in removal.subjects:
            self._forget(organization, whose)
        if reason == "cap":
            for whose in removal.subjects:
                self._gallery.destroy_person_key(organization, whose)
                self._logbook.payloads.erase_person(organization, whose)
        return Swept(organization, collection, reason, removal.faces)

    def _let_portraits_go(self, connection: Connection, organization: str, collection: str) -> None:
        """Delete the portraits of whoever does not agree to one any more; the faces may stay."""
        portraits, now = self._gallery.portraits, self._clock()
        if not (holding := portraits.holding(connection, organization, collection)):
            return
        tags = self._gallery.collections.tags(connection, organization, collection)
        wanted = select(_consents.subject, _consents.consent).where(
            _consents.organization == organization,
            _consents.collection == tags.get(RENEWS, collection),
            _consents.withdrawn_at.is_(None),
            _consents.expires_at > now,
        )
        agreed = {_NAMED + name for name, text in connection.execute(wanted) if Consent.parse(text).portrait}
        if gone := holding - agreed:
            portraits.remove(connection, organization, collection, gone)


class CurrentCollections(KeptCollections):
    """The collections as calls may use them: what was overdue in one is gone before its terms are told."""

    def __init__(self, engine: Engine, retention: Retention) -> None:
        super().__init__(engine)
        self._retention = retention

    def terms(self, organization: str, collection: str) -> Terms | None:
        """The terms of a collection, or None when there is none of this name."""
        self._retention.current(organization, collection)
        terms = super().terms(organization, collection)
        doubtful = (organization, collection) in self._retention.doubtful
        return replace(terms, changed=True) if terms and doubtful else terms


def _state() -> Any:
    """A collection's number, its basis, and whether anything is overdue.

    That is so when a receipt ended whose faces may still be there, or when the oldest face is over the term.
    """
    named = (_kept.organization == bindparam("organization")) & (_kept.collection_id == bindparam("collection"))
    now: ColumnElement[float] = bindparam("now", type_=_faces.created_at.type)
    tags = gallery_tables.tags
    days = select(cast(tags.c.value, Integer)).where(tags.c.collection == _kept.id, tags.c.key == RETENTION)
    oldest = select(_faces.created_at).where(_faces.collection == _kept.id).order_by(_faces.created_at).limit(1)
    ended = exists().where(
        _consents.organization == _kept.organization,
        _consents.collection == _kept.collection_id,
        _consents.settled.is_(False),
        or_(_consents.withdrawn_at.is_not(None), _consents.expires_at <= now),
    )
    term = days.scalar_subquery() * DAY
    basis = select(tags.c.value).where(tags.c.collection == _kept.id, tags.c.key == BASIS)
    overdue = or_(ended, func.coalesce(oldest.scalar_subquery() <= now - term, False))
    return select(_kept.id, basis.scalar_subquery(), overdue).where(named)


def _covered(organization: str, collection: str, purpose: str, now: float) -> ColumnElement[bool]:
    return exists().where(
        _consents.organization == organization,
        _consents.collection == collection,
        _consents.purpose == purpose,
        _NAMED + _consents.subject == _faces.subject,
        _consents.withdrawn_at.is_(None),
        _consents.expires_at > now,
    )


def _interacted_since(organization: str, at: float) -> ColumnElement[bool]:
    other = gallery_tables.faces.alias()
    house = gallery_tables.collections.alias()
    enrolled = exists().where(
        other.c.subject == _faces.subject,
        other.c.created_at > at,
        other.c.collection == house.c.id,
        house.c.organization == organization,
    )
    agreed = exists().where(
        _consents.organization == organization, _NAMED + _consents.subject == _faces.subject, _consents.given_at > at
    )
    return or_(enrolled, agreed)


def _any(connection: Connection, organization: str, collection: str, which: ColumnElement[bool]) -> bool:
    wanted = (
        select(_faces.id)
        .join(gallery_tables.collections, _kept.id == _faces.collection)
        .where(_kept.organization == organization, _kept.collection_id == collection, which)
    )
    return connection.execute(wanted.limit(1)).first() is not None


def _settle(connection: Connection, organization: str, collection: str, now: float) -> None:
    """Note that what ended consents covered is let go of within this transaction."""
    connection.execute(
        update(tables.consents)
        .where(_consents.organization == organization, _consents.collection == collection)
        .where(_consents.settled.is_(False), or_(_consents.withdrawn_at.is_not(None), _consents.expires_at <= now))
        .values(settled=True)
    )
