"""Traits of people that no label of one's own may infer, found in the names of labels: `traits.toml` has the words.

A name is taken apart into words, whatever joins them (`SadFace`, `sad_face`, `sad-face`), without accents, case, wide
letters, letters that only look alike and figures in the place of letters. What is an inflection or a compound of a word
is found where the vocabulary says so. Which of them are refused is in `custom_labels`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from unicodedata import category, normalize

import msgspec

TRAITS = ("race", "ethnicity", "religion", "orientation", "health", "emotion")
TRAITS_FILE = Path(__file__).with_name("traits.toml")

# Letters of other scripts that are read as Latin ones, and figures that stand for letters within a word.
_ALIKE = str.maketrans("аеорсухіјѕԁһӏкмтвпοαειρυνκ", "aeopcyxijsdhlkmtbnoaeipuvk")
_FIGURES = [str.maketrans("0134578@$", f"o{one}eastbas") for one in "il"]
# Letters with a stroke and the like do not come apart into a letter and a mark.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_HUMPS = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[^\W_]+(?:[@$][^\W_]+)*", re.UNICODE)
# Marks that make no other letter, but for the voicing of kana; and the line that only stretches Arabic words.
_MARKS, _KANA, _STRETCH = ("Mn", "Cf"), "\u3099\u309a", "\u0640"
_ARTICLES = ("ال", "وال", "بال", "لل")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words by language. `plain` ones say the trait; `ambiguous` ones also name things that are no trait at all."""

    sentence: str
    plain: dict[str, list[str]]
    ambiguous: dict[str, list[str]]


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of each trait, those that speak of `people`, and names that only look like a trait (`harmless`)."""

    people: dict[str, list[str]]
    harmless: dict[str, list[str]]
    race: Words
    ethnicity: Words
    religion: Words
    orientation: Words
    health: Words
    emotion: Words


@dataclass(frozen=True, slots=True)
class Found:
    """A trait in a name. `certain` is false where the word may as well name a thing; `word` is the vocabulary's."""

    trait: str
    word: str
    certain: bool


@dataclass(frozen=True, slots=True)
class _Name:
    """The words of a text, and all of them without what joins them where there are several."""

    words: tuple[str, ...]
    joined: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word of the vocabulary as it is looked for: parts in a row, whole, a beginning (`x*`) or a part (`*x*`)."""

    word: str
    parts: tuple[str, ...]

    def stands_in(self, name: _Name) -> bool:
        whole = "".join(self.parts)
        # What is spelt apart, or run together. Only a beginning of that is no word: "cat, holic" is not catholic.
        if name.joined == whole or (whole.startswith("*") and _fits(whole, name.joined)):
            return True
        if len(self.parts) == 1:
            return any(_fits(whole, word) for word in name.words)
        rows = (name.words[at : at + len(self.parts)] for at in range(len(name.words) - len(self.parts) + 1))
        if any(all(map(_fits, self.parts, row)) for row in rows):
            return True
        return any(_fits(whole, word) for word in name.words)


@lru_cache(maxsize=4096)
def found_in(name: str) -> tuple[Found, ...]:
    """The traits that a text speaks of, each once, certain ones first; most names speak of none.

    An ambiguous word is certain where the same text speaks of people: `white` may be paint, `white man` is not.
    """
    entries = _entries()
    read = _name(name, entries.as_written)
    covered = [entry for entry in entries.harmless if entry.stands_in(read)]
    if covered:
        left = {word for word in read.words if not any(_fits(part, word) for each in covered for part in each.parts)}
        read = _Name(tuple(word for word in read.words if word in left))
    of_people = any(entry.stands_in(read) for entry in entries.people)
    found: dict[str, Found] = {}
    for trait in TRAITS:
        plain = next((each for each in entries.plain[trait] if each.stands_in(read)), None)
        other = plain or next((each for each in entries.ambiguous[trait] if each.stands_in(read)), None)
        if other is not None:
            found[trait] = Found(trait, other.word, plain is not None or of_people)
    return tuple(sorted(found.values(), key=lambda each: not each.certain))


def speaks_of_people(text: str) -> bool:
    """Whether a text has a word for people, their faces or their skin."""
    read = _name(text, frozenset())
    return any(entry.stands_in(read) for entry in _entries().people)


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary that ships."""
    return msgspec.convert(tomllib.loads(TRAITS_FILE.read_text(encoding="utf-8")), Vocabulary)


