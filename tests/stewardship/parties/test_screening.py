from __future__ import annotations

import random

import pytest

from regard.stewardship.parties.organization import Organization, Standing
from regard.stewardship.parties.screening import agencies, comparable, screen

# Invented and ordinary names, among them near misses that a matcher trips over.
ORDINARY = [
    "Ice Cream Enterprises LLC", "Alice Springs Bakery", "Rice University Press", "Office Supplies Direct",
    "Ice Hockey League of the North", "Tsar Coffee GmbH", "Asian Food Market", "Media Central Ltd",
    "Deacon Brothers Inc", "Border Books and Records", "Patrol Bicycle Works", "Customs Brokers United",
    "Secret Garden Nursery", "National Geographic Prints", "Central Bakery Agency", "Bureau of Good Design",
    "Investment Bureau Federal Savings", "Transportation Museum", "Security Doors and Windows", "Drug Store No 7",
    "Enforcement of Happiness Theatre", "Marshals Garden Centre", "United Farmers Service", "Coast Guard Cafe",
    "Immigration Law Clinic of the Harbour", "Citizen Science Network", "European Coast Hotels", "Service Station 12",
    "Agency for Beautiful Things", "Intelligence Quotient Games", "Police Dog Films", "Justice League Comics",
    "Customs House Apartments", "Homeland Furniture", "Administration Software AG", "Law Books Online",
    "Cooperation of Cooks", "Protection Paints", "Frontier Textiles", "Polar Explorers",
]  # fmt: skip


def _hits(name: str, *registered: Organization, **given: object) -> list[dict[str, object]]:
    return screen([Organization("1", name, "technology", **given)], registered)[0]  # type: ignore[arg-type]


def _misspelt(name: str, chance: random.Random) -> str:
    letters = list(name)
    at = chance.randrange(1, len(letters) - 1)
    match chance.randrange(3):
        case 0:
            del letters[at]
        case 1:
            letters[at], letters[at - 1] = letters[at - 1], letters[at]
        case _:
            letters.insert(at, chance.choice("aeinrst"))
    return "".join(letters)


def test_misspelt_names_are_found_and_ordinary_ones_are_not() -> None:
    chance = random.Random(5)
    full = [each.name for each in agencies().agency]
    misspelt = [_misspelt(chance.choice(full), chance) for _ in range(500)]
    recall = sum(bool(_hits(name)) for name in misspelt) / len(misspelt)
    alarms = [name for name in ORDINARY if _hits(name)]
    assert recall >= 0.94
    assert alarms == []


def test_a_known_name_inside_a_longer_one_is_found() -> None:
    watched = Organization("2", "Thomson Reuters", "intelligence")
    assert _hits("THOMSON REUTERS SPECIAL SERVICES LLC", watched)
    assert _hits("Immigration and Customs Enforcement Field Office West")


def test_a_short_word_is_only_its_own_name() -> None:
    assert _hits("ICE")
    assert _hits("I.C.E") or _hits("ice")
    assert not _hits("Ice Cream Enterprises LLC")


def test_an_alias_is_looked_at_like_a_name() -> None:
    assert _hits("Blue Heron Holdings", aliases=("Customs and Border Protection",))


@pytest.mark.parametrize("identifier", [("agency-code", "7012"), ("naics", "922120")])
def test_an_identifier_is_found_whatever_the_name(identifier: tuple[str, str]) -> None:
    (hit,) = _hits("Blue Heron Holdings", identifiers=(identifier,))
    assert hit["by"] == "identifier"


def test_an_identifier_shared_with_a_refused_organization_is_found() -> None:
    refused = Organization("2", "Grey", "retail", identifiers=(("uei", "X"),), standing=Standing.REFUSED)
    assert _hits("Blue", refused, identifiers=(("uei", "X"),))
    assert not _hits("Blue", refused, identifiers=(("uei", "Y"),))


def test_who_says_itself_what_it_is_needs_no_review() -> None:
    (evidence,) = screen([Organization("1", "Frontex", "immigration-enforcement")], [])
    assert evidence == []


def test_legal_forms_accents_and_case_do_not_tell_names_apart() -> None:
    assert comparable("Société Générale S.A.") == comparable("SOCIETE GENERALE")


@pytest.mark.parametrize("sector", ["retail", "law-enforcement"])
def test_who_was_refused_does_not_come_in_again_by_saying_the_same(sector: str) -> None:
    refused = Organization("2", "Grey Rook", sector, aliases=("Rook",), standing=Standing.REFUSED)
    for name in ("Grey Rook", "Rook"):
        (evidence,) = screen([Organization("1", name, sector)], [refused])
        assert [hit["refused"] for hit in evidence] == [True]


@pytest.mark.parametrize(
    "name",
    ["Springfield Police Department", "US ICE", "U.S. ICE", "The FBI", "ICE ERO", "Fbi Los Angeles",
     "Los Angeles County Sheriff's Office", "Department of Homeland Security", "Policía Nacional",
     "Northern Border Force"],
)  # fmt: skip
def test_acronyms_and_words_of_the_trade_are_looked_at(name: str) -> None:
    assert _hits(name)


def test_where_everything_is_in_capitals_a_word_is_no_acronym() -> None:
    assert not _hits("ICE CREAM ENTERPRISES LLC")
    assert _hits("CBP SUPPLIES AND MORE LLC")


@pytest.mark.parametrize("identifier", [("agency-code", "07012"), ("agency_code", "7012"), ("Agency Code", " 7012 ")])
def test_an_identifier_is_compared_however_it_is_written(identifier: tuple[str, str]) -> None:
    assert _hits("Blue Heron Holdings", identifiers=(identifier,))
    watched = Organization("2", "Border guard", "immigration-enforcement", identifiers=(("UEI", "ab c"),))
    assert _hits("Blue Heron Holdings", watched, identifiers=(("uei", "ABC"),))
