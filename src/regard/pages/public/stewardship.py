"""The pages on how this service is governed, for anyone: the policy in force, the charter, the motions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import named
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council
from regard.stewardship.logbook.entries import PRIVATE_MOTIONS
from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.policy.policy import Policy

_NAMING = ("title", "payload", "ballots")
# Nobody has to sign for these pages: however often they are asked for, what is in force is looked at once a second.
KEPT_SECONDS = 1.0


def stewardship_pages(council: Council, clock: Callable[[], float] = time.monotonic) -> list[Route]:
    """The routes, each GET without a signature. Where no policy is in force they answer 503 and why.

    A page is at most a second old.
    """

    def policy() -> tuple[bytes, bytes]:
        return _shown(council.pack())

    def charter() -> tuple[bytes, bytes]:
        law = council.law()
        motions = council.history()
        genesis = next(each for each in motions if each["hash"] == law.genesis)
        plain: dict[str, Any] = {
            "genesis": {"hash": law.genesis, "charter": genesis["payload"]["charter"]},
            "head": law.head,
            "charter": msgspec.to_builtins(law.charter),
            "alone": law.charter.alone,
        }
        return (_json(plain), b"")

    def motions() -> tuple[bytes, bytes]:
        states = {docket.motion.hash: docket.outcome for docket in council.dockets()}
        found = [_public(each) | {"outcome": states.get(each["hash"], each["outcome"])} for each in council.history()]
        return (_json({"motions": found}), b"")

    pages = {"policy": policy, "charter": charter, "motions": motions}
    return [
        Route(f"/stewardship/v1/{name}", _Kept(page, clock).answer, methods=["GET"]) for name, page in pages.items()
    ]


class _Kept:
    """A page as JSON, and as plain text where it has that form, made at most once a second. Thread-safe."""

    def __init__(self, make: Callable[[], tuple[bytes, bytes]], clock: Callable[[], float]) -> None:
        self._make = make
        self._clock = clock
        self._turn = threading.Lock()
        self._until = -float("inf")
        self._status, self._forms = 503, (b"", b"")

    def answer(self, request: Request) -> Response:
        with self._turn:
            if self._clock() >= self._until:
                self._status, self._forms = self._made()
                self._until = self._clock() + KEPT_SECONDS
            status, (plain, text) = self._status, self._forms
        if text and request.headers.get("accept", "").startswith("text/plain"):
            return PlainTextResponse(text, status, named())
        return Response(plain, status, named(), "application/json")

    def _made(self) -> tuple[int, tuple[bytes, bytes]]:
        try:
            return 200, self._make()
        except (BrokenChain, BadPack) as error:
            return 503, (_json({"cause": f"No policy is in force, and everything is denied: {error}"}), b"")


@lru_cache(maxsize=2)
def _shown(pack: Pack) -> tuple[bytes, bytes]:
    """A pack, which has its hash, for programs and for people."""
    found = Policy(pack)
    rules = [msgspec.to_builtins(rule) for rule in found.rules.values()]
    plain = {"pack": pack.name, "hash": pack.hash, "rules": rules, "cedar": pack.rules, "schema": pack.schema}
    return _json(plain), _told(found).encode()


def _json(plain: Any) -> bytes:
    # As JSONResponse writes it.
    return bytes(JSONResponse(plain).body)


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
