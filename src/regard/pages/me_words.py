"""What the page `/me` says: an export, taken apart for its template."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from regard.stewardship.people.access_words import BASES, day, done, purpose, searches
from regard.stewardship.people.subject_sessions import SubjectSession

# A page has as many searches, and as many matches, as one reads; all of them are in the file.
MOST_SEARCHES = 50
_REVIEWED = "review "
_OPENED = f"{_REVIEWED}opened"


def account(
    export: dict[str, Any], session: SubjectSession, pages: Mapping[str, int], organization: str
) -> dict[str, Any]:
    """What the template is told.

    `organization` is the name of the one that issued the token, `pages` which `page` of the searches and of the
    `matches` is asked for, from 1 on.
    """
    document = export["document"]
    found, reviewed = searches(document), _reviewed(document)
    page, last, searched = _paged(found, pages["page"])
    at, end, matched = _paged(reviewed, pages["matches"])
    return {
        "organization": organization,
        "subject": document["subject"],
        "until": time.strftime("%H:%M UTC", time.gmtime(session.ends_at)),
        "faces": [_face(face) for face in document["faces"]],
        "pictures": export["pictures"],
        "searches": [_search(each) for each in searched],
        "found": len(found),
        "page": page,
        "last": last,
        "reviewed": [_match(each) for each in matched],
        "matches": {"page": at, "last": end, "open": sum(map(_waits, reviewed))},
        "apart": [each | {"at": day(each["at"])} for each in document["mismatches"]],
        "consents": [_consent(receipt) for receipt in document["receipts"]],
        "labels": document["labels"],
        "events": len(document["events"]),
        "erased": document["suppression"] and day(document["suppression"]["since"]),
    }


def _face(face: dict[str, Any]) -> dict[str, str]:
    return {
        "collection": face["collection"],
        "since": day(face["enrolled"]),
        "purpose": face["purpose"] or "not stated",
        "basis": BASES.get(face["basis"] or "", "not stated"),
        "term": f"{face['retention_days']} days" if face["retention_days"] else "three years",
    }


def _search(event: dict[str, Any]) -> dict[str, str]:
    return {
        "at": day(event["at"]),
        "done": done(event),
        "collection": event["collection"],
        "purpose": purpose(event),
        "request": event["request_id"],
    }


def _reviewed(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The last event of each match that was put before two people, newest first."""
    last: dict[str, dict[str, Any]] = {}
    for event in document["events"]:
        told, candidate = str(event.get("operation", "")), event.get("candidate")
        # What somebody called false of their own accord was never put before anybody.
        if candidate and (told == _OPENED or (told.startswith(_REVIEWED) and candidate in last)):
            last[candidate] = event
    return list(last.values())[::-1]


def _waits(event: dict[str, Any]) -> bool:
    return bool(event["operation"] == _OPENED)


def _match(event: dict[str, Any]) -> dict[str, str]:
    return {
        "candidate": event["candidate"],
        "at": day(event["at"]),
        "collection": event["collection"],
        "done": done(event),
        "state": event["operation"].removeprefix(_REVIEWED),
    }


def _paged(rows: list[Any], page: int) -> tuple[int, int, list[Any]]:
    """The page that is there and nearest to the one asked for, the last one, and its rows."""
    last = max(1, -(-len(rows) // MOST_SEARCHES))
    page = min(page, last)
    return page, last, rows[(page - 1) * MOST_SEARCHES : page * MOST_SEARCHES]


def _consent(receipt: dict[str, Any]) -> dict[str, Any]:
    of = receipt["consent"]
    return {
        "receipt": of["receipt_id"],
        "collection": of["collection"],
        "purpose": of["purpose"],
        "given": day(of["given"]),
        "until": day(of["expires"]),
        "withdrawn": day(receipt["withdrawn"]) if "withdrawn" in receipt else "",
        "also": [
            words
            for words, agreed in (
                ("that reviewers see a picture of your enrolled face", of.get("portrait")),
                ("that one template stays to keep you out after you are erased", of.get("suppression")),
            )
            if agreed
        ],
    }
