"""The words of the pages on policy, charter and motions, for people; `stewardship` serves them, and JSON too."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from regard.evaluation.document import Block, Folded, Heading, Paragraph, Table
from regard.stewardship.council.chain import Law
from regard.stewardship.policy.packs import OPEN_PACK
from regard.stewardship.policy.policy import Policy

# The page tells of so many; the JSON of all.
MOST_MOTIONS = 25


def policy_words(policy: Policy) -> Iterator[Block]:
    """The policy in force: its rules in words with their sources, and as Cedar."""
    pack, rules = policy.pack, policy.rules.values()
    yield Heading("Policy", 1)
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
    yield Heading("Charter", 1)
    if charter.alone:
        yield Paragraph("THE COUNCIL IS ONE PERSON, who can change every rule alone.", loud=True)
    else:
        yield Paragraph(f"{len(charter.members)} members decide by motion which rules are in force.")
    yield Table(("member", "role", "key"), [(each.name, each.role, each.key) for each in charter.members], "Members", 3)
    quotas = [
        (kind, str(quota.approvals), ", ".join(f"{number} of role {role}" for role, number in quota.roles.items()))
        for kind, quota in charter.quotas.items()
    ]
    yield Table(("motion", "approvals", "of them"), quotas, "What a motion takes", 3)
    yield Paragraph(
        f"A motion carries {charter.window:,} seconds after it was opened at the earliest, and is gone after "
        f"{charter.expires:,}. One member stops a capability for {charter.suspension:,} seconds at most. "
        f"Roles with a veto: {', '.join(charter.veto) or 'none'}."
    )
    yield Paragraph(f"The chain of motions begins with {law.genesis} and ends with {law.head}.")


def motions_words(motions: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """The motions, the newest first, with votes and dissent. `motions` are as anyone may read them, oldest first."""
    waiting = sum(each["outcome"] == "open" for each in motions)
    yield Heading("Motions", 1)
    yield Paragraph(f"{waiting} of {len(motions)} motions are open.")
    if (more := len(motions) - MOST_MOTIONS) > 0:
        yield Paragraph(
            f"The newest {MOST_MOTIONS} are here; the JSON of this page (`regard council motions`) has {more} more."
        )
    for each in islice(reversed(motions), MOST_MOTIONS):
        yield from _motion(each)


def _motion(motion: Mapping[str, Any]) -> Iterator[Block]:
    kind = motion.get("kind", "not readable")
    yield Heading(str(motion.get("title") or f"A motion of kind {kind}, whose text names somebody"))
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
        yield Folded("What it changes", msgspec.json.format(msgspec.json.encode(motion["payload"]), indent=2).decode())
    for number, signed in enumerate(motion.get("ballots", ()), 1):
        yield Folded(f"Ballot {number} as it was signed", signed)


def _moment(at: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at)) if at else "at no time that is told"
