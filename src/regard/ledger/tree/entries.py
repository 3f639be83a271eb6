"""Entries as bytes: canonical JSON (RFC 8785), one text a meaning, so that anyone can hash what they read. What they
say is :mod:`regard.stewardship.logbook.entries`'s.
"""

from __future__ import annotations

from typing import Any

import rfc8785

from regard.ledger.tree.tiles import MOST_ENTRY_BYTES


class EntryError(ValueError):
    """What cannot be an entry; the text says why."""


def canonical(entry: dict[str, Any]) -> bytes:
    """The bytes of `entry`: names sorted, no spaces, at most 65,535 bytes. Raises EntryError."""
    try:
        data = rfc8785.dumps(entry)
    except rfc8785.CanonicalizationError as error:
        raise EntryError(f"not JSON: {error}") from None
    if len(data) > MOST_ENTRY_BYTES:
        raise EntryError(f"the entry has {len(data)} bytes; at most {MOST_ENTRY_BYTES} fit")
    return data
