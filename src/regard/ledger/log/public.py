"""The public files of one log as its writer publishes them: checkpoint, tiles and entries, static files for any web
server. Whoever only reads has :mod:`.served`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.merkle import inclusion_proof
from regard.ledger.tree.notes import Note, Verifier, open_note
from regard.ledger.tree.proof import Receipt
from regard.ledger.tree.tiles import ENTRIES, WIDTH, Tile, TileNodes, read_bundle

CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Head:
    """A public state: the checkpoint as a note, the same read, and the hashes below it."""

    note: bytes
    checkpoint: Checkpoint
    nodes: TileNodes


class Public:
    """The public folder of one log. A checkpoint appears in it only after every file that it needs."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder = folder
        self._disk = disk
        self._lock = threading.Lock()
        self._head: Head | None = None

    @property
    def head(self) -> Head | None:
        """The state that was published last, or None."""
        return self._head

    def fetch(self, path: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        return self._disk.read(self.folder / path)

    def set_head(self, note: bytes, checkpoint: Checkpoint) -> Head:
        """Take `note` as published already."""
        self._head = Head(note, checkpoint, TileNodes(checkpoint.size, self.fetch))
        return self._head

    def write(
        self,
        note: bytes,
        checkpoint: Checkpoint,
        filled: Sequence[tuple[Tile, bytes]],
        begun: Sequence[tuple[Tile, bytes]],
    ) -> None:
        """Publish tiles, and then the checkpoint over them. Raises OSError and WrittenTwice."""
        folders: set[Path] = set()
        for tile, data in (*filled, *begun):
            path = self.folder / tile.path
            folders |= {path.parent} | self._disk.folder(path.parent)
            self._disk.write_once(path, data)
        self._disk.settle(sorted(folders))
        with self._lock:
            self._disk.replace(self.folder / CHECKPOINT, note)
            self.set_head(note, checkpoint)
        for tile, _ in filled:
            self._remove_begun(tile)

    def cosign(self, signatures: bytes, log: Sequence[Verifier], witnesses: Sequence[Verifier]) -> int:
        """Put cosignatures under the checkpoint; how many of `witnesses` have signed it by now.

        Raises NoteError for signatures that are not on the checkpoint as it stands.
        """
        with self._lock:
            if self._head is None:
                return 0
            whole = Note.parse(self._head.note + signatures).encode()
            note = open_note(whole, [*log, *witnesses])
            self._disk.replace(self.folder / CHECKPOINT, note.encode())
            self.set_head(note.encode(), self._head.checkpoint)
        signed = {signature.name for signature in note.signatures}
        return len(signed & {witness.name for witness in witnesses})

    def entry(self, index: int, head: Head) -> bytes:
        """The entry at `index`."""
        tile = Tile(ENTRIES, index // WIDTH).within(head.checkpoint.size)
        return read_bundle(tile, self.fetch)[index % WIDTH]

    def receipt(self, index: int, head: Head) -> Receipt:
        """The proof of the entry at `index`."""
        proof = inclusion_proof(index, head.checkpoint.size, head.nodes)
        return Receipt(index, tuple(proof), head.note, self.entry(index, head))

    def _remove_begun(self, tile: Tile) -> None:
        # The full tile begins with what each partial one held; readers of older checkpoints take it instead.
        folder = self.folder / f"{tile.path}.p"
        if begun := self._disk.names(folder):
            for name in begun:
                self._disk.remove(folder / name)
            self._disk.remove_folder(folder)
