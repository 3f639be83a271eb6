"""Checkpoints: the size and the root of a log, as the text of a signed note (C2SP `tlog-checkpoint`)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from regard.ledger.tree.merkle import HASH_BYTES
from regard.ledger.tree.notes import NoteError, Verifier, open_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The first `size` entries of the log `origin` hash to `root`. Extension lines are only kept."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note. Raises NoteError."""
        try:
            origin, size, root, *extensions, _ = text.split("\n")
            found = cls(origin, int(size), base64.b64decode(root, validate=True), tuple(extensions))
        except ValueError:
            raise NoteError(f"no checkpoint: {text[:200]!r}") from None
        # One text a checkpoint: no leading zeros, no unused bits, no empty lines.
        whole = origin and found.size >= 0 and len(found.root) == HASH_BYTES and "" not in extensions
        if not whole or found.text != text:
            raise NoteError(f"no checkpoint: {text[:200]!r}")
        return found


def open_checkpoint(note: bytes, verifiers: Sequence[Verifier], origin: str | None = None) -> Checkpoint:
    """The checkpoint on a note that one of `verifiers` signed, of the log `origin` where it is given.

    Raises NoteError, and of its kinds UnsignedNote when nobody known signed.
    """
    checkpoint = Checkpoint.parse(open_note(note, verifiers).text)
    if origin is not None and checkpoint.origin != origin:
        raise NoteError(f"this is a checkpoint of {checkpoint.origin}, not of {origin}")
    return checkpoint
