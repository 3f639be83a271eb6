"""The keys that sign the log. While one replaces another both sign, so that whoever knows either can verify."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from regard.ledger.notes import Note, Signer, Verifier
from regard.stewardship.member_keys import operator_key, read_signer


class NotRotated(RuntimeError):
    """A key cannot be added or retired now; the text says why."""


class LogKeys:
    """Private keys in `log.key`, one a line, the newest last; the public halves of earlier ones in `log.retired`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Read the keys of the log `name`; the first is made on first use."""
        self._name = name
        self._file = folder / "log.key"
        self._retired = folder / "log.retired"
        if not self._file.exists():
            operator_key(self._file, name)

    @property
    def signers(self) -> list[Signer]:
        """The keys that sign, the oldest first: one, or two while one replaces the other."""
        lines = self._file.read_text().splitlines()
        if lines[0].startswith("PRIVATE+KEY+"):
            return [Signer.parse(line) for line in lines]
        return [read_signer(self._name, self._file)]

    @property
    def verifiers(self) -> list[Verifier]:
        """The public keys of all periods."""
        retired = self._retired.read_text().splitlines() if self._retired.exists() else []
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
        with self._retired.open("a") as retired:
            retired.write(f"{old.verifier}\n")
            retired.flush()
            os.fsync(retired.fileno())
        self._write(new)
        return old.verifier

    def _write(self, signers: Sequence[Signer]) -> None:
        unfinished = self._file.with_name(".log.key.new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{signer.encode()}\n" for signer in signers)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._file)
