"""The inbox, for its keeper: what is due first, and the answer to each."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from regard.pages.console.desk import OPERATORS, Desk, NotTheirs, Visit
from regard.stewardship.people.inbox import AlreadyAnswered, Inbox, Verdict
from regard.stewardship.policy.call import Capability, DataClass, Operation

# With their texts a page of more would be long.
MOST_SHOWN, MOST_ANSWERED = 10, 50
_MOST_WORDS = 8000
_LIST = Operation("ListReports", Capability.READ, DataClass.SETTINGS)
_ANSWER = Operation("AnswerReport", Capability.MANAGE, DataClass.SETTINGS)


def inbox_pages(desk: Desk, inbox: Inbox) -> list[Route]:
    """The routes."""

    def shown(visit: Visit, status: int = 200, problems: dict[str, str] | None = None) -> Response:
        _require_keeper(desk, visit)
        standings = inbox.all(MOST_SHOWN + MOST_ANSWERED)
        waiting = [each for each in standings if not each.answered]
        return desk.show(
            visit,
            "inbox.html",
            status,
            here="/inbox",
            waiting=[(each, *inbox.read(each.report)) for each in waiting[:MOST_SHOWN]],
            number=inbox.waiting(),
            overdue=inbox.overdue(),
            answered=[each for each in standings if each.answered][:MOST_ANSWERED],
            problems=problems or {},
        )

    def answer(visit: Visit) -> Response:
        _require_keeper(desk, visit)
        report, words = visit.given("report"), visit.given("words")
        verdicts = {str(each): each for each in Verdict}
        if visit.given("verdict") not in verdicts or len(words) > _MOST_WORDS:
            cause = f"Say what came of it, in at most {_MOST_WORDS:,} characters."
            return shown(visit, 400, {f"verdict-{report}": cause})
        try:
            inbox.answer(report, verdicts[visit.given("verdict")], words)
        except AlreadyAnswered as error:
            return shown(visit, 409, {f"verdict-{report}": str(error)})
        return desk.back("/inbox")

    return [
        desk.page("/inbox", shown, OPERATORS, _LIST),
        desk.form("/inbox", answer, OPERATORS, _ANSWER),
    ]


def _require_keeper(desk: Desk, visit: Visit) -> None:
    if not desk.keeps(visit):
        raise NotTheirs("The inbox is kept by the operator of this service.")
