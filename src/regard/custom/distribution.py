"""Which entries go to the test: a fifth, of each label about a fifth, and the same each time."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

from regard.custom.judged import Judged

SHARE = 0.2  # AWS's
# Of a label one picture stays to be learned from, and one goes to be tested with.
LEAST_IMAGES = 2

# What decides who goes first, and the id of an entry.
_Ranked = tuple[bytes, int]


class TooFewImages(ValueError):
    """Labels have too few pictures to be in both; the text names them."""

    def __init__(self, names: list[str]) -> None:
        named = ", ".join(f"“{name}”" for name in names[:10]) + (" …" if len(names) > 10 else "")
        super().__init__(f"Each label needs at least {LEAST_IMAGES} labeled images; add some with {named}.")


def chosen(lines: Iterable[tuple[int, Judged]]) -> list[int]:
    """The ids of entries that go to the test, in the order of the lines.

    Labels are served in turn, the rarest first: each sends a fifth of the entries that have it, at least one, those
    counted that went with another label already; and none that is the last one of a label to stay. What cannot be
    learned from goes by the same share. Which entries, a digest of their source-ref says. Raises TooFewImages.
    """
    named, bare, names_of = defaultdict[str, list[_Ranked]](list), list[_Ranked](), dict[int, tuple[str, ...]]()
    for number, line in lines:
        ranked = hashlib.sha256(line.source.encode()).digest()[:8], number
        names_of[number] = tuple(map(sys.intern, line.names))
        for each in [named[name] for name in names_of[number]] or [bare]:
            each.append(ranked)
    if few := sorted(name for name, of in named.items() if len(of) < LEAST_IMAGES):
        raise TooFewImages(few)
    gone, went = set[int](), Counter[str]()
    for name in sorted(named, key=lambda each: (len(named[each]), each)):
        wanted = max(1, round(SHARE * len(named[name])))
        for _, number in sorted(named[name]):
            if went[name] >= wanted:
                break
            if number not in gone and all(went[each] + 1 < len(named[each]) for each in names_of[number]):
                gone.add(number)
                went.update(names_of[number])
    gone.update(number for _, number in sorted(bare)[: round(SHARE * len(bare))])
    return [number for number in names_of if number in gone]
