"""A witness of other people's logs: it cosigns that a log only ever grew (C2SP `tlog-witness`). Bytes in, status and
bytes out. Our own log asks its witnesses in :mod:`.cosigning`.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.merkle import EMPTY_ROOT, Nodes, ProofError, consistency_proof, verify_consistency
from regard.ledger.tree.notes import Kind, Note, NoteError, Signer, UnsignedNote, Verifier

MOST_PROOF_LINES = 63

Answer = tuple[int, bytes]
"""An HTTP status and a body. A body under 409 is of type `text/x.tlog.size`."""


def request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of an `add-checkpoint` request: the checkpoint `note`, consistent with the size `old`."""
    lines = [f"old {old}", *(base64.b64encode(node).decode() for node in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


class WitnessError(RuntimeError):
    """A witness would not cosign; the text says why."""


class Contradicted(WitnessError):
    """A witness cosigned what our log is not, or not any more: it lost its end, or was rewritten."""


def collect(note: bytes, nodes: Nodes, send: Callable[[bytes], Answer], known: int = 0) -> bytes:
    """Ask a witness to cosign the checkpoint `note` over `nodes`: the signature lines that it answers.

    `send` posts a body to its `add-checkpoint`; `known` is the size that it cosigned last, as far as we know.
    Raises WitnessError, and of its kinds Contradicted.
    """
    size = Checkpoint.parse(Note.parse(note).text).size
    status, body = send(request(known, consistency_proof(known, size, nodes), note))
    if status == 409 and body.strip().isdigit():
        known = int(body)
        if known > size:
            raise Contradicted(f"the witness cosigned {known} entries of this log, which has {size}")
        status, body = send(request(known, consistency_proof(known, size, nodes), note))
    if status != 200:
        said = body[:200].decode(errors="replace").strip()
        kind = Contradicted if status in (409, 422) else WitnessError
        raise kind(f"the witness does not cosign {size} entries after {known}: {status}, {said!r}")
    return body


class Witness:
    """Remembers, for each log it knows by origin, the last checkpoint that it cosigned: one file a log."""

    def __init__(
        self, folder: Path, signer: Signer, logs: Mapping[str, Sequence[Verifier]], disk: Disk | None = None
    ) -> None:
        if signer.verifier.kind is not Kind.COSIGNATURE:
            raise ValueError("a witness signs with a key for cosignatures, not for notes")
        self._folder = folder
        self._signer = signer
        self._logs = logs
        self._disk = disk or Disk()
        self._lock = threading.Lock()
        self._disk.settle(self._disk.folder(folder))

    def add_checkpoint(self, body: bytes) -> Answer:
        """Cosign a checkpoint that extends the last one.

        200 with the cosignature; 400 for a malformed request; 403 when no known key signed; 404 for a log
        that is unknown; 409 with the size that is known when `old` is another, or when the root differs at
        the same size; 422 when the proof fails: the log was rewritten.
        """
        try:
            old, proof, note = _parse(body)
            parsed = Checkpoint.parse(Note.parse(note).text)
        except NoteError as error:
            return 400, f"{error}\n".encode()
        if parsed.origin not in self._logs:
            return 404, b"unknown log\n"
        try:
            checkpoint = open_checkpoint(note, self._logs[parsed.origin])
        except UnsignedNote as error:
            return 403, f"{error}\n".encode()
        if old > checkpoint.size:
            return 400, b"the old size is larger than the checkpoint's\n"
        with self._lock:
            return self._cosign(checkpoint, old, proof)

    def latest(self, origin: str) -> Checkpoint:
        """The last checkpoint that was cosigned for a log; the empty one before the first."""
        try:
            return Checkpoint.parse(self._path(origin).read_text())
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)

    def _cosign(self, checkpoint: Checkpoint, old: int, proof: Sequence[bytes]) -> Answer:
        latest = self.latest(checkpoint.origin)
        if old != latest.size or (old == checkpoint.size and checkpoint.root != latest.root):
            return 409, f"{latest.size}\n".encode()
        try:
            verify_consistency(old, checkpoint.size, latest.root, checkpoint.root, proof)
        except ProofError as error:
            return 422, f"{error}\n".encode()
        # Kept before it is signed: a witness that forgets could be shown another history.
        self._disk.replace(self._path(checkpoint.origin), checkpoint.text.encode())
        return 200, self._signer.sign(checkpoint.text).line().encode()

    def _path(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()


def _parse(body: bytes) -> tuple[int, list[bytes], bytes]:
    head, _, note = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
        old = int(first.removeprefix("old "))
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except ValueError:
        raise NoteError("the request has no old size and proof lines above the checkpoint") from None
    if len(proof) > MOST_PROOF_LINES or request(old, proof, note) != body or old < 0:
        raise NoteError("the old size or the proof is not of the form")
    return old, proof, note
