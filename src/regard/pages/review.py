"""The page `/review`, where a reviewer logs in, sees what waits, and decides; the decisions are in `people.review`.

Of a match they say whether it is the same person, of a picture from a human loop which labels are right. Each look and
each decision is a call, which passes the gate and stands in the log, as one of the console does. Plain HTML without
scripts. The login is HTTP Basic, ORGANIZATION/NAME and the secret of `regard review appoint`; a decision carries a mark
that only this page gives out, so that no other site can make a browser decide.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from regard.pages.console.reviewing import DECIDE, JUDGE, LOOK, LOOK_AT_PICTURES
from regard.pages.exchanges import named, page_number, status_of
from regard.pages.frame import HEADERS, framed, safe
from regard.stewardship.gate.gate import Gate
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.people.loops import Loop, Loops, NoSuchLabel, NoSuchLoop
from regard.stewardship.people.matches.candidates import Candidate
from regard.stewardship.people.review import NoSuchCandidate, Reviews
from regard.stewardship.people.reviewers import NotAReviewer, Reviewer
from regard.stewardship.policy.call import Call, Operation
from regard.stewardship.policy.denied import Denied
from regard.wire.callers import body_of
from regard.wire.senders import is_from_here

_PRIVATE = {"cache-control": "no-store"}
_CARD = """<article><h2>Candidate {number} of {all}: {whose}</h2>
<p>Collection {collection}, purpose {purpose}, similarity {similarity:.1f}.
Asked {asked} UTC; gone {gone} UTC.{doubted}</p><div class="fields">{picture}{portrait}</div>
<p>Is the person in the picture {whose}? A number is no proof.{beside} Others
decide too, and you do not see what they say.</p>
<form method="post" action="/review/{id}"><input type="hidden" name="mark" value="{mark}">
<input type="hidden" name="page" value="{page}">
<button name="same" value="yes">Same person: candidate {number} of {all}</button>
<button name="same" value="no">Not the same: candidate {number} of {all}</button>
</form></article>"""
_PICTURE = """<figure><img alt="the face that was searched with, candidate {number}"
src="data:image/jpeg;base64,{data}"><figcaption>The face that was searched with</figcaption></figure>"""
_DOUBTED = " <strong>Somebody like the one in this picture was told apart from {whose} before.</strong>"
_PORTRAIT = """<figure><img alt="the enrolled face of {whose}, candidate {number}"
src="data:image/jpeg;base64,{data}"><figcaption>The enrolled face of {whose}</figcaption></figure>"""
_ALONE = """ You see <strong>one picture only</strong>: none of {whose} is kept. Compare with what your organization
knows; what you say is entered in the log as of one picture."""
MOST_CANDIDATES = 10

# A picture may show what nobody wants to see unasked, and a page of many would be large.
_MOST_PICTURES = 10
_LOOP = """<article><h2>{name}</h2><p>Asked {asked} UTC; gone {gone} UTC.{claimed}</p>
<details><summary>Show the picture</summary><img alt="{name}" src="data:image/jpeg;base64,{data}"></details>
<form method="post" action="/review/loops/{id}"><input type="hidden" name="mark" value="{mark}">
<fieldset><legend>Which labels are right?</legend>{labels}</fieldset>
<button>The ticked ones are right, the others wrong: picture {name}</button></form></article>"""
_LABEL = """<p><label><input type="checkbox" name="right" value="{name}"> {name} ({confidence:.1f})</label></p>"""

_Answer = Callable[[Request, Reviewer], Awaitable[Response]]
Found = TypeVar("Found")


class _Foreign(PermissionError):
    """A decision that came from elsewhere."""


class _NoKey(PermissionError):
    """Nobody can ask anything without an access key that works."""


_ERRORS: dict[type[Exception], int] = {
    _Foreign: 403,
    _NoKey: 403,
    Denied: 403,
    NoSuchCandidate: 404,
    NoSuchLoop: 404,
    NoSuchLabel: 400,
    NotLogged: 503,
}


class Passage:
    """The way of reviewers through the gate: in their name, as holders of an access key of their organization."""

    def __init__(
        self,
        gate: Gate,
        keys: Callable[[str], list[AccessKey]],
        clock: Callable[[], float] = time.time,
        *,
        behind_proxy: bool = False,
    ) -> None:
        """`keys` gives those of an organization. Behind a proxy nobody is near."""
        self._gate = gate
        self._keys = keys
        self._clock = clock
        self._behind_proxy = behind_proxy

    def through(self, request: Request, reviewer: Reviewer, operation: Operation, work: Callable[[], Found]) -> Found:
        """What `work` comes to. Raises _NoKey, Denied, NotLogged, and what `work` raises."""
        near, now = is_from_here(request.scope, behind_proxy=self._behind_proxy), self._clock()
        for key in self._keys(reviewer.organization):
            of = key.caller
            here = near or not of.loopback_only
            if key.works(now) and here and of.may_call(operation.name):
                call = Call(of, operation, {}, "us-east-1", str(uuid.uuid4()), near)
                call.person = reviewer.name
                return self._gate.around(call, work)
        raise _NoKey("No access key of your organization works for this: `regard keys issue` makes one.")


def review_pages(reviews: Reviews, loops: Loops, passage: Passage) -> list[Route]:
    """The routes."""

    def card(reviewer: Reviewer, candidate: Candidate, number: int, among: int) -> str:
        data = base64.b64encode(reviews.picture(reviewer, candidate.id)).decode()
        whose = safe(candidate.whose.partition("/")[2])
        enrolled = base64.b64encode(reviews.portrait(reviewer, candidate.id)).decode()
        portrait = _PORTRAIT.format(whose=whose, number=number, data=enrolled) if enrolled else ""
        return _CARD.format(
            id=safe(candidate.id),
            number=number,
            all=among,
            page=_page_of(number),
            whose=whose,
            collection=safe(candidate.collection),
            purpose=safe(candidate.purpose),
            similarity=candidate.similarity,
            asked=_moment(candidate.created_at),
            gone=_moment(candidate.expires_at),
            picture=_PICTURE.format(number=number, data=data) if data else "",
            portrait=portrait,
            beside="" if data and portrait else _ALONE.format(whose=whose),
            doubted=_DOUBTED.format(whose=whose) if candidate.doubted else "",
            mark=_mark(reviewer, candidate.id),
        )

    def loop_card(reviewer: Reviewer, loop: str, shown: Loop) -> str:
        return _LOOP.format(
            id=safe(loop),
            name=safe(shown.name),
            asked=_moment(shown.created_at),
            gone=_moment(shown.expires_at),
            claimed=f" Whoever asked says: {safe(', '.join(shown.classifiers))}." if shown.classifiers else "",
            data=base64.b64encode(loops.picture(reviewer, loop)).decode(),
            mark=_mark(reviewer, loop),
            labels="".join(
                _LABEL.format(name=safe(name), confidence=confidence) for name, confidence in shown.labels.items()
            ),
        )

    def matches(reviewer: Reviewer, page: int) -> str:
        among = reviews.waiting(reviewer)
        page = min(page, _page_of(among))
        first = (page - 1) * MOST_CANDIDATES
        found = [f"<p>{among:,} matches wait for you.</p>"] if among > 1 else []
        for number, each in enumerate(reviews.pending(reviewer, MOST_CANDIDATES, first), first + 1):
            # Somebody else may have decided meanwhile.
            with suppress(NoSuchCandidate):
                found.append(card(reviewer, each, number, among))
        return "".join(found) + _links(page, among)

    def pictures(reviewer: Reviewer) -> str:
        found = []
        for loop, shown in loops.pending(reviewer, _MOST_PICTURES).items():
            with suppress(NoSuchLoop):
                found.append(loop_card(reviewer, loop, shown))
        if (more := loops.waiting(reviewer) - _MOST_PICTURES) > 0:
            found.append(f"<p>{more} more pictures wait; decide on these, and they come.</p>")
        return "".join(found)

    def looked(request: Request, reviewer: Reviewer, operation: Operation, show: Callable[[], str]) -> str:
        """What a look comes to; where the policy refuses it, why."""
        try:
            return passage.through(request, reviewer, operation, show)
        except Denied as denied:
            return f'<p class="loud">{safe(denied.sentence)} Rule {safe(denied.rule)}.</p>'

    def cards(request: Request, reviewer: Reviewer) -> str:
        page = page_number(request.query_params.get("page", ""))
        found = looked(request, reviewer, LOOK, lambda: matches(reviewer, page))
        # A call of its own: who is refused faces may still say what else a picture shows.
        if loops.waiting(reviewer):
            found += looked(request, reviewer, LOOK_AT_PICTURES, lambda: pictures(reviewer))
        return found or "<p>Nothing waits for you.</p>"

    async def waiting(request: Request, reviewer: Reviewer) -> Response:
        return _page(await run_in_threadpool(cards, request, reviewer))

    async def decide(request: Request, reviewer: Reviewer) -> Response:
        candidate = request.path_params["candidate"]
        form = await _marked(request, _mark(reviewer, candidate))
        same = form.get("same", [""])[0]
        if same not in ("yes", "no"):
            return _page("<p>Say yes or no.</p>", 400)
        decided = partial(reviews.decide, reviewer, candidate, same == "yes")
        await run_in_threadpool(passage.through, request, reviewer, DECIDE, decided)
        page = page_number(form.get("page", [""])[0])
        return RedirectResponse(f"/review?page={page}" if page > 1 else "/review", 303, _headers())

    async def judge(request: Request, reviewer: Reviewer) -> Response:
        loop = request.path_params["loop"]
        form = await _marked(request, _mark(reviewer, loop))
        judged = partial(loops.decide, reviewer, loop, form.get("right", []))
        await run_in_threadpool(passage.through, request, reviewer, JUDGE, judged)
        return RedirectResponse("/review", 303, _headers())

    def logged_in(answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                organization, name, word = _credentials(request.headers.get("authorization", ""))
                reviewer = await run_in_threadpool(reviews.reviewers.log_in, organization, name, word)
            except NotAReviewer as error:
                refused = _page(f"<p>{safe(str(error))}</p>", 401)
                refused.headers["www-authenticate"] = 'Basic realm="regard review", charset="UTF-8"'
                return refused
            try:
                return await answer(request, reviewer)
            except (*_ERRORS,) as error:
                cause = f"{error.sentence} Rule {error.rule}." if isinstance(error, Denied) else str(error)
                return _page(f"<p>{safe(cause)}</p>", status_of(error, _ERRORS))

        return endpoint

    return [
        Route("/review", logged_in(waiting), methods=["GET"]),
        Route("/review/{candidate}", logged_in(decide), methods=["POST"]),
        Route("/review/loops/{loop}", logged_in(judge), methods=["POST"]),
    ]


def _mark(reviewer: Reviewer, candidate: str) -> str:
    return hmac.digest(reviewer.mark, candidate.encode(), "sha256").hex()


async def _marked(request: Request, mark: str) -> dict[str, list[str]]:
    """The fields of a form that this page gave out with a mark. Raises _Foreign."""
    form = parse_qs((await body_of(request)).decode("latin-1"))
    if not hmac.compare_digest(form.get("mark", [""])[0].encode(), mark.encode()):
        raise _Foreign("This decision did not come from the page. Go back to /review.")
    return form


def _credentials(header: str) -> tuple[str, str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, word = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user = word = ""
    organization, _, name = user.partition("/")
    if scheme.lower() != "basic" or not name or "\0" in user:
        raise NotAReviewer("Log in as ORGANIZATION/NAME with the secret of `regard review appoint`.")
    return organization, name, word


def _page_of(number: int) -> int:
    """The page on which the candidate of this number stands, both from 1 on."""
    return max(0, number - 1) // MOST_CANDIDATES + 1


def _links(page: int, among: int) -> str:
    """The way to the pages before and after this one of so many candidates."""
    last = _page_of(among)
    if last == 1:
        return ""
    links = [
        f'<a href="/review?page={other}">{word}: page {other} of {last}</a>'
        for word, other in (("Before", page - 1), ("After", page + 1))
        if 1 <= other <= last
    ]
    return f'<nav aria-label="Candidates"><p>Page {page} of {last}. {" ".join(links)}</p></nav>'


def _page(body: str, status: int = 200) -> Response:
    return framed("Review", f"<h1>Review</h1>{body}", status, _headers())


def _headers() -> dict[str, str]:
    return HEADERS | _PRIVATE | named()


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
