"""The pages on how this service is governed, for anyone: the policy in force, the charter, the motions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import named
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council
from regard.stewardship.logbook.entries import PRIVATE_MOTIONS
from regard.stewardship.policy.packs import BadPack
from regard.stewardship.policy.policy import Policy

_NAMING = ("title", "payload", "ballots")


def stewardship_pages(council: Council) -> list[Route]:
    """The routes, each GET without a signature. Where no policy is in force they answer 503 and why."""

    def policy(request: Request) -> Response:
        found = Policy(council.pack())
        if request.headers.get("accept", "").startswith("text/plain"):
            return PlainTextResponse(_told(found), headers=named())
        pack, rules = found.pack, [msgspec.to_builtins(rule) for rule in found.rules.values()]
        plain = {"pack": pack.name, "hash": pack.hash, "rules": rules, "cedar": pack.rules, "schema": pack.schema}
        return JSONResponse(plain, headers=named())

    def charter(_: Request) -> Response:
        law = council.law()
        motions = council.history()
        genesis = next(each for each in motions if each["hash"] == law.genesis)
        plain: dict[str, Any] = {
            "genesis": {"hash": law.genesis, "charter": genesis["payload"]["charter"]},
            "head": law.head,
            "charter": msgspec.to_builtins(law.charter),
            "alone": law.charter.alone,
        }
        return JSONResponse(plain, headers=named())

    def motions(_: Request) -> Response:
        states = {docket.motion.hash: docket.outcome for docket in council.dockets()}
        found = [_public(each) | {"outcome": states.get(each["hash"], each["outcome"])} for each in council.history()]
        return JSONResponse({"motions": found}, headers=named())

    pages = {"policy": policy, "charter": charter, "motions": motions}
    return [Route(f"/stewardship/v1/{name}", _or_why(page), methods=["GET"]) for name, page in pages.items()]


def _or_why(page: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            return page(request)
        except (BrokenChain, BadPack) as error:
            return JSONResponse({"cause": f"No policy is in force, and everything is denied: {error}"}, 503, named())

    return answer


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
