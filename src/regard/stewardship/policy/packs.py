"""Packs: everything that a decision depends on, as one text with a hash, so that a vote can name it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from regard.ledger.tree.entries import canonical
from regard.stewardship.policy import vocabulary

POLICIES = Path(__file__).with_name("policies")
FIRST_PACK, OPEN_PACK = "moratorium", "open"


class BadPack(ValueError):
    """A text that is no pack, or not the one it should be; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules and schema in Cedar, purposes and sectors in TOML."""

    name: str
    rules: str
    schema: str
    purposes: str
    sectors: str

    @classmethod
    def shipped(cls, name: str) -> Pack:
        """The pack of this name that ships with the service. Raises BadPack."""
        file = POLICIES / f"{name}.cedar"
        if name not in names() or not file.is_file():
            raise BadPack(f"no pack {name!r} ships. There are: {', '.join(names())}.")
        return cls.from_file(file, name)

    @classmethod
    def from_file(cls, file: Path, name: str | None = None) -> Pack:
        """A pack with the rules in `file` and the shipped schema and vocabularies."""
        return cls(
            name=name or file.stem,
            rules=file.read_text(),
            schema=(POLICIES / "schema.cedarschema").read_text(),
            purposes=vocabulary.PURPOSES_FILE.read_text(),
            sectors=vocabulary.SECTORS_FILE.read_text(),
        )

    @classmethod
    def from_text(cls, text: str, expected: str) -> Pack:
        """Read what :attr:`text` gave. Raises BadPack when its hash is not `expected`."""
        found = hashlib.sha256(text.encode()).hexdigest()
        if found != expected:
            raise BadPack(f"the policy was changed behind the vote: it has hash {found}, not {expected}")
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as error:
            raise BadPack(f"the policy cannot be read: {error}") from None

    @property
    def text(self) -> str:
        """The whole pack in one canonical text."""
        return canonical(msgspec.to_builtins(self)).decode()

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def names() -> list[str]:
    """The packs that ship."""
    return sorted(file.stem for file in POLICIES.glob("*.cedar"))
