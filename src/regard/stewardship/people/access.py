"""Access: what is held on a person and what became of it, signed with the log's key. `erasure` deletes the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np

from regard.gallery.gallery import Gallery
from regard.gallery.subjects import Held
from regard.ledger.tree.notes import sign_note
from regard.stewardship.council.collections import BASIS, PURPOSE, RETENTION
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.people.access_words import as_page
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.matches.mismatches import Mismatch

_FORM = "regard.access/v1"
_LOCATING = frozenset(("box", "face_id", "image_id"))
# A digest of the name of somebody else.
_OF_OTHERS = frozenset(("other",))
# GDPR 15(1)(a)-(d) and (g): purposes, categories, recipients, term, source. BIPA 15(b).
_HEAD = """What is held on you
===================

This is everything that this service holds on the person whom organization {organization} calls {name}, on {at}.
A template is a row of numbers made from a picture of a face, by which the face is found again. It is sealed under a key
of your own, and no copy of it is given to anybody. `access.json` says the same for programs, `access.html` as a page;
`access.note` is signed by the service and names the digests of all files.
"""


class Export(msgspec.Struct, frozen=True):
    """The files: for programs, for people (`text`, and `page` as HTML), and a signed note with the SHA-256 of them all.

    `pictures` are crops that are kept for reviewers, as JPEG by the name of a file: for the person alone.
    """

    json: str
    text: str
    note: str
    page: str
    pictures: dict[str, bytes] = {}

    @property
    def files(self) -> dict[str, bytes]:
        """Each file by its name."""
        told = {"access.html": self.page, "access.txt": self.text, "access.json": self.json, "access.note": self.note}
        return {name: text.encode() for name, text in told.items()} | self.pictures


class Taught(msgspec.Struct, frozen=True):
    """What labels of one's own have of a person: `lines` of datasets that name them, each with `project`, `dataset` and
    `picture` (its source-ref), and `versions` that were trained with these, or with their name, each with `project` and
    `version`.
    """

    lines: tuple[dict[str, str], ...] = ()
    versions: tuple[dict[str, str], ...] = ()


class Access:
    """Tells people what is held on them. Thread-safe."""

    def __init__(
        self,
        gallery: Gallery,
        consents: Consents,
        logbook: Logbook,
        clock: Callable[[], float] = time.time,
        mismatches: Callable[[str, str], Sequence[Mismatch]] = lambda _organization, _whose: (),
        taught: Callable[[str, str], Taught] = lambda _organization, _whose: Taught(),
    ) -> None:
        """`mismatches` are the people whom a subject of an organization was told apart from, and `taught` is what
        labels of one's own have of them.
        """
        self._mismatches = mismatches
        self._taught = taught
        self._gallery = gallery
        self._consents = consents
        self._logbook = logbook
        self._clock = clock

    def export(self, organization: str, whose: str, *, whole: bool = True, pictures: bool = False) -> Export:
        """Everything held on a subject; of somebody nothing is held on, a document that says so.

        `whose` is as :func:`regard.gallery.faces.subject` names one.

        Not `whole`, it leaves out where in its picture a face is, and the ids of faces and pictures. `pictures` come
        along for the person alone, and where all is told.
        """
        document, shown = self.tell(organization, whose, whole=whole)
        at, name = document["at"], document["subject"]
        json = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
        text = _HEAD.format(organization=organization, name=name, at=at) + "\n" + "\n".join(_lines(document))
        crops = shown if pictures else {}
        page = as_page(document)
        files = {"access.json": json.encode(), "access.txt": text.encode(), "access.html": page.encode(), **crops}
        digests = "".join(f"{hashlib.sha256(data).hexdigest()} {file}\n" for file, data in files.items())
        note = sign_note(f"{_FORM}\n{at}\n{digests}", self._logbook.keys.signers).decode()
        return Export(json, text, note, page, crops)

    def tell(self, organization: str, whose: str, *, whole: bool = True) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The document of an :meth:`export`, and the crops by their names: nothing is signed."""
        at, left_out = self._clock(), frozenset[str]() if whole else _LOCATING
        with self._gallery.reading() as connection:
            faces = self._gallery.subjects.held(connection, organization, whose)
            portraits = self._gallery.portraits.of(connection, organization, whose)
        shown = {f"face-{number}.jpg": each for number, each in enumerate(portraits, 1)} if whole else {}
        kept = {(each.collection_id, each.face_id): name for name, each in shown.items()}
        terms = {face.collection_id: self._gallery.tags(organization, face.collection_id) or {} for face in faces}
        name = whose.partition("/")[2]
        receipts = self._consents.all(organization, name) if whose.startswith("external/") else []
        objection = self._gallery.objections.find(organization, whose)
        document: dict[str, Any] = {
            "form": _FORM,
            "subject": name,
            "organization": organization,
            "at": _moment(at),
            "faces": [
                _face(face, terms[face.collection_id], left_out, kept.get((face.collection_id, face.face_id)))
                for face in faces
            ],
            "receipts": [msgspec.to_builtins(receipt) for receipt in receipts],
            "events": self._events(organization, whose, left_out | _OF_OTHERS),
            "labels": msgspec.to_builtins(self._taught(organization, whose)),
            "mismatches": [_mismatch(each) for each in self._mismatches(organization, whose)],
            "suppression": None if objection is None else {"since": _moment(objection.at)},
        }
        return document, {name: each.jpeg for name, each in shown.items()}

    def _events(self, organization: str, whose: str, left_out: frozenset[str]) -> list[dict[str, Any]]:
        """What the log's sealed details say of a person, oldest first."""
        dated = sorted(self._logbook.payloads.dated(organization, whose), key=itemgetter(1, 0))
        # All at once: of ten thousand times each by itself takes a tenth of what the whole answer may.
        moments = np.datetime_as_string(np.array([at for _, at, _ in dated], "datetime64[s]"), "s").tolist()
        return [
            {"at": f"{moment}Z", "commitment": commitment} | _without(details, left_out)
            for moment, (commitment, _, details) in zip(moments, dated, strict=True)
        ]


