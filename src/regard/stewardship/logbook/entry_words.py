"""From log to people: what a public entry says, in a sentence. Nobody is named in it, and no time but the hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Entry = Mapping[str, Any]

_HASH_SHOWN = 12


def in_words(entry: Entry) -> str:
    """The sentence of an entry. Of a kind that is not known here, and of one that lacks what its kind has, the kind."""
    kind = str(entry.get("kind", "that is not told"))
    told = _WORDS.get(kind)
    if told is None:
        return f"An entry of the kind {kind}."
    try:
        return told(entry)
    except (KeyError, TypeError, ValueError, AttributeError):
        return f"An entry of the kind {kind}, which lacks what its kind has."


def hour_in_words(at: object) -> str:
    """The hour of an entry, which is all that it tells of when: `2026-11-23T02:00Z` as `2026-11-23, 02–03 UTC`."""
    day, _, hour = str(at).partition("T")
    return f"{day}, {hour[:2]}–{int(hour[:2]) + 1:02} UTC" if hour[:2].isdecimal() else "not told"


def _call(entry: Entry) -> str:
    sector = f" by the sector {entry['sector']}" if "sector" in entry else ""
    outcome, rules = entry["outcome"], ", ".join(entry.get("rules", ()))
    if entry.get("decision") == "denied":
        ended = f"refused by {rules or 'no rule that is told'}"
    elif outcome == "answered":
        ended = f"answered{_found(entry)}"
    else:
        ended = f"allowed, and ended with {outcome}"
    return f"{entry['operation']} for {entry['purpose']}{sector}: {ended}.{_threshold(entry)}{_renews(entry)}"


def _found(entry: Entry) -> str:
    counts = entry.get("counts", {})
    words = {"found": "faces found", "searched": "searched, roughly", "matched": "matched"}
    told = [f"{counts[name]:,} {said}" for name, said in words.items() if name in counts]
    return f", {', '.join(told)}" if told else ""


def _renews(entry: Entry) -> str:
    if "renews" not in entry:
        return ""
    return f" Begun by the service itself, in the place of the model {str(entry['renews'])[:_HASH_SHOWN]}…."


def _threshold(entry: Entry) -> str:
    threshold = entry.get("threshold")
    if not threshold:
        return ""
    asked = "none" if threshold["asked"] is None else f"{threshold['asked']:g}"
    return f" Similarity from {threshold['applied']:g} on counted; {asked} was asked for."


def _motion(entry: Entry) -> str:
    text = "" if "text" in entry else "; its text names somebody, and is not told"
    return f"A motion about {entry['about']} was put to the vote by {entry['role']}{text}. {_hash('Motion', entry)}"


def _ballot(entry: Entry) -> str:
    return f"A vote by {entry['role']}: {entry['choice']}. {_hash('Motion', entry)}"


def _outcome(entry: Entry) -> str:
    return f"A motion ended: {entry['outcome']}. {_hash('Motion', entry)}"


def _hash(what: str, entry: Entry) -> str:
    return f"{what} {str(entry[what.lower()])[:_HASH_SHOWN]}…"


def _suspension(entry: Entry) -> str:
    return f"{entry['role']} stopped {entry['capability']} until {hour_in_words(entry['until'])}."


def _key(entry: Entry) -> str:
    return f"An access key for {entry['purpose']} was {entry['change']}."


def _erasure(entry: Entry) -> str:
    again = " again, after a copy was put back" if entry["again"] else ""
    return f"A person was erased{again}: {_faces(entry)} in {entry['collections']:,} collections."


def _retention(entry: Entry) -> str:
    return f"{_faces(entry)} ended with their term ({entry['reason']})."


def _faces(entry: Entry) -> str:
    return "1 face" if entry["faces"] == 1 else f"{entry['faces']:,} faces"


def _filed(entry: Entry) -> str:
    return f"A report about {entry['about']} was filed, to be answered by {hour_in_words(entry['due'])}."


def _shard(entry: Entry) -> str:
    if entry["previous"] is None:
        return "The log begins."
    return "A month begins, with the last checkpoint of the one before."


def _version(entry: Entry) -> str:
    if entry["change"] == "withdrawn":
        return f"A model of one's own was withdrawn, with somebody in its pictures. {_hash('Model', entry)}"
    people = " Of people, as its pictures show." if entry["people"] else ""
    return f"A model of one's own was {entry['change']} for {entry['purpose']}. {_hash('Model', entry)}{people}"


def _changed(what: str) -> Callable[[Entry], str]:
    return lambda entry: f"{what}: {entry['change']}."


_WORDS: dict[str, Callable[[Entry], str]] = {
    "regard/call": _call,
    "regard/founded": lambda entry: f"The first charter was set. {_hash('Motion', entry)}",
    "regard/motion": _motion,
    "regard/ballot": _ballot,
    "regard/outcome": _outcome,
    "regard/suspension": _suspension,
    "regard/policy": lambda entry: f"A policy came into force. {_hash('Policy', entry)}",
    "regard/key": _key,
    "regard/attestation": lambda entry: f"A partner signed its customers until {hour_in_words(entry['until'])}.",
    "regard/screening": _changed("Review of an organization"),
    "regard/organization": _changed("An organization, or what ties it to others"),
    "regard/collection": _changed("Terms of a collection"),
    "regard/consent": lambda entry: f"A consent for {entry['purpose']} was {entry['change']}.",
    "regard/review": lambda entry: f"A match for {entry['purpose']}, before people who review: {entry['change']}.",
    "regard/human-loop": lambda entry: f"A picture for {entry['purpose']}, before people: {entry['change']}.",
    "regard/erasure": _erasure,
    "regard/retention": _retention,
    "regard/renewal": lambda entry: f"{_faces(entry)} were renewed.",
    "regard/seal": _changed("A sealed collection"),
    "regard/audit": lambda entry: f"The model {entry['model']} was audited for whom it fails.",
    "regard/report": _filed,
    "regard/report-answered": lambda entry: f"A report was answered: {entry['outcome']}.",
    "regard/accepted": lambda entry: f"The operator went on with less than there was: {len(entry['less'])} things.",
    "regard/restored": lambda entry: f"The database is older than the log by {entry['logged'] - entry['records']:,}.",
    "regard/pinned": lambda _: "The founding was pinned anew.",
    "regard/models": lambda entry: f"The service started with other model files: {len(entry['weights'])}.",
    "regard/version": _version,
    "regard/log-key": _changed("A key of this log"),
    "regard/shard": _shard,
}
KINDS = tuple(_WORDS)
"""The kinds of entries that are known here."""
