"""Screening: is this organization one that policies speak of, under another name?

No matcher suffices: identifiers, aliases and two scorers, and any hit means that a person decides. `token_sort`
finds misspellings; `token_set` finds a known name inside a longer one, and calls every "Ice Cream Enterprises"
ICE, so that names of one short word count only when they are the whole name, or stand in it as an acronym does.
"""

from __future__ import annotations

import tomllib
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec
from fingerprints import clean_name_ascii, remove_types
from normality import ascii_text
from normality.transliteration import ICUWarning
from rapidfuzz import fuzz, process

from regard.stewardship.parties.organization import AGENCY_CODE, NAICS, Organization, Standing, identified
from regard.stewardship.policy import vocabulary

AGENCIES_FILE = Path(__file__).with_name("agencies.toml")
MISSPELT = 85.0  # of 100 by token_sort: 94 % of 500 misspelt names, no false alarm among 120 others
CONTAINED = 95.0  # of 100 by token_set
_LEAST_LETTERS = 7  # in a name of one word that may be found inside a longer one
_MOST_ACRONYM = 5  # letters
_SHOUTED = 2  # words in capitals, from which on a name is written so, as award data writes all
_WORDS = frozenset({"ice"})  # acronyms that are words too


class Agency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public body that is known by name, and perhaps by code."""

    name: str
    sector: str
    aliases: tuple[str, ...] = ()
    code: str | None = None


class Industry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An industry code that speaks for a sector."""

    naics: str
    title: str
    sector: str


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that bodies of a sector have in their names, wherever they are."""

    words: tuple[str, ...]
    sector: str


class _Agencies(msgspec.Struct, frozen=True):
    agency: tuple[Agency, ...]
    industry: tuple[Industry, ...]
    phrase: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """One name to look for, as compared, and whose it is."""

    compared: str
    name: str
    sector: str
    refused: bool = False
    acronym: bool = False


def screen(entering: Sequence[Organization], registered: Sequence[Organization]) -> list[list[dict[str, Any]]]:
    """The evidence on each that enters: what it shares with listed agencies and with those who are `registered`
    in a watched sector or refused. Any evidence is for a person to judge; none is an empty list."""
    watched = [
        each for each in registered if each.standing is Standing.REFUSED or vocabulary.sectors()[each.sector].watched
    ]
    names = _watched_names(watched)
    return [
        _unless_declared([*_by_identifier(each, watched), *_by_name(each, names), *_by_word(each, names)], each)
        for each in entering
    ]


# Without ICU's bindings, which ship no wheel, normality says so at its first use; unidecode serves these names as well.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ICUWarning)
    ascii_text("é")


@cache
def agencies() -> _Agencies:
    """The list that ships."""
    return msgspec.convert(tomllib.loads(AGENCIES_FILE.read_text()), _Agencies)


def sector_of_code(code: str) -> str:
    """The sector of a public body by its agency code: "government" for one that the list does not have."""
    return next((each.sector for each in agencies().agency if each.code == code), "government")


@lru_cache(maxsize=65_536)
def comparable(name: str) -> str:
    """A name as it is compared: lower case, without accents, punctuation and legal forms."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    # A name of nothing but a legal form, or of one letter, is compared as it stands: two of them are not one.
    return remove_types(letters) or clean_name_ascii(letters) or letters.casefold().strip()


def _watched_names(watched: Iterable[Organization]) -> list[Watched]:
    listed = [(each.name, each.aliases, each.sector, False) for each in agencies().agency]
    entered = [(each.name, each.aliases, each.sector, each.standing is Standing.REFUSED) for each in watched]
    return [
        Watched(comparable(alias), name, sector, refused, alias.isupper() and len(alias) <= _MOST_ACRONYM)
        for name, aliases, sector, refused in (*listed, *entered)
        for alias in (name, *aliases)
    ]


def _by_identifier(organization: Organization, watched: Iterable[Organization]) -> list[dict[str, Any]]:
    hits = []
    own = {identified(*each) for each in organization.identifiers}
    for agency in agencies().agency:
        if agency.code and (AGENCY_CODE, agency.code) in own:
            hits.append(_hit("identifier", f"{AGENCY_CODE} {agency.code}", agency.name, agency.sector, 100))
    for industry in agencies().industry:
        if (NAICS, industry.naics) in own:
            hits.append(_hit("identifier", f"{NAICS} {industry.naics}", industry.title, industry.sector, 100))
    for each in watched:
        if each.id != organization.id:
            hits += [
                _hit("identifier", " ".join(shared), each.name, each.sector, 100, each.standing is Standing.REFUSED)
                for shared in sorted(own & {identified(*pair) for pair in each.identifiers})
                if shared[0] != NAICS
            ]
    return hits


def _by_name(organization: Organization, watched: list[Watched]) -> list[dict[str, Any]]:
    choices = [each.compared for each in watched]
    found: dict[str, dict[str, Any]] = {}
    for name in (organization.name, *organization.aliases):
        plain = comparable(name)
        for scorer, least in ((fuzz.token_sort_ratio, MISSPELT), (fuzz.token_set_ratio, CONTAINED)):
            for _, score, at in process.extract(plain, choices, scorer=scorer, score_cutoff=least, limit=5):
                match = watched[at]
                if _telling(plain, match.compared):
                    hit = _hit("name", name, match.name, match.sector, score, match.refused)
                    found.setdefault(match.name, hit)
    return list(found.values())


def _by_word(organization: Organization, watched: list[Watched]) -> list[dict[str, Any]]:
    """Acronyms of watched names, and words of their trade, in a name that is none of theirs."""
    acronyms = {each.compared: each for each in watched if each.acronym}
    hits: list[dict[str, Any]] = []
    for name in (organization.name, *organization.aliases):
        plain = f" {comparable(name)} "
        for phrase in agencies().phrase:
            hits += [_hit("word", name, word, phrase.sector, 100) for word in phrase.words if f" {word} " in plain]
        for word in _acronyms(name):
            if (known := acronyms.get(word)) and plain.strip() != word:
                hits.append(_hit("acronym", name, known.name, known.sector, 100, known.refused))
    return hits


def _acronyms(name: str) -> set[str]:
    """The words of a name that may be acronyms; one that is a word too, only if capitals tell it from the others."""
    words = name.replace(".", "").split()
    shouted = len(words) > _SHOUTED and name == name.upper()
    return {
        word.casefold()
        for word in (each.strip("()[],;:'\"") for each in words)
        if word.casefold() not in _WORDS or (word.isupper() and not shouted)
    }


def _telling(plain: str, known: str) -> bool:
    """Whether the likeness says anything: a short word is no name but its own."""
    shorter = min(plain, known, key=len)
    return plain == known or " " in shorter or len(shorter) >= _LEAST_LETTERS


def _unless_declared(hits: list[dict[str, Any]], organization: Organization) -> list[dict[str, Any]]:
    """Who says itself what it is needs nobody to find out; but who was refused does not come in by saying it again."""
    watched = vocabulary.sectors()[organization.sector].watched
    return [hit for hit in hits if hit.get("refused") or not watched or hit["sector"] != organization.sector]


def _hit(how: str, what: str, known: str, sector: str, score: float, refused: bool = False) -> dict[str, Any]:
    hit = {"by": how, "found": what, "resembles": known, "sector": sector, "score": round(score, 1)}
    return hit | ({"refused": True} if refused else {})
