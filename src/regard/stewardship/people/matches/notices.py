"""Notices to people who were found: owed by the search, handed over at once or after a stated delay, with a token.

Whether and when is a tag of the collection, `regard:notice-hours`, whose default is the purpose's, in the policy in
force when it is made (GDPR 14(3)(a): within a month at the latest). The service knows nobody's address: the
organization takes what is due and tells its people. Of somebody who is found again before, one notice is owed.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, select

from regard.database import asking, reading
from regard.gallery.gallery import Gallery
from regard.jobs.webhooks import Webhook
from regard.stewardship.council.collections import NOTICE
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.policy.call import Call, Caller
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of, update_sealed

KIND = "regard/notice"
PAGE = "/me"
HOUR = 3600.0
# What nobody took in so long after it was due is let go of; so is what was handed over.
KEPT_SECONDS = 30 * 24 * HOUR
MOST_AT_ONCE = 1000
# For so long after it is due a webhook is tried.
TRIED_SECONDS = 24 * HOUR
_log = logging.getLogger(__name__)
_NAMED = "external/"
_of = tables.found_notices.c

# Gives a token for a person of an organization, by the access key that is answerable for it.
Issue = Callable[[Caller, str], str]
# Gives a notice of an organization to a webhook. Raises OSError where it is not taken.
Post = Callable[[str, "Notice"], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is to be told, and the token that opens `/me` for them once. Times are seconds since 1970."""

    id: str
    subject: str
    collection: str
    purpose: str
    request: str
    found_at: float
    token: str


def posting(webhook: Webhook, clock: Callable[[], float] = time.time) -> Post:
    """Gives notices to the webhook that is told of the end of jobs, signed as those are, by the id of the notice."""

    def post(organization: str, notice: Notice) -> None:
        now = clock()
        told = {
            "Organization": organization,
            "Subject": notice.subject,
            "Collection": notice.collection,
            "Purpose": notice.purpose,
            "RequestId": notice.request,
            "FoundAt": _iso(notice.found_at),
            "Page": PAGE,
            "Token": notice.token,
        }
        said = {"type": "person.found", "timestamp": _iso(now), "data": told}
        webhook.post(f"msg_{notice.id}", msgspec.json.encode(said).decode(), now)

    return post


class FoundNotices:
    """Owes notices and hands them over. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        logbook: Logbook,
        issue: Issue,
        void: Callable[[str], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`issue` gives tokens, and `void` takes one back."""
        self._void = void
        self._engine = engine
        self._gallery = gallery
        self._logbook = logbook
        self._issue = issue
        self._clock = clock

    def owe(self, call: Call) -> int:
        """Enter whom the answer of a call told of, where they are to be told; how many that are new."""
        found = {whose for whose, details in call.people if "similarity" in details and whose.startswith(_NAMED)}
        collection = call.parameters.get("CollectionId")
        if not found or collection is None:
            return 0
        organization, now = call.caller.organization, self._clock()
        hours = (self._gallery.tags(organization, collection) or {}).get(NOTICE)
        if hours is None:
            return 0
        owed = 0
        with self._engine.begin() as connection:
            for subject in sorted(whose.removeprefix(_NAMED) for whose in found):
                waits = self._waiting(organization) & (_of.collection == collection) & (_of.subject == subject)
                if connection.execute(select(_of.id).where(waits)).first() is None:
                    row: dict[str, Any] = {
                        "id": secrets.token_hex(16),
                        "organization": organization,
                        "subject": subject,
                    }
                    row |= {"collection": collection, "purpose": call.caller.purpose, "request": call.request_id}
                    row |= {"found_at": now, "due_at": now + int(hours) * HOUR, "asked_by": call.caller.access_key_id}
                    insert_sealed(connection, tables.found_notices, row)
                    owed += 1
        return owed

    def take(self, caller: Caller) -> list[Notice]:
        """The notices of the caller's organization that are due, oldest first: each is handed over once."""
        return [notice for row in self._due(caller.organization) if (notice := self._hand_over(row, caller))]

    def send(self, post: Post, seconds: float = 20.0) -> int:
        """Hand over what is due to a webhook, of every organization, for so many seconds; how many it took.

        One that is not taken is tried again at the next call, for a day; then it waits to be taken.
        """
        sent, until = 0, time.monotonic() + seconds
        for row in self._due(None):
            if row.due_at <= self._clock() - TRIED_SECONDS or time.monotonic() >= until:
                continue
            caller = Caller(row.asked_by, row.organization, row.purpose)
            try:
                sent += self._hand_over(row, caller, post) is not None
            except OSError as error:
                _log.warning("a notice to somebody who was found was not taken: %s", error)
                break
        return sent

    def owed(self, organization: str) -> list[str]:
        """Who is to be told yet, due or not, oldest first."""
        wanted = select(tables.found_notices).where(self._waiting(organization)).order_by(_of.due_at)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
            told = (row for row in rows if is_told_of(connection, tables.found_notices, row, f"the notice {row.id}"))
            return [row.subject for row in told]

    def expire(self) -> int:
        """Let go of what is long over; how many."""
        over = _of.due_at <= self._clock() - KEPT_SECONDS
        with asking(self._engine) as connection:
            if connection.execute(select(_of.id).where(over).limit(1)).first() is None:
                return 0
        with self._engine.begin() as connection:
            return int(connection.execute(delete(tables.found_notices).where(over)).rowcount)

    def _due(self, organization: str | None) -> list[Any]:
        wanted = select(tables.found_notices).where(self._waiting(organization), _of.due_at <= self._clock())
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_of.due_at).limit(MOST_AT_ONCE)).all()
            return [row for row in rows if is_told_of(connection, tables.found_notices, row, f"the notice {row.id}")]

    def _hand_over(self, row: Any, caller: Caller, post: Post | None = None) -> Notice | None:
        """A notice with its token; None where somebody took it meanwhile. Raises OSError where `post` was not taken."""
        # The token first: one that nobody uses harms less than a person who is never told.
        token = self._issue(caller, row.subject)
        notice = Notice(row.id, row.subject, row.collection, row.purpose, row.request, row.found_at, token)
        if post is not None:
            try:
                post(row.organization, notice)
            except OSError:
                self._void(token)
                raise
        told = {"operation": "notice handed over", "collection": row.collection, "found_by": row.request}
        part = Part(row.organization, told, f"{row.collection}/{_NAMED}{row.subject}")
        with self._engine.begin() as connection:
            mine = (_of.id == row.id) & _of.handed_at.is_(None)
            if not update_sealed(connection, tables.found_notices, mine, handed_at=self._clock()):
                return None  # A token that nobody was told opens nothing.
            body = {"organization": row.organization, "purpose": row.purpose}
            record = self._logbook.record(connection, KIND, body, [self._logbook.seal(part)])
        self._logbook.take_over(record)
        return notice

    def _waiting(self, organization: str | None) -> ColumnElement[bool]:
        """What is not handed over yet, of an organization or of all."""
        waiting = _of.handed_at.is_(None)
        return waiting if organization is None else waiting & (_of.organization == organization)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
