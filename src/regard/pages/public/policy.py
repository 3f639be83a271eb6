"""The page `/policy`: the rules in words, and a form that asks them who may do what. It changes nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regard.pages.exchanges import OPEN
from regard.pages.frame import page
from regard.pages.public.council import stops_told
from regard.pages.public.kept import Kept
from regard.stewardship.council.chain import CARRIED, BrokenChain, Law
from regard.stewardship.council.council import Council
from regard.stewardship.council.motions import Kind
from regard.stewardship.council.suspensions import Suspension
from regard.stewardship.gate.verdicts import Question, Verdict, sentence_of, verdicts
from regard.stewardship.policy.packs import OPEN_PACK, BadPack, Pack
from regard.stewardship.policy.policy import Policy
from regard.stewardship.policy.vocabulary import BASES

PATH = "/policy"
_FIELDS = ("sector", "purpose", "threshold", "supplies", "basis")
_BASES = {
    "": "of what keys for this purpose bring",
    "consent": "each person consented, with a receipt",
    "attested": "the organization says that it has a basis",
    "none": "of nothing that anybody said",
}
assert set(_BASES) == {"", *BASES}


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides now: the policy, its law, the motion that brought it, what is stopped and audited."""

    policy: Policy
    law: Law
    motion: str
    suspensions: tuple[Suspension, ...]
    audited: bool


def policy_page(
    council: Council, audited: Callable[[], bool] = lambda: False, clock: Callable[[], float] = time.monotonic
) -> Route:
    """The route. Where no policy is in force it answers 503 and why.

    `audited` says whether an audit of the face model in use counts.
    """

    def read() -> InForce:
        law, history = council.law(), council.history()
        brought = [
            each["hash"]
            for each in history
            if each["outcome"] == CARRIED
            and each.get("kind") in (Kind.POLICY, Kind.GENESIS)
            and each["payload"].get("policy") == law.policy
        ]
        return InForce(_policy(council.pack()), law, brought[-1], tuple(council.suspensions()), audited())

    kept = Kept(read, clock)

    def answer(request: Request) -> Response:
        try:
            return _answered(kept(), request.query_params)
        except (BrokenChain, BadPack) as error:
            return page("lawless.html", 503, here=PATH, cause=str(error))

    return Route(PATH, answer, methods=["GET"])


@lru_cache(maxsize=2)
def _policy(pack: Pack) -> Policy:
    return Policy(pack)


def _answered(now: InForce, asked: Mapping[str, str]) -> Response:
    policy, law = now.policy, now.law
    given = {name: asked.get(name, "").strip() for name in _FIELDS}
    problems = _problems(policy, given) if any(given.values()) else {}
    told: dict[str, Any] = {"verdicts": []}
    if any(given.values()) and not problems:
        told = _told(now, _question(given, now.audited))
    return page(
        "policy.html",
        400 if problems else 200,
        OPEN,
        here=PATH,
        policy=policy,
        motion=now.motion,
        open_to_all=policy.pack.name == OPEN_PACK,
        stops=stops_told(law.suspended, now.suspensions),
        problems=problems,
        given=given,
        sectors={name: _choice(name, str(each["sentence"])) for name, each in policy.sectors.items()},
        purposes={name: _choice(name, each.sentence) for name, each in policy.purposes.items()},
        bases=_BASES,
        floors={name: law.floors.get(name, each.floor) for name, each in policy.purposes.items()},
        **told,
    )


def _problems(policy: Policy, given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the fields, by their names."""
    problems = {}
    if given["sector"] not in policy.sectors:
        problems["sector"] = "Choose who asks: a sector of the list."
    if given["purpose"] not in policy.purposes:
        problems["purpose"] = "Choose for what: a purpose of the list."
    if given["threshold"] and _similarity(given["threshold"]) is None:
        problems["threshold"] = "Write the similarity as a number from 0 to 100, such as 99."
    if given["supplies"] and given["supplies"] not in policy.sectors:
        problems["supplies"] = "Choose who else gets it: a sector of the list, or nobody."
    if given["basis"] not in _BASES:
        problems["basis"] = "Choose why faces are kept: a line of the list."
    return problems


def _similarity(told: str) -> float | None:
    try:
        found = float(told.replace(",", "."))
    except ValueError:
        return None
    return found if math.isfinite(found) and 0 <= found <= 100 else None


def _question(given: Mapping[str, str], audited: bool) -> Question:
    return Question(
        given["sector"],
        given["purpose"],
        given["supplies"],
        _similarity(given["threshold"]),
        given["basis"] or None,
        audited,
    )


def _told(now: InForce, question: Question) -> dict[str, Any]:
    stopped = {stop.capability for stop in now.suspensions}
    found = verdicts(now.policy, now.law, stopped, question)
    outcome, answer = _summary([each for each in found if each.of_faces])
    denying = dict.fromkeys(rule for each in found if each.of_faces and not each.allowed for rule in each.rules)
    because = [(rule, sentence_of(rule, now.policy, now.law, question), _source(now.policy, rule)) for rule in denying]
    return {"verdicts": found, "outcome": outcome, "answer": answer, "because": because}


def _summary(of_faces: list[Verdict]) -> tuple[str, str]:
    """The answer in a word, and in a sentence, about what is done to faces."""
    allowed = [each.words for each in of_faces if each.allowed]
    denied = [each.words for each in of_faces if not each.allowed]
    if not denied:
        return "Yes", "Whatever is done to faces here is allowed to them."
    if not allowed:
        return "No", "They get no operation on faces."
    return "Not all of it", f"They may not: {_listed(denied)}. They may: {_listed(allowed)}."


def _listed(words: list[str]) -> str:
    return "; ".join(each[0].lower() + each[1:] for each in words)


def _source(policy: Policy, rule: str) -> str:
    return policy.rules[rule].source if rule in policy.rules else ""


def _choice(name: str, sentence: str) -> str:
    return f"{name.replace('-', ' ').capitalize()} – {sentence[0].lower()}{sentence[1:].rstrip('.')}"
