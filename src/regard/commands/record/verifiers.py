"""Public keys on the command line: as they are written, or in a file that holds one a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regard.ledger.tree.notes import KeyFormatError, Verifier


def read_verifiers(given: Sequence[str]) -> list[Verifier]:
    """The keys that are given, each as text or as the name of a file. Raises KeyFormatError."""
    return [verifier for each in given for verifier in _read(each)]


def _read(given: str) -> list[Verifier]:
    file = Path(given)
    if not file.is_file():
        if "+" not in given:
            raise KeyFormatError(f"{given} is neither a file nor a key of the form name+hash+key")
        return [Verifier.parse(given)]
    lines = [line.strip() for line in file.read_text().splitlines()]
    return [Verifier.parse(line) for line in lines if line and not line.startswith("#")]
