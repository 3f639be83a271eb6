"""Readings: a member asks, signed, for the text of a motion that names somebody and is not public, to vote on it."""

from __future__ import annotations

import json

import msgspec

from regard.ledger.tree.notes import Note, NoteError, open_note
from regard.stewardship.council.chain import Law
from regard.stewardship.council.motions import BadMotion

_FORM = "regard.reading/v1"
# How long what was signed opens anything, in seconds, and how far clocks may lie apart.
_SECONDS, _CLOCKS_SECONDS = 300, 60


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which motion a member asks for, of which council by its genesis, and when, in seconds since 1970."""

    motion: str
    member: str
    at: int
    genesis: str

    def text(self) -> str:
        """The text that the member signs."""
        return f"{_FORM}\n{json.dumps(msgspec.to_builtins(self), sort_keys=True, ensure_ascii=False)}\n"

    @classmethod
    def opened_from(cls, note: bytes, law: Law, now: float) -> Reading:
        """The wish in `note`, if a member of this council signed it just now. Raises BadMotion."""
        try:
            text = Note.parse(note).text
            form, _, body = text.partition("\n")
            asked = msgspec.json.decode(body, type=cls)
            member = law.charter.member(asked.member)
            if form != _FORM or member is None or text != asked.text():
                raise BadMotion(f"{asked.member} is not on the council, or this is no reading")
            open_note(note, [member.verifier])
        except (NoteError, msgspec.MsgspecError) as error:
            raise BadMotion(f"the reading does not count: {error}") from None
        if asked.genesis != law.genesis or not now - _SECONDS <= asked.at <= now + _CLOCKS_SECONDS:
            raise BadMotion("the reading was not signed just now for this council. Sign a new one.")
        return asked
