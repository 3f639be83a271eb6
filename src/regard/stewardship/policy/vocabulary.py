"""The vocabulary that organizations and keys are described in: the sectors and the purposes, read from TOML."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

SECTORS_FILE = Path(__file__).with_name("sectors.toml")
PURPOSES_FILE = Path(__file__).with_name("purposes.toml")
BASES = ("none", "attested", "consent")


class UnknownWord(ValueError):
    """A sector, purpose or basis that is not in the vocabulary; the text lists what is."""


class Sector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an organization does. A policy may refuse whoever reaches a `watched` sector through partners."""

    sentence: str
    watched: bool


class Purpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key is for. `floor` is a similarity from 0 to 100. `operations` are reserved to it, and it to them.

    `notice` is after how many hours people whom a search of its collections finds are told; None stands for not at all.
    """

    sentence: str
    floor: float
    rights: bool
    basis: str
    operations: tuple[str, ...] = ()
    notice: int | None = None


@cache
def sectors() -> dict[str, Sector]:
    """Every sector by its name."""
    return msgspec.convert(tomllib.loads(SECTORS_FILE.read_text()), dict[str, Sector])


@cache
def purposes() -> dict[str, Purpose]:
    """Every purpose by its name, as shipped; a policy carries the ones in force."""
    return read_purposes(PURPOSES_FILE.read_text())


def read_purposes(text: str) -> dict[str, Purpose]:
    """The purposes that the TOML `text` lists. Raises ValueError."""
    return msgspec.convert(tomllib.loads(text), dict[str, Purpose])


def require_sector(name: str) -> str:
    """`name`, if it is a sector. Raises UnknownWord."""
    return _require(name, sectors(), "sector")


def require_purpose(name: str) -> str:
    """`name`, if it is a purpose. Raises UnknownWord."""
    return _require(name, purposes(), "purpose")


def require_basis(name: str) -> str:
    """`name`, if a collection may stand on it. Raises UnknownWord."""
    return _require(name, BASES, "basis")


def _require(name: str, known: dict[str, Sector] | dict[str, Purpose] | tuple[str, ...], kind: str) -> str:
    if name not in known:
        raise UnknownWord(f"{name!r} is no {kind}. There are: {', '.join(known)}.")
    return name