def _mismatch(told: Mismatch) -> dict[str, Any]:
    return {
        "mismatch": told.candidate,
        "collection": told.collection,
        "at": _moment(told.at),
        "said_by": "you" if told.yours else "reviewers",
        "counts": told.counts,
    }


def _face(face: Held, terms: dict[str, str], left_out: frozenset[str], picture: str | None) -> dict[str, Any]:
    told = {
        "collection": face.collection_id,
        "face_id": face.face_id,
        "image_id": face.image_id,
        "user_id": face.user_id,
        "box": face.box,
        "face_model": face.face_model,
        "enrolled": _moment(face.created_at),
        "basis": terms.get(BASIS),
        "purpose": terms.get(PURPOSE),
        "retention_days": terms.get(RETENTION),
        "template": "held, sealed; it is not given out",
    } | ({"picture": f"held, sealed, for reviewers; {picture} where you asked yourself"} if picture else {})
    return _without(told, left_out)


def _without(told: dict[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    if left_out.isdisjoint(told):
        return told
    return {name: value for name, value in told.items() if name not in left_out}


def _lines(document: dict[str, Any]) -> Iterator[str]:
    faces, receipts, events = document["faces"], document["receipts"], document["events"]
    yield f"Faces: {len(faces)}"
    for face in faces:
        term = f"for {face['retention_days']} days at most" if face["retention_days"] else "for 3 years at most"
        yield (
            f"- in the collection {face['collection']} since {face['enrolled']}, {term}; "
            f"purpose {face['purpose'] or 'not stated'}, basis {face['basis'] or 'not stated'}"
            + ("; with a picture of it, for reviewers" if "picture" in face else "")
        )
    yield f"\nConsents: {len(receipts)}"
    for receipt in receipts:
        consent = receipt["consent"]
        ended = f"; withdrawn {receipt['withdrawn']}" if "withdrawn" in receipt else ""
        yield (
            f"- {consent['receipt_id']}: collection {consent['collection']}, purpose {consent['purpose']}, given "
            f"{consent['given']}, until {consent['expires']}{ended}"
        )
    labels = document["labels"]
    if labels["lines"] or labels["versions"]:
        yield f"\nPictures that labels are learned from, and that name you: {len(labels['lines'])}"
        for line in labels["lines"]:
            yield f"- {line['picture']}: project {line['project']}, dataset {line['dataset']}"
        for each in labels["versions"]:
            yield f"- the version {each['version']} of the project {each['project']} was trained with you"
    searches = [event for event in events if "similarity" in event]
    yield f"\nSearches that found you: {len(searches)}"
    for event in searches:
        yield (
            f"- {event['at']}: {event['operation']} in {event['collection']}, similarity {event['similarity']}, "
            f"request {event['request_id']}"
        )
    if apart := document["mismatches"]:
        yield f"\nPeople whom you were told apart from: {len(apart)}"
        for each in apart:
            so = "" if each["counts"] else "; it counts once two reviewers have said so"
            yield f"- {each['at']}: in {each['collection']}, said by {each['said_by']}, {each['mismatch']}{so}"
    yield f"\nEverything that the log keeps sealed on you: {len(events)}"
    for event in events:
        what = event.get("operation") or f"consent {event.get('change')}"
        yield f"- {event['at']}: {what}, {event['commitment']}"
    if document["suppression"]:
        yield f"\nYou were erased on {document['suppression']['since']} and are not enrolled again."


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(int(at), UTC).isoformat()[:19]}Z"
