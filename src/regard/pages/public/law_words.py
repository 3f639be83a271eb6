"""The words of the pages on policy, charter and motions, for people; `stewardship` serves them, and JSON too."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from regard.evaluation.document import Block, Folded, Heading, Paragraph, Table
from regard.stewardship.council.chain import Law
from regard.stewardship.council.charter import DEFAULT
from regard.stewardship.policy.packs import OPEN_PACK
from regard.stewardship.policy.policy import Policy

# The page tells of so many; the JSON of all.
MOST_MOTIONS = 25
MOST_FOLDED = 4096


def policy_words(policy: Policy) -> Iterator[Block]:
    """The policy in force: its rules in words with their sources, and as Cedar."""
    pack, rules = policy.pack, policy.rules.values()
    yield Paragraph(f"{len(rules)} rules are in force, the pack {pack.name}. What one of them forbids is refused.")
    if pack.name == OPEN_PACK:
        yield Paragraph("EVERYTHING IS PERMITTED to whoever calls from this machine.", loud=True)
    yield Paragraph(f"Its hash, which the council voted for, is {pack.hash}.")
    yield Table(("rule", "what it says", "source"), [(each.id, each.sentence, each.source) for each in rules], "", 3)
    yield Folded("The rules as they are evaluated, in Cedar", pack.rules)
    yield Folded("What they may ask about a call, Cedar's schema", pack.schema)


def charter_words(law: Law) -> Iterator[Block]:
    """Who sits on the council, and what a motion takes."""
    charter = law.charter
    if charter.alone:
        yield Paragraph("THE COUNCIL IS ONE PERSON, who can change every rule alone.", loud=True)
    else:
        yield Paragraph(f"{len(charter.members)} members decide by motion which rules are in force.")
    yield Table(
        ("member", "role", "public key"), [(each.name, each.role, each.key) for each in charter.members], "Members", 3
    )
    quotas = [
        (
            "any other" if kind == DEFAULT and len(charter.quotas) > 1 else "any" if kind == DEFAULT else kind,
            str(quota.approvals),
            ", ".join(f"{number} of role {role}" for role, number in quota.roles.items()) or "of any role",
        )
        for kind, quota in charter.quotas.items()
    ]
    yield Table(("motion", "approvals", "of them"), quotas, "What a motion takes", 3)
    carries = f"{_length(charter.window)} after it was opened at the earliest" if charter.window else "once it has them"
    yield Paragraph(
        f"A motion carries {carries}, and is gone after {_length(charter.expires)}. One member stops a capability for "
        f"{_length(charter.suspension)} at most. Roles with a veto: {', '.join(charter.veto) or 'none'}."
    )
    yield Paragraph(f"The chain of motions begins with {law.genesis} and ends with {law.head}.")


def motions_words(motions: Sequence[Mapping[str, Any]], level: int = 2) -> Iterator[Block]:
    """The motions, the newest first, with votes and dissent. `motions` are as anyone may read them, oldest first.

    Each has a heading of this `level`, and is to be found by its hash.
    """
    waiting = sum(each["outcome"] == "open" for each in motions)
    yield Paragraph(f"{waiting} of {len(motions)} motions are open.")
    if (more := len(motions) - MOST_MOTIONS) > 0:
        yield Paragraph(
            f"The newest {MOST_MOTIONS} are here; the JSON of this page (`regard council motions`) has {more} more."
        )
    for each in islice(reversed(motions), MOST_MOTIONS):
        yield from _motion(each, level)


def _motion(motion: Mapping[str, Any], level: int) -> Iterator[Block]:
    kind = motion.get("kind", "not readable")
    title = str(motion.get("title") or f"A motion of kind {kind}, whose text names somebody")
    yield Heading(title, level, f"motion-{motion['hash']}")
    if why := motion.get("unreadable"):
        yield Paragraph(f"IT CANNOT BE READ: {why}", loud=True)
    settled = f", settled {_moment(motion['settled_at'])}" if motion.get("settled_at") else ""
    yield Paragraph(
        f"{motion['outcome'].capitalize()}. Kind {kind}, by {motion.get('proposer', 'nobody who is told')}, opened "
        f"{_moment(motion.get('opened'))}{settled}. Hash {motion['hash']}."
    )
    votes = [(vote["vote"], vote["member"], vote.get("reason") or "none told") for vote in motion["votes"]]
    yield Table(("vote", "member", "reason"), votes, "Votes", 3) if votes else Paragraph("Nobody has voted.")
    if "payload" in motion:
        change = msgspec.json.format(msgspec.json.encode(motion["payload"]), indent=2).decode()
        yield _folded("What it changes", change)
    for number, signed in enumerate(motion.get("ballots", ()), 1):
        yield _folded(f"Ballot {number} as it was signed", signed)


def _folded(summary: str, words: str) -> Block:
    if len(words) > MOST_FOLDED:
        return Paragraph(f"{summary}: {len(words):,} characters, which the JSON of this page has.")
    return Folded(summary, words)


def _length(seconds: float) -> str:
    """A time in the largest unit that it is a whole number of."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


def _moment(at: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at)) if at else "at no time that is told"
