"""Names and words that others wrote, as people may be shown them: without characters that nobody sees, or that turn
what is seen.
"""

from __future__ import annotations

from unicodedata import category

# Control characters steer a terminal; format characters turn the direction of writing, or part a word unseen; halves of
# a pair cannot be written at all (Unicode's general categories).
_HIDDEN = ("Cc", "Cf", "Cs")
# Format characters too, but Persian, Sinhala and others spell with them.
_JOINERS = "\u200c\u200d"


def legible(name: str) -> str:
    """A name in one line, without control and format characters; all kinds of blanks are spaces, none at the ends."""
    if name.isprintable():
        return name.strip()
    return " ".join("".join(" " if each.isspace() else each for each in name if _is_shown(each)).split())


def shown(words: str) -> str:
    """Words of any number of lines, without control characters, but tabs and ends of lines, and format characters."""
    return words if words.isprintable() else "".join(each for each in words if each in "\n\t" or _is_seen(each))


def _is_shown(letter: str) -> bool:
    return letter.isspace() or _is_seen(letter)


def _is_seen(letter: str) -> bool:
    return letter in _JOINERS or category(letter) not in _HIDDEN
