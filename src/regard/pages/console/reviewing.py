"""Is it the same person, and which labels are right? One at a time, each decision with a fresh touch.

The rules are in `people.review` and `people.loops`.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from regard.pages.console.desk import Desk, Visit
from regard.stewardship.people.loops import Loops, NoSuchLoop
from regard.stewardship.people.review import NoSuchCandidate, Reviews
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role

# One is shown; a few more, should others have decided on it meanwhile.
MOST_AT_ONCE = 5
_REVIEWERS = frozenset({Role.REVIEWER})
# Whoever gets no answer about faces decides on none either: both are asked as reading of faces.
LOOK = Operation("ReviewMatches", Capability.READ, DataClass.FACES)
DECIDE = Operation("DecideMatch", Capability.READ, DataClass.FACES)
LOOK_AT_PICTURES = Operation("ReviewPictures", Capability.READ, DataClass.OBJECTS)
JUDGE = Operation("JudgePicture", Capability.READ, DataClass.OBJECTS)


def reviewing_pages(desk: Desk, reviews: Reviews, loops: Loops) -> list[Route]:
    """The routes."""

    def shown(visit: Visit) -> Response:
        reviewer = reviewer_of(visit, reviews)
        waiting = reviews.waiting(reviewer)
        for candidate in reviews.pending(reviewer, MOST_AT_ONCE):
            # Somebody else may have decided meanwhile.
            with suppress(NoSuchCandidate):
                picture = _encoded(reviews.picture(reviewer, candidate.id))
                portrait = _encoded(reviews.portrait(reviewer, candidate.id))
                return desk.show(
                    visit,
                    "review.html",
                    here="/review",
                    candidate=candidate,
                    whose=candidate.whose.partition("/")[2],
                    picture=picture,
                    portrait=portrait,
                    number=_decided(visit) + 1,
                    among=_decided(visit) + waiting,
                    pictures=loops.waiting(reviewer),
                )
        pictures = loops.waiting(reviewer)
        return desk.show(
            visit, "review.html", here="/review", candidate=None, number=_decided(visit), pictures=pictures
        )

    def decide(visit: Visit) -> Response:
        same = visit.given("same")
        if same not in ("yes", "no"):
            raise ValueError("Say yes or no.")
        reviews.decide(reviewer_of(visit, reviews), visit.request.path_params["candidate"], same == "yes")
        return desk.back(f"/review?decided={_decided(visit) + 1}")

    def looked_at(visit: Visit) -> Response:
        reviewer = reviewer_of(visit, reviews)
        waiting = loops.waiting(reviewer)
        for name, loop in loops.pending(reviewer, MOST_AT_ONCE).items():
            with suppress(NoSuchLoop):
                picture = _encoded(loops.picture(reviewer, name))
                told: dict[str, Any] = {"loop": loop, "id": name, "picture": picture, "waiting": waiting}
                return desk.show(visit, "pictures.html", here="/review", **told)
        return desk.show(visit, "pictures.html", here="/review", loop=None)

    def judge(visit: Visit) -> Response:
        right = visit.fields.get("right", [])
        loops.decide(reviewer_of(visit, reviews), visit.request.path_params["loop"], right)
        return desk.back("/pictures")

    return [
        desk.page("/pictures", looked_at, _REVIEWERS, LOOK_AT_PICTURES),
        desk.form("/pictures/{loop}", judge, _REVIEWERS, JUDGE, touch=True),
        desk.page("/review", shown, _REVIEWERS, LOOK),
        desk.form("/review/{candidate}", decide, _REVIEWERS, DECIDE, touch=True),
    ]


def reviewer_of(visit: Visit, reviews: Reviews) -> Reviewer:
    """The reviewer that somebody is here.

    Who decides did not ask: neither here, when they had another role, nor with the keys that they were appointed with.
    """
    person = visit.session.person
    keys = person.keys | reviews.reviewers.asks_with(person.organization, person.name)
    return Reviewer(person.organization, person.name, keys, visit.session.digest)


def _encoded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def _decided(visit: Visit) -> int:
    """How many were decided in one go, as the address says: for the progress, and for nothing else."""
    told = visit.given("decided")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0
