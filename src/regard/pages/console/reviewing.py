"""Is it the same person? One candidate at a time, each decision with a fresh touch; `people.review` has the rules."""

from __future__ import annotations

import base64
from contextlib import suppress

from starlette.responses import Response
from starlette.routing import Route

from regard.pages.console.desk import Desk, Visit
from regard.stewardship.people.review import NoSuchCandidate, Reviews
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role

_REVIEWERS = frozenset({Role.REVIEWER})
# Whoever gets no answer about faces decides on none either: both are asked as reading of faces.
_LOOK = Operation("ReviewMatches", Capability.READ, DataClass.FACES)
_DECIDE = Operation("DecideMatch", Capability.READ, DataClass.FACES)


def reviewing_pages(desk: Desk, reviews: Reviews) -> list[Route]:
    """The routes."""

    def reviewer_of(visit: Visit) -> Reviewer:
        # Who decides did not ask: neither here, when they had another role, nor with what they were appointed for.
        person = visit.session.person
        keys = person.keys | reviews.reviewers.asks_with(person.organization, person.name)
        return Reviewer(person.organization, person.name, keys, visit.session.digest)

    def shown(visit: Visit) -> Response:
        reviewer = reviewer_of(visit)
        for candidate in (waiting := reviews.pending(reviewer)):
            # Somebody else may have decided meanwhile.
            with suppress(NoSuchCandidate):
                picture = base64.b64encode(reviews.picture(reviewer, candidate.id)).decode()
                return desk.show(
                    visit,
                    "review.html",
                    here="/review",
                    candidate=candidate,
                    whose=candidate.whose.partition("/")[2],
                    picture=picture,
                    number=_decided(visit) + 1,
                    among=_decided(visit) + len(waiting),
                )
        return desk.show(visit, "review.html", here="/review", candidate=None, number=_decided(visit))

    def decide(visit: Visit) -> Response:
        same = visit.given("same")
        if same not in ("yes", "no"):
            raise ValueError("Say yes or no.")
        reviews.decide(reviewer_of(visit), visit.request.path_params["candidate"], same == "yes")
        return desk.back(f"/review?decided={_decided(visit) + 1}")

    return [
        desk.page("/review", shown, _REVIEWERS, _LOOK),
        desk.form("/review/{candidate}", decide, _REVIEWERS, _DECIDE, touch=True),
    ]


def _decided(visit: Visit) -> int:
    """How many were decided in one go, as the address says: for the progress, and for nothing else."""
    told = visit.given("decided")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0
