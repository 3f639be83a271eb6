"""Suppression of small counts in tables that are published. People kept from being enrolled are in `people.erasure`.

The total of a table counts as known: it can be counted in the log, and other tables have the same. So a count below
`k` that alone is left out could be had by subtraction. With the small counts one more is withheld, the first by name
that is not small. Which one that is depends on no hidden count, and the rest is shown only where the sum of what is
left out allows for each small count every value from 1 to k − 1: who knows this program and the total learns no more
than "<k". Where that sum is too small, the table is not broken down at all, so that not even its names tell.

A table whose rows name nobody's kind, such as operations, needs no such care: see :func:`small_unsaid`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

K = 5
WITHHELD = "withheld"


class Breakdown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A total and what may be told of its parts.

    `rows` holds a count of at least k, "<k" or "withheld" by name, and is None where nothing may be told. `together` is
    what the rows without a figure come to.
    """

    total: int
    rows: dict[str, int | str] | None = None
    together: int = 0


def suppressed(counts: Mapping[str, int], k: int = K) -> Breakdown:
    """What may be shown of `counts`, which are at least 1 each and whose sum is known."""
    total = sum(counts.values())
    small = [name for name, count in counts.items() if count < k]
    if not small:
        return Breakdown(total, dict(sorted(counts.items())))
    withheld = min((name for name, count in counts.items() if count >= k), default=None)
    left_out = sum(counts[name] for name in (*small, *([withheld] if withheld else ())))
    # With all other small ones at 1 and this one at k - 1, the one withheld must still be able to be k.
    if withheld is None or left_out < (k - 1) + (len(small) - 1) + k:
        return Breakdown(total)
    rows: dict[str, int | str] = {
        name: f"<{k}" if count < k else WITHHELD if name == withheld else count
        for name, count in sorted(counts.items())
    }
    return Breakdown(total, rows, left_out)


def small_unsaid(counts: Mapping[str, int], k: int = K) -> Breakdown:
    """All of `counts` but the small ones, which are shown as "<k", and nothing withheld beside them.

    For rows that say nothing of who acted: each entry of the log has its row in the clear, and whoever counts them, or
    subtracts where one alone is small, has them all. They are only not pointed at.
    """
    small = [name for name, count in counts.items() if count < k]
    rows: dict[str, int | str] = {name: f"<{k}" if name in small else count for name, count in sorted(counts.items())}
    together = sum(counts[name] for name in small) if len(small) > 1 else 0
    return Breakdown(sum(counts.values()), rows, together)