@dataclass(frozen=True, slots=True)
class _Entries:
    as_written: frozenset[str]
    people: tuple[_Entry, ...]
    harmless: tuple[_Entry, ...]
    plain: Mapping[str, tuple[_Entry, ...]]
    ambiguous: Mapping[str, tuple[_Entry, ...]]


@cache
def _entries() -> _Entries:
    words = vocabulary()
    of = {trait: getattr(words, trait) for trait in TRAITS}
    single = {each for those in words.harmless.values() for each in those if " " not in each}
    rows = {language: [each for each in those if " " in each] for language, those in words.harmless.items()}
    return _Entries(
        frozenset(normalize("NFC", each).casefold() for each in single),
        _read(words.people),
        _read(rows),
        {trait: _read(each.plain) for trait, each in of.items()},
        {trait: _read(each.ambiguous) for trait, each in of.items()},
    )


def _read(words: Mapping[str, Iterable[str]]) -> tuple[_Entry, ...]:
    found: dict[tuple[str, ...], _Entry] = {}
    for each in (word for those in words.values() for word in those):
        for form in (each, normalize("NFC", each).casefold().translate(_UMLAUTS)):
            parts = tuple(_stars(part) for part in form.split())
            found.setdefault(parts, _Entry(each, parts))
    return tuple(found.values())


def _stars(part: str) -> str:
    before, after = part.startswith("*"), part.endswith("*")
    return f"{'*' * before}{_plain_letters(part.strip('*'))}{'*' * after}"


def _fits(part: str, word: str) -> bool:
    """Whether a word of a name is what a part of an entry says."""
    letters = part.strip("*")
    if part.startswith("*"):
        return letters in word if part.endswith("*") else word.endswith(letters)
    return word.startswith(letters) if part.endswith("*") else word == letters


def _name(text: str, harmless: frozenset[str]) -> _Name:
    """The words of a text but those that are `harmless` as they are written.

    Each stands there also without an Arabic article, and with figures read as the letters they stand for.
    """
    words: dict[str, None] = {}
    row: list[str] = []
    for raw in _WORDS.findall(_HUMPS.sub(" ", normalize("NFKC", text))):
        if raw.casefold() in harmless:
            continue
        row.append(word := _plain_letters(raw))
        bare = next((word.removeprefix(each) for each in _ARTICLES if word.startswith(each)), word)
        for other in (word, bare, *_said(raw)):
            if other:
                words[other] = None
    # In a row first, for entries of several words; what they may also be read as comes after.
    rest = [word for word in words if word not in row]
    joined = "".join(row)
    return _Name((*row, *rest), joined if len(row) > 1 else "")


def _said(raw: str) -> Iterator[str]:
    if any(sign.isdigit() or sign in "@$" for sign in raw) and any(sign.isalpha() for sign in raw):
        yield from (_plain_letters(raw.translate(each)) for each in _FIGURES)
        yield _plain_letters("".join(sign for sign in raw if not sign.isdigit()))


def _plain_letters(text: str) -> str:
    folded = normalize("NFKC", text).casefold().replace(_STRETCH, "").translate(_STROKES)
    bare = "".join(sign for sign in normalize("NFKD", folded) if category(sign) not in _MARKS or sign in _KANA)
    # Only where some letters are Latin do others stand for Latin ones: a Russian word is Russian.
    return bare.translate(_ALIKE) if any("a" <= sign <= "z" for sign in bare) else normalize("NFC", bare)
