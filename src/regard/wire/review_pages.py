"""The page `/review`: a person logs in, sees what waits for them, and says whether it is the same person.

Plain HTML without scripts. The login is HTTP Basic, ORGANIZATION/NAME and the secret of `regard review appoint`; a
decision carries a mark that only this page gives out, so that no other site can make a browser decide.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from regard.stewardship.review import Candidate, NoSuchCandidate, NotAReviewer, Reviewer, Reviews
from regard.wire.callers import body_of

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Review</title>
<style>body{{font:1rem/1.5 sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}}
img{{max-width:100%;border:1px solid}}button{{font:inherit;padding:.4rem 1rem;margin-right:1rem}}</style></head>
<body><h1>Review</h1>{body}</body></html>"""
_CARD = """<article><h2>{whose}</h2><p>Collection {collection}, purpose {purpose}, similarity {similarity:.1f}.
Asked {asked} UTC; gone {gone} UTC.</p>{picture}<p>Is the person in the picture {whose}? Compare with what your
organization knows; a number is no proof. Others decide too, and you do not see what they say.</p>
<form method="post" action="/review/{id}"><input type="hidden" name="mark" value="{mark}">
<button name="same" value="yes">The same person</button><button name="same" value="no">Not the same</button>
</form></article>"""

_Answer = Callable[[Request, Reviewer], Awaitable[Response]]


def review_pages(reviews: Reviews) -> list[Route]:
    """The routes."""
    secret = secrets.token_bytes(32)

    def mark(reviewer: Reviewer, candidate: str) -> str:
        return hmac.digest(secret, f"{reviewer.organization}/{reviewer.name}/{candidate}".encode(), "sha256").hex()

    def card(reviewer: Reviewer, candidate: Candidate) -> str:
        data = base64.b64encode(reviews.picture(reviewer, candidate.id)).decode()
        return _CARD.format(
            id=escape(candidate.id),
            whose=escape(candidate.whose.partition("/")[2]),
            collection=escape(candidate.collection),
            purpose=escape(candidate.purpose),
            similarity=candidate.similarity,
            asked=_moment(candidate.created_at),
            gone=_moment(candidate.expires_at),
            picture=f'<img alt="the face that was searched with" src="data:image/jpeg;base64,{data}">' if data else "",
            mark=mark(reviewer, candidate.id),
        )

    async def waiting(_: Request, reviewer: Reviewer) -> Response:
        found = await run_in_threadpool(reviews.pending, reviewer)
        cards = [await run_in_threadpool(card, reviewer, each) for each in found]
        return _page("".join(cards) or "<p>Nothing waits for you.</p>")

    async def decide(request: Request, reviewer: Reviewer) -> Response:
        candidate = request.path_params["candidate"]
        form = parse_qs((await body_of(request)).decode("latin-1"))
        given, same = form.get("mark", [""])[0], form.get("same", [""])[0]
        if not hmac.compare_digest(given.encode("latin-1"), mark(reviewer, candidate).encode()):
            return _page("<p>This decision did not come from the page. Go back to /review.</p>", 403)
        if same not in ("yes", "no"):
            return _page("<p>Say yes or no.</p>", 400)
        try:
            await run_in_threadpool(reviews.decide, reviewer, candidate, same == "yes")
        except NoSuchCandidate as error:
            return _page(f"<p>{escape(str(error))}.</p>", 404)
        return RedirectResponse("/review", 303, _named())

    def logged_in(answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                organization, name, word = _credentials(request.headers.get("authorization", ""))
                reviewer = await run_in_threadpool(reviews.reviewer, organization, name, word)
            except NotAReviewer as error:
                refused = _page(f"<p>{escape(str(error))}</p>", 401)
                refused.headers["www-authenticate"] = 'Basic realm="regard review", charset="UTF-8"'
                return refused
            return await answer(request, reviewer)

        return endpoint

    return [
        Route("/review", logged_in(waiting), methods=["GET"]),
        Route("/review/{candidate}", logged_in(decide), methods=["POST"]),
    ]


def _credentials(header: str) -> tuple[str, str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, word = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user = word = ""
    organization, _, name = user.partition("/")
    if scheme.lower() != "basic" or not name:
        raise NotAReviewer("Log in as ORGANIZATION/NAME with the secret of `regard review appoint`.")
    return organization, name, word


def _page(body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(body=body), status, _named())


def _named() -> dict[str, str]:
    return _HEADERS | {"x-amzn-requestid": str(uuid.uuid4())}


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
