"""The routes: every page in one list, in the order in which the home page names them."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Route

from regard.ledger.witnesses.cosigning import Collector
from regard.operations.service import Service
from regard.pages.audits import audit_page
from regard.pages.console.routes import console_pages
from regard.pages.datasets import described as removal_described
from regard.pages.datasets import removal_page
from regard.pages.ledger.explorer import explorer_pages
from regard.pages.ledger.log import log_pages
from regard.pages.ledger.verifier import verifier_route
from regard.pages.liveness.person import person_page
from regard.pages.liveness.stream import person_stream
from regard.pages.loops import loop_pages
from regard.pages.me import Me
from regard.pages.pages import pages
from regard.pages.people import consent_pages, notice_pages, subject_pages
from regard.pages.people_api import PeopleApi
from regard.pages.public.appeals import appeal_pages
from regard.pages.public.council import council_page
from regard.pages.public.home import Home
from regard.pages.public.models import model_pages
from regard.pages.public.months import month_pages
from regard.pages.public.policy import policy_page
from regard.pages.public.reports import report_pages
from regard.pages.public.stewardship import stewardship_pages
from regard.pages.public.votes import Votes, vote_pages
from regard.pages.redaction import described as redaction_described
from regard.pages.redaction import redaction_page
from regard.pages.review import Passage, review_pages
from regard.pages.seals import seal_pages
from regard.stewardship.door import open_audits
from regard.stewardship.holdings import Holdings
from regard.stewardship.office import Office
from regard.stewardship.people.inbox import open_inbox
from regard.stewardship.people.subject_sessions import SubjectSessions
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.reports.months import Months
from regard.vision.models.weights import Weights
from regard.wire.callers import Callers, open_callers
from regard.wire.live.conversation import Conversations
from regard.wire.metrics import Metrics
from regard.wire.pool import Pool


def open_pages(
    office: Office,
    holdings: Holdings,
    service: Service,
    pool: Pool,
    metrics: Metrics,
    cosigning: Collector,
    weights: Weights,
    conversations: Conversations,
    trouble: Callable[[], str | None],
) -> Starlette:
    """The application that answers whatever is no request of AWS's API.

    `trouble` says what keeps the service from answering.
    """
    settings, logbook = office.settings, office.logbook
    inbox = open_inbox(settings, office.engine, office.key, logbook)
    votes = Votes(service.gate.council)

    audits = open_audits(office)

    def callers() -> Callers:
        return open_callers(settings, office.organizations.key)

    return pages(
        metrics,
        trouble,
        [
            policy_page(service.gate.council, audits.current),
            council_page(service.gate.council),
            *stewardship_pages(service.gate.council),
            *vote_pages(service.gate.council, behind_proxy=settings.behind_proxy, votes=votes),
            *model_pages(settings, weights, audits.found),
            *_people(office, holdings, service, callers()),
            *review_pages(
                holdings.reviews,
                holdings.loops,
                Passage(service.gate, office.organizations.keys.all, behind_proxy=settings.behind_proxy),
            ),
            *seal_pages(holdings.seals),
            redaction_page(service, callers(), pool),
            audit_page(service, callers(), pool),
            removal_page(service, callers(), pool),
            *appeal_pages(inbox, behind_proxy=settings.behind_proxy),
            *report_pages(inbox, behind_proxy=settings.behind_proxy),
            person_page(),
            person_stream(conversations, holdings.liveness, office.organizations.key, metrics, settings.behind_proxy),
            *month_pages(Months(office.public_log)),
            *explorer_pages(office.public_log),
            verifier_route(),
            *console_pages(office, holdings, service, pool, cosigning, inbox, votes, trouble),
            *log_pages(office.public_log, lambda: logbook.keys.verifiers, cosigning),
        ],
        Home(service.gate.council, inbox, office.public_log, cosigning),
    )


def _people(office: Office, holdings: Holdings, service: Service, callers: Callers) -> list[Route]:
    """The HTTP API for the people pictured, its description, and their own page."""
    tokens = SubjectTokens(office.engine)
    subjects = subject_pages(holdings.erasure, holdings.access, holdings.reviews)
    notices = notice_pages(holdings.found_notices)
    own = [*consent_pages(office.consents, tokens), *subjects, *notices, *loop_pages(holdings.loops)]
    api = PeopleApi(service.gate, callers, tokens, own, [redaction_described(), removal_described()])
    sessions = SubjectSessions(office.engine, office.key, tokens)

    def name_of(organization: str) -> str:
        return office.organizations.get(organization).name

    return [*api.routes(), *Me(api, sessions, name_of, behind_proxy=office.settings.behind_proxy).routes()]
