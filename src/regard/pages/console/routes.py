"""The routes of the console, and the order in which its navigation names them."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.routing import Route

from regard.ledger.witnesses.cosigning import Collector
from regard.operations.service import Service
from regard.pages.console.collections import collection_pages
from regard.pages.console.desk import EVERYBODY, OPERATORS, Desk, Entry
from regard.pages.console.entering import entering_pages
from regard.pages.console.inbox import inbox_pages
from regard.pages.console.keys import key_pages
from regard.pages.console.labels.pages import label_pages
from regard.pages.console.motions import motion_pages
from regard.pages.console.organizations import organization_pages
from regard.pages.console.overview import Watched, overview_pages
from regard.pages.console.people import people_pages
from regard.pages.console.place import Places
from regard.pages.console.reviewing import reviewing_pages
from regard.pages.console.searching import searching_pages
from regard.pages.console.trying import trying_pages
from regard.pages.console.work.jobs import job_pages
from regard.pages.console.work.streams import stream_pages
from regard.pages.public.votes import Votes
from regard.stewardship.gate.effects import Foresight
from regard.stewardship.holdings import Holdings
from regard.stewardship.office import Office
from regard.stewardship.people.inbox import Inbox
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.staff.reception import open_reception
from regard.stewardship.staff.staff import Role
from regard.wire.pool import Pool

_AUDITED = frozenset({Role.OPERATOR, Role.AUDITOR})
_GOVERNED = frozenset({Role.OPERATOR, Role.COUNCIL, Role.AUDITOR})
NAVIGATION = [
    Entry("", "Now", EVERYBODY),
    Entry("/try", "Try", OPERATORS),
    Entry("/collections", "Collections", _AUDITED),
    Entry("/search", "Search", OPERATORS),
    Entry("/labels", "Labels", _AUDITED),
    Entry("/review", "Review", frozenset({Role.REVIEWER})),
    Entry("/jobs", "Jobs", _AUDITED),
    Entry("/streams", "Live video", _GOVERNED),
    Entry("/keys", "Keys", _AUDITED),
    Entry("/organizations", "Organizations", _GOVERNED),
    Entry("/motions", "Motions", _GOVERNED),
    Entry("/people", "People", _AUDITED),
    Entry("/inbox", "Inbox", OPERATORS),
    Entry("/health", "Health", _GOVERNED),
]


def console_pages(
    office: Office,
    holdings: Holdings,
    service: Service,
    pool: Pool,
    cosigning: Collector,
    inbox: Inbox,
    votes: Votes,
    trouble: Callable[[], str | None],
    clock: Callable[[], float] = time.time,
) -> list[Route]:
    """The routes. `trouble` says what keeps the service from answering."""
    settings, council = office.settings, service.gate.council
    reception = open_reception(office.engine, office.key, clock)
    desk = Desk(reception, office.organizations, service, pool, Places(settings), clock)
    desk.navigation = NAVIGATION
    foresight = Foresight(office.engine, service.gate.snapshot, office.organizations.keys.purposes)
    return [
        *entering_pages(desk, behind_proxy=settings.behind_proxy),
        *overview_pages(
            desk,
            Watched(holdings.reviews, holdings.loops, council, inbox, cosigning, pool, holdings.streams, trouble),
        ),
        *trying_pages(desk),
        *collection_pages(desk),
        *searching_pages(desk),
        *label_pages(desk),
        *reviewing_pages(desk, holdings.reviews, holdings.loops),
        *job_pages(desk, holdings.jobs),
        *stream_pages(desk, holdings.streams),
        *key_pages(desk),
        *organization_pages(desk, council),
        *motion_pages(desk, council, votes, foresight),
        *people_pages(desk, office.consents, holdings.erasure, SubjectTokens(office.engine)),
        *inbox_pages(desk, inbox),
    ]
