"""Receipts: the proof that an entry is in a log, checked offline (C2SP `tlog-proof`, files `.tlog-proof`); not receipts
of consent.

The format has room for extra data that is needed to rebuild what was hashed: ours is the entry itself, so a
receipt is complete, and no bit of it can change unnoticed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.merkle import ProofError, leaf_hash, verify_inclusion
from regard.ledger.tree.notes import Verifier, open_note

_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`entry` stands at `index` of the log that signed the checkpoint `note`; `proof` leads to its root."""

    index: int
    proof: tuple[bytes, ...]
    note: bytes
    entry: bytes

    def encode(self) -> bytes:
        """The text of a `.tlog-proof` file."""
        lines = [_FIRST, f"extra {_encode(self.entry)}", f"index {self.index}", *map(_encode, self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Read a receipt without believing it; `verify_receipt` verifies. Raises ProofError."""
        head, _, note = data.partition(b"\n\n")
        try:
            first, extra, index, *proof = head.decode().split("\n")
            receipt = cls(
                int(index.removeprefix("index ")),
                tuple(base64.b64decode(line, validate=True) for line in proof),
                note,
                base64.b64decode(extra.removeprefix("extra "), validate=True),
            )
        except ValueError:
            raise ProofError("this is no receipt: it is not of the form of a .tlog-proof with its entry") from None
        # One text a receipt: no second spelling of a number or of base64.
        if first != _FIRST or receipt.encode() != data:
            raise ProofError("this is no receipt: a line is not as a .tlog-proof has it")
        return receipt


def verify_receipt(
    data: bytes,
    log: Sequence[Verifier],
    origin: str | None = None,
    witnesses: Sequence[Verifier] = (),
    quorum: int = 0,
) -> tuple[Receipt, Checkpoint]:
    """Check a receipt against the log's public keys alone; what it says, once that is proved.

    At least `quorum` of `witnesses` must have cosigned the checkpoint. Raises ProofError and NoteError.
    """
    receipt = Receipt.parse(data)
    checkpoint = open_checkpoint(receipt.note, log, origin)
    if quorum:
        seen = {signature.name for signature in open_note(receipt.note, witnesses).signatures}
        if len(seen) < quorum:
            raise ProofError(f"{len(seen)} of the witnesses cosigned the checkpoint, {quorum} must have")
    leaf = leaf_hash(receipt.entry)
    verify_inclusion(leaf, receipt.index, checkpoint.size, receipt.proof, checkpoint.root)
    return receipt, checkpoint


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
