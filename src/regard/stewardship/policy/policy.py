"""Policy: decides about requests by the rules of a pack, with Cedar.

Cedar skips a rule that errs, so that a forbid could fail open, and it answers for principals that it does not
know. Here any error denies, and whoever asks has looked the principal up.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import cedarpy
import msgspec

from regard.stewardship.policy import vocabulary
from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.policy.vocabulary import Purpose

THOUSANDTHS = 1_000
NOTHING_PERMITS = "nothing-permits"
EVALUATION_ERROR = "evaluation-error"
# What the schema did not have from the beginning, and how it says it.
_SINCE = {
    "audited": "audited: Bool",
    "authorised": "authorised: Bool",
    "traits": "traits: Set<String>",
    "probe": "probe: String",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as people read it."""

    id: str
    effect: str
    sentence: str
    source: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `reaches` are watched sectors and "refused" for those behind them, themselves included."""

    id: str
    sector: str
    standing: str
    reaches: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the policy; similarities from 0 to 100."""

    principal: Principal
    action: str
    collection: str = ""
    operation: str = ""
    data: str = "faces"
    purpose: str = "development"
    rights: bool = False
    floor: float = 0.0
    threshold: float = 100.0
    basis: str = "attested"
    collection_purpose: str = ""
    receipt: bool = False
    loopback: bool = True
    audited: bool = False
    enabled: frozenset[str] = frozenset()
    authorised: bool = False
    traits: frozenset[str] = frozenset()
    probe: str = "none"

    def as_record(self) -> dict[str, Any]:
        """Plain data, from which :meth:`from_record` makes the same request again."""
        plain = asdict(self)
        plain["enabled"], plain["traits"] = sorted(self.enabled), sorted(self.traits)
        plain["principal"]["reaches"] = sorted(self.principal.reaches)
        return plain

    @classmethod
    def from_record(cls, plain: dict[str, Any]) -> Request:
        """Read what :meth:`as_record` gave. Raises ValueError."""
        return msgspec.convert(plain, cls)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says. `rules` are the ids of those that denied, or that permitted."""

    allowed: bool
    rules: tuple[str, ...]
    errors: tuple[str, ...] = field(default=())


class Policy:
    """The rules of a pack, parsed once. Thread-safe. Raises BadPack when they do not hold to their schema."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.purposes: dict[str, Purpose] = _read(vocabulary.read_purposes, pack.purposes)
        self.sectors = _read(tomllib.loads, pack.sectors)
        try:
            self._schema = cedarpy.Schema.from_str(pack.schema)
            self._rules = cedarpy.PolicySet.from_str(pack.rules)
            self.rules = {rule.id: rule for rule in rules_of(pack.rules)}
            validated = cedarpy.validate_policies(pack.rules, self._schema)
        except ValueError as error:
            raise BadPack(f"the policy does not parse: {error}") from None
        if not validated.validation_passed:
            raise BadPack(f"the policy does not hold to its schema: {'; '.join(map(str, validated.errors))}")
        # Packs that were voted for before a rule could ask for these have a schema that does not know them.
        self._unknown = {name for name, told in _SINCE.items() if told not in pack.schema}
        # Whether a rule may depend on an audit of the face model.
        self.asks_for_audits = "audited" not in self._unknown and "context.audited" in pack.rules
        # A decision depends on the request alone, so an equal request has an equal answer.
        self._answers = lru_cache(maxsize=4096)(self._ask)

    def decide(self, request: Request) -> Decision:
        """Decide. Whatever goes wrong on the way is a denial that says so."""
        return self._answers(request)

    def _ask(self, request: Request) -> Decision:
        question = {
            "principal": {"type": "Organization", "id": request.principal.id},
            "action": {"type": "Action", "id": request.action},
            "resource": {"type": "Collection", "id": request.collection},
            "context": {name: told for name, told in _context(request).items() if name not in self._unknown},
        }
        try:
            entities = _entities(request.principal)
            answer = cedarpy.is_authorized(question, self._rules, entities, self._schema)
            errors, reasons = answer.diagnostics.errors, answer.diagnostics.reasons
            named = answer.diagnostics.id_annotations_by_reason
        except (ValueError, TypeError, KeyError) as error:
            return Decision(False, (EVALUATION_ERROR,), (str(error),))
        if errors:
            return Decision(False, (EVALUATION_ERROR,), tuple(errors))
        rules = tuple(sorted(named.get(reason, reason) for reason in reasons))
        return Decision(answer.allowed, rules or (NOTHING_PERMITS,))

    def sentence(self, rule: str) -> str:
        """What the rule says in plain words."""
        return self.rules[rule].sentence if rule in self.rules else OWN_SENTENCES.get(rule, "")


