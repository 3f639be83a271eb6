"""The first page, what needs whoever signed in now, and the page on whether the service is well."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from regard.ledger.witnesses.cosigning import Collector
from regard.pages.console.desk import EVERYBODY, Desk, Visit
from regard.pages.console.reviewing import reviewer_of
from regard.stewardship.council.council import Council
from regard.stewardship.council.dockets import OPEN
from regard.stewardship.people.inbox import Inbox
from regard.stewardship.people.loops import Loops
from regard.stewardship.people.review import Reviews
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role
from regard.streams.streams import Streams
from regard.wire.pool import Pool

# A key that ends sooner than a person comes by again is to be seen before.
SOON_DAYS = 14
_OVERVIEW = Operation("ShowConsole", Capability.READ, DataClass.SETTINGS)
_HEALTH = Operation("ShowHealth", Capability.READ, DataClass.NOTHING)
_WELL = frozenset({Role.OPERATOR, Role.COUNCIL, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits: how many, in which words, and on which page."""

    number: int
    words: str
    path: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What the pages look at. `trouble` says what keeps the service from answering."""

    reviews: Reviews
    loops: Loops
    council: Council
    inbox: Inbox
    cosigning: Collector
    pool: Pool
    streams: Streams
    trouble: Callable[[], str | None]


def overview_pages(desk: Desk, watched: Watched) -> list[Route]:
    """The routes."""

    def overview(visit: Visit) -> Response:
        role = visit.session.person.role
        needs = [need for roles, need in _needs(desk, watched, visit) if role in roles and need.number]
        return desk.show(
            visit, "overview.html", here="", needs=needs, unwitnessed=watched.cosigning.unwitnessed_seconds
        )

    def health(visit: Visit) -> Response:
        return desk.show(
            visit,
            "health.html",
            here="/health",
            trouble=watched.trouble(),
            waiting=watched.pool.waiting,
            # This page is one of those at work.
            oldest=max(time.monotonic() - begun for begun in watched.pool.begun.values()),
            unwitnessed=watched.cosigning.unwitnessed_seconds,
            standings=watched.cosigning.standings(),
            opening=watched.council.opening(),
        )

    return [
        desk.page("", overview, EVERYBODY, _OVERVIEW),
        desk.page("/health", health, _WELL, _HEALTH),
    ]


def _needs(desk: Desk, watched: Watched, visit: Visit) -> list[tuple[frozenset[Role], Need]]:
    """What waits, and for whom."""
    motions = sum(each.outcome == OPEN for each in watched.council.dockets())
    soon = desk.clock() + SOON_DAYS * 86_400
    ending = sum(key.expires < soon for key in desk.keys_of(visit.session))
    reviewer = reviewer_of(visit, watched.reviews)
    candidates, pictures = watched.reviews.waiting(reviewer), watched.loops.waiting(reviewer)
    found = [
        (
            frozenset({Role.REVIEWER}),
            Need(candidates, "Matches that wait for two people who say whether it is the same person", "/review"),
        ),
        (frozenset({Role.REVIEWER}), Need(pictures, "Pictures whose labels wait for you", "/pictures")),
        (frozenset({Role.COUNCIL, Role.OPERATOR}), Need(motions, "Motions that wait for votes", "/motions")),
        (
            frozenset({Role.COUNCIL}),
            Need(
                _searches(watched, visit),
                "Searches for faces in live video that run, each of which you may stop",
                "/streams",
            ),
        ),
        (frozenset({Role.OPERATOR}), Need(ending, f"Access keys that end within {SOON_DAYS} days", "/keys")),
    ]
    if desk.keeps(visit):
        reviews = len(desk.organizations.admission.reviews())
        due, late = watched.inbox.waiting(), watched.inbox.overdue()
        overdue = f", {late} of them overdue" if late else ""
        found += [
            (frozenset({Role.OPERATOR}), Need(reviews, "Organizations that wait to be admitted", "/organizations")),
            (
                frozenset({Role.OPERATOR}),
                Need(due, f"Appeals and reports that wait for an answer{overdue}", "/inbox"),
            ),
        ]
    return found


def _searches(watched: Watched, visit: Visit) -> int:
    """How many processors search faces just now, whoever makes them; only a member of the council is told."""
    if visit.session.person.role is not Role.COUNCIL:
        return 0
    return sum(each.searches_faces and each.status.works for each in watched.streams.processors.readable()[0])
