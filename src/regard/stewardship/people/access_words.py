"""What is held on a person in plain words: a document to read and print, of what :mod:`.access` exports."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from regard.evaluation.document import Block, Heading, Listing, Paragraph, Table, as_html

_DONE = {
    "review opened": "put a match with you before two reviewers",
    "review confirmed": "two reviewers confirmed a match with you",
    "review rejected": "a match with you was called false",
    "review told apart": "two reviewers told you apart from somebody",
    "review taken back": "it was taken back that a match with you was false",
    "notice handed over": "the organization took a notice to you: that you were found",
    "review expired": "a match with you was let go of, as nobody confirmed it in time",
}
_CHANGED = {"given": "you gave a consent", "withdrawn": "a consent of yours was withdrawn"}
_MONTHS = tuple(calendar.month_name)
_CAPITALS = re.compile(r"([A-Z])")
BASES = {"consent": "your consent", "attested": "the organization's word that it may", "none": "none"}


def as_page(document: dict[str, Any]) -> str:
    """The export as one HTML page, with no script and nothing from elsewhere."""
    return as_html(_blocks(document))


def done(event: dict[str, Any]) -> str:
    """What an event of the export was, in words."""
    told = str(event.get("operation", ""))
    return _DONE.get(told) or _spelt(told) or _CHANGED.get(str(event.get("change")), "a consent was changed")


@lru_cache(256)
def _spelt(operation: str) -> str:
    """What an operation does, which its name tells: "search faces by image"."""
    return _CAPITALS.sub(r" \1", operation).strip().lower()


def day(moment: str) -> str:
    """A time of the export, for people."""
    # Ten thousand of them are told in one answer: `time.strptime` would take a second for that.
    return f"{int(moment[8:10])} {_MONTHS[int(moment[5:7])]} {moment[:4]}, {moment[11:16]} UTC"


def searches(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The searches that found the person, newest first."""
    return [event for event in reversed(document["events"]) if is_search(event)]


def is_search(event: dict[str, Any]) -> bool:
    """Whether an event of the export is a search that found the person."""
    return "similarity" in event and "request_id" in event


def purpose(event: dict[str, Any]) -> str:
    """What a search was for."""
    return str(event.get("purpose", "not stated"))


def _blocks(document: dict[str, Any]) -> Iterator[Block]:
    faces, receipts, found = document["faces"], document["receipts"], searches(document)
    yield Heading("What is held on you", 1)
    yield Paragraph(
        f"Organization {document['organization']} calls you {document['subject']}. On {day(document['at'])} this "
        f"service held {len(faces)} of your faces for it, and {len(found)} searches had found you."
    )
    yield Paragraph(
        "A template is a row of numbers made from a picture of a face, by which the face is found again. It is sealed "
        "under a key of your own, and no copy of it is given to anybody."
    )
    yield Heading("Your faces", 2)
    if not faces:
        yield Paragraph("None is held.")
    for face in faces:
        days = f"{face['retention_days']} days" if face["retention_days"] else "three years"
        yield Listing(
            (
                f"Collection: {face['collection']}, since {day(face['enrolled'])}",
                f"What for: {face['purpose'] or 'not stated'}",
                f"On what it stands: {BASES.get(face['basis'] or '', 'not stated')}",
                f"For how long: {days} at most",
                f"A picture of it: {face.get('picture', 'none is held')}",
            )
        )
    yield Heading("Your consents", 2)
    if not receipts:
        yield Paragraph("None is held.")
    else:
        rows = [
            [
                receipt["consent"]["collection"],
                receipt["consent"]["purpose"],
                day(receipt["consent"]["given"]),
                day(receipt["consent"]["expires"]),
                f"withdrawn {day(receipt['withdrawn'])}" if "withdrawn" in receipt else "counts",
            ]
            for receipt in receipts
        ]
        columns = ("Collection", "What for", "Given", "Until", "State")
        # Two dates below one another say nothing by themselves: with a caption each cell tells what it is.
        yield Table(columns, rows, "Each consent and its terms", len(columns))
    if (labels := document["labels"])["lines"] or labels["versions"]:
        yield Heading("Labels that are learned from pictures of you", 2)
        told = [[each["picture"], each["project"], each["dataset"]] for each in labels["lines"]]
        yield Table(("Picture", "Project", "Dataset"), told) if told else Paragraph("No line of a dataset names you.")
        if versions := [f"Version {each['version']} of {each['project']}" for each in labels["versions"]]:
            yield Paragraph("These were trained with them:")
            yield Listing(versions)
    yield Heading("Searches that found you", 2)
    if not found:
        yield Paragraph("None.")
    else:
        rows = [
            [day(event["at"]), done(event), event["collection"], purpose(event), event["request_id"]] for event in found
        ]
        yield Table(("When", "What was done", "Collection", "What for", "Request"), rows)
    if document["mismatches"]:
        yield Heading("People whom you were told apart from", 2)
        told = [[day(each["at"]), each["collection"], each["said_by"]] for each in document["mismatches"]]
        yield Table(("When", "Collection", "Said by"), told)
    yield Heading("What else the log keeps sealed on you", 2)
    yield Paragraph("The files access.json and access.txt have the commitment of each search, too.")
    rows = [
        [day(event["at"]), done(event), event["commitment"]] for event in document["events"] if not is_search(event)
    ]
    yield Table(("When", "What", "Its commitment in the public log"), rows) if rows else Paragraph("Nothing.")
    if document["suppression"]:
        yield Paragraph(f"You were erased on {day(document['suppression']['since'])} and are not enrolled again.")
