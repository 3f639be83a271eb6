"""RFC 6962, section 2.1, word for word: slow and obvious, to hold the engines against."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def root(entries: Sequence[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + root(entries[:k]) + root(entries[k:])).digest()


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*path(index, entries[:k]), root(entries[k:])]
    return [*path(index - k, entries[k:]), root(entries[:k])]


def proof(old: int, entries: Sequence[bytes]) -> list[bytes]:
    return subproof(old, entries, True)


def subproof(old: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [root(entries)]
    k = split(len(entries))
    if old <= k:
        return [*subproof(old, entries[:k], whole), root(entries[k:])]
    return [*subproof(old - k, entries[k:], False), root(entries[:k])]
