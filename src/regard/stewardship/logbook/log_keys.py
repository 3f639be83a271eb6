"""The keys that sign the log. While one replaces another both sign, so that whoever knows either can verify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, select, update

from regard.database import RECORDS, asking, insert_new, writing
from regard.files import make_private, replace_private
from regard.ledger.log.tables import files
from regard.ledger.tree.notes import Note, Signer, Verifier
from regard.sealing import SealingKey, read_private

_KEYS, _RETIRED = "log.key", "log.retired"


class NotRotated(RuntimeError):
    """A key cannot be added or retired now; the text says why."""


class KeyFiles(Protocol):
    """A store of short texts by name: the log's private keys, and the public halves of retired ones."""

    def read(self, name: str) -> str:
        """A text; empty where there is none."""

    def make(self, name: str, text: str) -> None:
        """Keep a text, unless there is one."""

    def write(self, name: str, text: str) -> None:
        """Keep a text in place of what there is, durably."""


class FolderKeys:
    """Key files in a folder, for their owner alone. Those with private keys are refused where others may read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str:
        """A text; empty where there is none. Raises PermissionError."""
        path = self._folder / name
        if not path.exists():
            return ""
        return path.read_text() if name == _RETIRED else read_private(path).decode()

    def make(self, name: str, text: str) -> None:
        """Keep a text, unless there is one."""
        make_private(self._folder / name, text.encode())

    def write(self, name: str, text: str) -> None:
        """Keep a text in place of what there is, durably."""
        replace_private(self._folder / name, text.encode())


class SharedKeys:
    """Key files beside the files of a shared log, sealed under the master key."""

    _FOLDER = "keys"

    def __init__(self, engine: Engine, key: SealingKey) -> None:
        self._engine = engine
        self._key = key

    def read(self, name: str) -> str:
        """A text; empty where there is none. Raises SealBroken."""
        wanted = select(files.c.data).where(files.c.folder == self._FOLDER, files.c.name == name)
        with asking(self._engine) as connection:
            sealed = connection.execute(wanted).scalar()
        return "" if sealed is None else self._key.open(sealed, _context(name)).decode()

    def make(self, name: str, text: str) -> None:
        """Keep a text, unless there is one."""
        row = {"folder": self._FOLDER, "name": name, "part": 0, "data": self._key.seal(text.encode(), _context(name))}
        with writing(self._engine, RECORDS) as connection:
            insert_new(connection, files, [row])

    def write(self, name: str, text: str) -> None:
        """Keep a text in place of what there is, durably."""
        self.make(name, text)
        sealed = self._key.seal(text.encode(), _context(name))
        with writing(self._engine, RECORDS) as connection:
            place = (files.c.folder == self._FOLDER) & (files.c.name == name)
            connection.execute(update(files).where(place).values(data=sealed))


def shared_key(engine: Engine, name: str) -> bool:
    """Whether there is a text of this name among those of a shared log, whether or not it opens."""
    wanted = select(files.c.part).where(files.c.folder == SharedKeys._FOLDER, files.c.name == name)
    with asking(engine) as connection:
        return connection.execute(wanted).first() is not None


class LogKeys:
    """Private keys in `log.key`, one a line, the newest last; the public halves of earlier ones in `log.retired`."""

    def __init__(self, kept: KeyFiles, name: str) -> None:
        """Read the keys of the log `name`; the first is made on first use."""
        self._name = name
        self._kept = kept
        if not kept.read(_KEYS):
            kept.make(_KEYS, f"{Signer.generate(name).encode()}\n")

    @property
    def signers(self) -> list[Signer]:
        """The keys that sign, the oldest first: one, or two while one replaces the other."""
        text = self._kept.read(_KEYS)
        if text.startswith("PRIVATE+KEY+"):
            return [Signer.parse(line) for line in text.splitlines()]
        return [Signer.from_openssh(self._name, text.encode(), None)]

    @property
    def verifiers(self) -> list[Verifier]:
        """The public keys of all periods."""
        retired = self._kept.read(_RETIRED).splitlines()
        return [*(signer.verifier for signer in self.signers), *map(Verifier.parse, retired)]

    def add(self) -> Verifier:
        """Add a key, which signs beside the other from the next start on. Raises NotRotated."""
        signers = self.signers
        if len(signers) > 1:
            raise NotRotated("two keys sign the log already: retire the older one first")
        added = Signer.generate(self._name)
        self._write([*signers, added])
        return added.verifier

    def retire(self, newest: bytes) -> Verifier:
        """Let the older key sign no more from the next start on. Raises NotRotated.

        `newest` is the newest checkpoint: it has to have the newer key's signature, by which the log knows it again.
        """
        old, *new = self.signers
        if not new:
            raise NotRotated("one key alone signs the log: add another first")
        known = {signature.key_id for signature in Note.parse(newest).signatures}
        origin = newest.decode().partition("\n")[0]
        if not {signer.renamed(origin).verifier.key_id for signer in new} & known:
            raise NotRotated("the newer key has not signed the log yet: start the service with both first")
        # First of all the public half is kept: without it nobody could verify what the key signed.
        self._kept.write(_RETIRED, f"{self._kept.read(_RETIRED)}{old.verifier}\n")
        self._write(new)
        return old.verifier

    def _write(self, signers: Sequence[Signer]) -> None:
        self._kept.write(_KEYS, "".join(f"{signer.encode()}\n" for signer in signers))


def _context(name: str) -> bytes:
    return f"log/{name}".encode()