@lru_cache(maxsize=8)
def policy_of(pack: Pack) -> Policy:
    """The policy of a pack, which depends on its texts alone: parsed once. Raises BadPack.

    Its answers are the gate's to remember: a page that decides for thousands at once asks a Policy of its own.
    """
    return Policy(pack)


# The sentences of denials that no rule of a pack gives.
OWN_SENTENCES = {
    NOTHING_PERMITS: "No rule of the policy in force permits this.",
    EVALUATION_ERROR: "The policy could not be evaluated, and what cannot be evaluated is denied.",
}


def rules_of(text: str) -> list[Rule]:
    """The rules in `text`, in their order. Raises BadPack for one without id, sentence and source."""
    try:
        found = msgspec.json.decode(cedarpy.policies_to_json_str(text))["staticPolicies"]
    except ValueError as error:
        raise BadPack(f"the policy does not parse: {error}") from None
    rules = []
    for place in sorted(found, key=lambda place: int(place.removeprefix("policy"))):
        notes = found[place].get("annotations", {})
        missing = [name for name in ("id", "sentence", "source") if not notes.get(name)]
        if missing:
            raise BadPack(f"the rule {notes.get('id', place)} has no @{' and no @'.join(missing)}")
        rules.append(Rule(notes["id"], found[place]["effect"], notes["sentence"], notes["source"]))
    if len({rule.id for rule in rules}) < len(rules):
        raise BadPack("two rules have one @id")
    return rules


def without_rule(pack: Pack, rule: str) -> Pack:
    """The pack without one of its rules: for cases that must turn red then. Raises LookupError."""
    found = msgspec.json.decode(cedarpy.policies_to_json_str(pack.rules))
    kept = {
        place: each for place, each in found["staticPolicies"].items() if each.get("annotations", {}).get("id") != rule
    }
    if len(kept) == len(found["staticPolicies"]):
        raise LookupError(f"the pack {pack.name} has no rule {rule}")
    found["staticPolicies"] = kept
    rules = cedarpy.policies_from_json_str(msgspec.json.encode(found).decode())
    return replace(pack, rules=rules)


def _context(request: Request) -> dict[str, Any]:
    return {
        "operation": request.operation,
        "data": request.data,
        "purpose": request.purpose,
        "rights": request.rights,
        "floor": round(request.floor * THOUSANDTHS),
        # Cut, not rounded: what is a little below a floor stays below it. The millionth is for what floats lose.
        "threshold": math.floor(request.threshold * THOUSANDTHS + 1e-6),
        "basis": request.basis,
        "collectionPurpose": request.collection_purpose,
        "receipt": request.receipt,
        "loopback": request.loopback,
        "enabled": sorted(request.enabled),
        "audited": request.audited,
        "authorised": request.authorised,
        "traits": sorted(request.traits),
        "probe": request.probe,
    }


def _entities(principal: Principal) -> cedarpy.Entities:
    parents = [{"type": "Standing" if mark == "refused" else "Sector", "id": mark} for mark in principal.reaches]
    organization = {
        "uid": {"type": "Organization", "id": principal.id},
        "attrs": {"sector": principal.sector, "standing": principal.standing},
        "parents": parents,
    }
    above = [{"uid": parent, "attrs": {}, "parents": []} for parent in parents]
    return cedarpy.Entities.from_json_str(msgspec.json.encode([organization, *above]).decode())


def _read(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise BadPack(f"the vocabulary of the policy cannot be read: {error}") from None
