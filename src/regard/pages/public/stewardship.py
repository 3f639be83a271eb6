"""The pages on how this service is governed, for anyone: the policy in force, the charter, the motions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from regard.evaluation.document import Block, Heading, Paragraph
from regard.pages.exchanges import BY_ACCEPT, OPEN, named, wants_page
from regard.pages.frame import HEADERS, document
from regard.pages.public.kept import Kept
from regard.pages.public.law_words import charter_words, motions_words, policy_words
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council
from regard.stewardship.logbook.entries import PRIVATE_MOTIONS
from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.policy.policy import Policy

_NAMING = ("title", "payload", "ballots")


@dataclass(frozen=True, slots=True)
class _Forms:
    """A page as JSON, as HTML, and as plain text where it has that form."""

    data: bytes
    page: bytes
    text: bytes = b""


def stewardship_pages(council: Council, clock: Callable[[], float] = time.monotonic) -> list[Route]:
    """The routes, each GET without a signature. Where no policy is in force they answer 503 and why.

    A page is at most a second old. Browsers get HTML, programs JSON.
    """

    def policy() -> _Forms:
        return _shown(council.pack())

    def charter() -> _Forms:
        law = council.law()
        motions = council.history()
        genesis = next(each for each in motions if each["hash"] == law.genesis)
        plain: dict[str, Any] = {
            "genesis": {"hash": law.genesis, "charter": genesis["payload"]["charter"]},
            "head": law.head,
            "charter": msgspec.to_builtins(law.charter),
            "alone": law.charter.alone,
        }
        return _forms(plain, (Heading("Charter", 1), *charter_words(law)))

    def motions() -> _Forms:
        found = public_motions(council)
        return _forms({"motions": found}, (Heading("Motions", 1), *motions_words(found)))

    pages = {"policy": policy, "charter": charter, "motions": motions}
    return [
        Route(f"/stewardship/v1/{name}", _Page(page, clock).answer, methods=["GET"]) for name, page in pages.items()
    ]


class _Page:
    """A page in its forms, made at most once a second."""

    def __init__(self, make: Callable[[], _Forms], clock: Callable[[], float]) -> None:
        self._make = make
        self._kept = Kept(self._made, clock)

    def answer(self, request: Request) -> Response:
        status, forms = self._kept()
        headers = named() | OPEN | BY_ACCEPT
        if forms.text and request.headers.get("accept", "").startswith("text/plain"):
            return PlainTextResponse(forms.text, status, headers)
        if wants_page(request):
            return HTMLResponse(forms.page, status, HEADERS | headers)
        return Response(forms.data, status, headers, "application/json")

    def _made(self) -> tuple[int, _Forms]:
        try:
            return 200, self._make()
        except (BrokenChain, BadPack) as error:
            cause = f"No policy is in force, and everything is denied: {error}"
            told = (Heading("No policy is in force", 1), Paragraph(cause, loud=True))
            return 503, _forms({"cause": cause}, told)


@lru_cache(maxsize=2)
def _shown(pack: Pack) -> _Forms:
    """A pack, which has its hash, for programs and for people."""
    found = Policy(pack)
    rules = [msgspec.to_builtins(rule) for rule in found.rules.values()]
    plain = {"pack": pack.name, "hash": pack.hash, "rules": rules, "cedar": pack.rules, "schema": pack.schema}
    return _forms(plain, (Heading("Policy", 1), *policy_words(found)), _told(found).encode())


def _forms(plain: Any, words: Iterable[Block], text: bytes = b"") -> _Forms:
    # JSON as JSONResponse writes it.
    return _Forms(bytes(JSONResponse(plain).body), document(words), text)


def public_motions(council: Council) -> list[dict[str, Any]]:
    """Every motion as anyone may read it, oldest first, with where it stands now."""
    states = {docket.motion.hash: docket.outcome for docket in council.dockets()}
    return [_public(each) | {"outcome": states.get(each["hash"], each["outcome"])} for each in council.history()]


def _public(motion: dict[str, Any]) -> dict[str, Any]:
    """A motion without what names an organization or a collection, as the log tells it."""
    if motion.get("kind") not in PRIVATE_MOTIONS:
        return motion
    votes = [{name: value for name, value in vote.items() if name != "reason"} for vote in motion["votes"]]
    return {name: value for name, value in motion.items() if name not in _NAMING} | {"votes": votes}


def _told(policy: Policy) -> str:
    head = f"{policy.pack.name} {policy.pack.hash}\n"
    rules = "".join(f"\n{rule.id}: {rule.sentence}\n  {rule.source}\n" for rule in policy.rules.values())
    return f"{head}{rules}\n{policy.pack.rules}\n{policy.pack.schema}"
