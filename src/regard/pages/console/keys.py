"""Access keys: what each is for and until when; issuing and revoking them, each with a fresh touch.

A secret never enters a browser: `regard keys show` prints it where the service is.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from regard.pages.console.desk import OPERATORS, Desk, Visit
from regard.stewardship.policy import vocabulary
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role

MOST_DAYS, MOST_SHOWN = 365, 50
_READERS = frozenset({Role.OPERATOR, Role.AUDITOR})
_LIST = Operation("ListKeys", Capability.READ, DataClass.SETTINGS)
_ISSUE = Operation("IssueKey", Capability.MANAGE, DataClass.SETTINGS)
_REVOKE = Operation("RevokeKey", Capability.MANAGE, DataClass.SETTINGS)


def key_pages(desk: Desk) -> list[Route]:
    """The routes."""

    def shown(visit: Visit, status: int = 200, made: str = "", problems: dict[str, str] | None = None) -> Response:
        known = desk.organizations.keys.all(visit.organization)
        keys = [(key, key.works(desk.clock())) for key in known]
        # Those that work first, and the newest of these.
        keys.sort(key=lambda each: (not each[1], -each[0].created))
        return desk.show(
            visit,
            "keys.html",
            status,
            here="/keys",
            keys=keys[:MOST_SHOWN],
            working=sum(works for _, works in keys),
            number=len(keys),
            made=made,
            purposes=vocabulary.purposes(),
            most_days=MOST_DAYS,
            problems=problems or {},
            given=visit.given if problems else lambda _name: "",
        )

    def issue(visit: Visit) -> Response:
        purpose, days = visit.given("purpose"), visit.given("days")
        problems = {}
        if purpose not in vocabulary.purposes():
            problems["purpose"] = "Choose what the key is for."
        if not (days.isascii() and days.isdigit() and 0 < int(days[:4]) <= MOST_DAYS):
            problems["days"] = f"Say for how many days the key works, from 1 to {MOST_DAYS}."
        if problems:
            return shown(visit, 400, problems=problems)
        key = desk.organizations.issue_key(visit.organization, purpose, days=float(days))
        return shown(visit, 201, made=key.access_key_id)

    def revoke(visit: Visit) -> Response:
        wanted = visit.given("key")
        if wanted not in {key.access_key_id for key in desk.organizations.keys.all(visit.organization)}:
            raise LookupError(f"There is no access key {wanted} of yours.")
        desk.organizations.keys.revoke(wanted)
        return desk.back("/keys")

    return [
        desk.page("/keys", shown, _READERS, _LIST),
        desk.form("/keys", issue, OPERATORS, _ISSUE, touch=True),
        desk.form("/keys/revoked", revoke, OPERATORS, _REVOKE, touch=True),
    ]
