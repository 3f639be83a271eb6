"""Erasure: everything that is held on a person goes, for good, and the log says that it went."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, insert, select

from regard.gallery.gallery import Gallery
from regard.stewardship.logbook.logbook import Logbook, Written
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.people.consents import Consents
from regard.stewardship.records import tables
from regard.traces import owe

KIND = "regard/erasure"

# Of the default weights on LFW: at this cosine 85 in 100 other pictures of a person are recognized (242,000 genuine
# pairs), and of 10 million strangers 2 (fast) or 3 (accurate) are taken for that person, by the calibrations that ship.
SUPPRESSED_AT = 0.616
FALSE_MATCH_RATE = 3e-7
CAUGHT_RATE = 0.851
# Where the log's details keep who was erased, by keyed digest, for what a backup brings back.
_LEDGER = "regard/erasures"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, and where the log says so: None where another process writes it within a second."""

    faces: int
    collections: int
    users: int
    receipts: int
    details: int
    template_kept: bool
    written: Written | None


class Erasure:
    """Erases people of the gallery. Thread-safe.

    A subject is a person as the gallery names them, see :func:`regard.gallery.faces.subject`.
    """

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        consents: Consents,
        logbook: Logbook,
        clock: Callable[[], float] = time.time,
        also: Callable[[str, str], object] = lambda _organization, _whose: None,
        again: Callable[[set[bytes]], object] = lambda _names: None,
    ) -> None:
        """`also` erases what else is held on a subject of an organization; `again` what a backup brought back of that,
        by the digests that erasures are known by.
        """
        self._engine = engine
        self._gallery = gallery
        self._consents = consents
        self._logbook = logbook
        self._clock = clock
        self._also = also
        self._again = again

    def erase(self, organization: str, whose: str) -> Erased:
        """Erase a subject of an organization, and enter them so that they are not enrolled again.

        One that nothing is held on is entered too: an answer "not known" would come before the next sweep.
        """
        with self._gallery.overwriting():
            return self._carry_out(organization, whose)

    def published(self) -> dict[str, float]:
        """How many are kept from being enrolled again; how many of their other pictures that refuses, and of strangers.

        The rates are those of the default weights, as shares of 1; without templates nobody else is refused.
        """
        entries, templates = self._gallery.objections.counts()
        return {
            "entries": entries,
            "templates": templates,
            "other_pictures_refused": CAUGHT_RATE,
            "strangers_refused": false_suppression_rate(templates),
        }

    def replay(self) -> int:
        """Erase again whatever a restored backup brought back; how many people. Comes before any template is opened.

        People are looked through only where the database has not seen an erasure that the key store or the log knows.
        """
        known = self._gallery.objections.erasures()
        for part in self._logbook.payloads.about(_LEDGER, "").values():
            name = bytes.fromhex(part["name"])
            known[name] = max(float(part["at"]), known.get(name, 0.0))
        with self._gallery.asking() as connection:
            seen = set(connection.execute(select(tables.erasures.c.id)).scalars())
        unseen = {_mark(name, at) for name, at in known.items()} - seen
        if not unseen:
            return 0
        people = self._people()
        found = 0
        with self._gallery.overwriting():
            for (organization, whose), name in zip(people, self._gallery.objections.names(people), strict=True):
                if name in known:
                    found += self._came_back(organization, whose, known[name])
            self._again({name for name, at in known.items() if _mark(name, at) in unseen})
        with self._engine.begin() as connection:
            for mark in unseen:
                _note(connection, mark)
        return found

    def _came_back(self, organization: str, whose: str, at: float) -> bool:
        with self._gallery.reading() as connection:
            faces = self._gallery.subjects.held(connection, organization, whose)
            figures = self._gallery.figures.added(connection, organization, _named(whose))
        receipts = self._consents.all(organization, _named(whose))
        given = (each.consent.given.timestamp() for each in receipts)
        early = [*(face.created_at for face in faces), *figures, *given]
        if not early or min(early) > at:
            return False
        self._carry_out(organization, whose, at)
        return True

    def _carry_out(self, organization: str, whose: str, again: float | None = None) -> Erased:
        """Erase, anew or `again` what is from before that time."""
        subjects, objections = self._gallery.subjects, self._gallery.objections
        template = None
        with self._engine.begin() as connection:
            at = self._clock() if again is None else again
            if again is None:
                held = subjects.held(connection, organization, whose)
                if self._consents.agreed_to_suppression(organization, _named(whose)):
                    template = subjects.template(connection, organization, whose)
                pictures = [(face.picture, face.box) for face in held if face.picture is not None]
                # Durable in the key store before anything goes: what is begun is finished at the next start.
                objections.add(organization, whose, at, pictures, template)
            removals = subjects.erase(connection, organization, whose, at)
            owe(connection)
            receipts = self._consents.forget(connection, organization, _named(whose), at)
            self._gallery.figures.forget(connection, organization, _named(whose), at)
            for table in (tables.subject_tokens, tables.found_notices):
                theirs = (table.c.organization == organization) & (table.c.subject == _named(whose))
                connection.execute(delete(table).where(theirs))
            body = {
                "organization": organization,
                "collections": len(removals),
                "faces": sum(removal.faces for removal in removals),
                "suppression": "template" if template else "copies",
                "again": again is not None,
            }
            (name,) = objections.names([(organization, whose)])
            _note(connection, _mark(name, at))
            ledger = Part(_LEDGER, {"name": name.hex(), "at": str(at)})
            record = self._logbook.record(connection, KIND, body, [self._logbook.payloads.seal(ledger)])
        for removal in removals:
            self._gallery.destroy_keys(removal.collection, removal.subjects)
        self._also(organization, whose)
        details = self._forget_details(organization, whose)
        return Erased(
            faces=sum(removal.faces for removal in removals),
            collections=len(removals),
            users=sum(len(removal.users) for removal in removals),
            receipts=receipts,
            details=details,
            template_kept=template is not None,
            written=self._logbook.take_over(record),
        )

    def _forget_details(self, organization: str, whose: str) -> int:
        payloads = self._logbook.payloads
        # What waits in the record is taken over first, so that nothing is kept after it was forgotten.
        self._logbook.take_over()
        self._gallery.destroy_person_key(organization, whose)
        return payloads.erase_person(organization, whose)

    def _people(self) -> list[tuple[str, str]]:
        with self._gallery.reading() as connection:
            held = {*self._gallery.subjects.holding(connection), *self._gallery.figures.people(connection)}
            return sorted(held | {*self._consents.people()})


def false_suppression_rate(templates: int) -> float:
    """How likely a stranger is to be refused: taken for any of so many people. 1 − (1 − FMR)^n."""
    return 1.0 - (1.0 - FALSE_MATCH_RATE) ** templates


def _mark(name: bytes, at: float) -> str:
    """What an erasure is known by in the database: who it was, by keyed digest, and when, and neither to be told."""
    return hashlib.sha256(name + repr(at).encode()).hexdigest()


def _note(connection: Connection, mark: str) -> None:
    of = tables.erasures
    if connection.execute(select(of.c.id).where(of.c.id == mark)).first() is None:
        connection.execute(insert(of).values(id=mark))


def _named(whose: str) -> str:
    """The ExternalImageId of a subject; of one without, nothing that anybody could be called."""
    return whose.removeprefix("external/") if whose.startswith("external/") else ""
