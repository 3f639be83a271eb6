"""What is owed to the people pictured: their consents, a token for one who asks, erasure with its receipt. No faces."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from regard.gallery.faces import subject as subject_of
from regard.pages.console.desk import OPERATORS, Desk, Visit
from regard.pages.exchanges import page_number
from regard.stewardship.people.consent import Subject
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.erasure import Erasure
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role

MOST_SHOWN = 50
_READERS = frozenset({Role.OPERATOR, Role.AUDITOR})
# The names by which the HTTP API calls the same: keys and reports know one of each.
_LIST = Operation("ListConsents", Capability.READ, DataClass.SETTINGS)
_WITHDRAW = Operation("WithdrawConsent", Capability.MANAGE, DataClass.SETTINGS)
_TOKEN = Operation("IssueSubjectToken", Capability.READ, DataClass.TEMPLATES)
_ERASE = Operation("EraseSubject", Capability.MANAGE, DataClass.TEMPLATES)


def people_pages(desk: Desk, consents: Consents, erasure: Erasure, tokens: SubjectTokens) -> list[Route]:
    """The routes."""

    def shown(visit: Visit, status: int = 200, **told: Any) -> Response:
        whose = visit.given("subject") or None
        number = consents.number(visit.organization, whose)
        last = max(1, -(-number // MOST_SHOWN))
        at = min(page_number(visit.given("page")), last)
        around = {"done": "", "token": "", "receipt": "", "problems": {}}
        return desk.show(
            visit,
            "people.html",
            status,
            here="/people",
            consents=consents.newest(visit.organization, whose, MOST_SHOWN, (at - 1) * MOST_SHOWN),
            number=number,
            at=at,
            last=last,
            now=desk.clock(),
            published=erasure.published(),
            subject=visit.given("subject"),
            **around | told,
        )

    def withdraw(visit: Visit) -> Response:
        consents.withdraw(visit.organization, visit.given("consent"))
        # Where they were in the list.
        there = {name: told for name in ("subject", "page") if (told := visit.given(name))}
        return desk.back(f"/people?{urlencode(there)}" if there else "/people")

    def issue(visit: Visit) -> Response:
        name, check = _name(visit), visit.given("check")
        if not name or not check:
            problems = {} if name else {"token-subject": "Say whom the token is for, by their ExternalImageId."}
            problems |= {} if check else {"check": "Say how you know that it is them: it stands on their receipt."}
            return shown(visit, 400, problems=problems)
        assert visit.key is not None
        token = tokens.issue(visit.key.caller, name, check)
        return shown(visit, 201, done=f"A token for {name}, which works once within 24 hours:", token=token)

    def erase(visit: Visit) -> Response:
        name = _name(visit)
        if not name or visit.given("again") != name:
            problem = {"erase-subject": "Write the ExternalImageId twice, alike: an erasure cannot be undone."}
            return shown(visit, 400, problems=problem)
        erased = erasure.erase(visit.organization, subject_of(name, ""))
        written = erased.written
        receipt = f"/log/{written.period}/receipts/{written.index}" if written else ""
        return shown(visit, done=f"{name} is erased.", receipt=receipt)

    return [
        desk.page("/people", shown, _READERS, _LIST),
        desk.form("/people/consents/withdrawn", withdraw, OPERATORS, _WITHDRAW),
        desk.form("/people/tokens", issue, OPERATORS, _TOKEN, touch=True),
        desk.form("/people/erased", erase, OPERATORS, _ERASE, touch=True),
    ]


def _name(visit: Visit) -> str:
    """The ExternalImageId of a form; empty for what can be none."""
    try:
        return msgspec.convert(visit.given("subject"), Subject)
    except msgspec.ValidationError:
        return ""
