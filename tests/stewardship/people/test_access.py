"""Access: all that is held on a person, nobody else's, and signed."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from regard.ledger.tree.notes import open_note
from regard.stewardship.people.access import Access, Export, Taught
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import House

ALICE, BOB = 1, 2


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "data", Clock())
    house.collection("a", "consent", **{"regard:retention-days": "90"})
    house.collection("b")
    for name in ("alice", "bob"):
        house.consent(name, "a")
    return house


def _export(house: House, name: str = "alice") -> tuple[Export, dict[str, Any]]:
    found = house.access.export(house.organization, f"external/{name}")
    return found, json.loads(found.json)


def test_it_tells_faces_receipts_and_every_search_that_found_the_person(house: House) -> None:
    (first,) = house.index("a", ALICE, name="alice")
    (second,) = house.index("b", ALICE, name="alice")
    house.index("a", BOB, name="bob")
    house.clock.now += 3600
    house.search("a", ALICE)
    house.search("b", ALICE)
    house.search("a", BOB)
    found, told = _export(house)
    assert [face["face_id"] for face in told["faces"]] == [first, second]
    assert (told["faces"][0]["basis"], told["faces"][0]["retention_days"]) == ("consent", "90")
    assert [receipt["consent"]["pii_principal_id"] for receipt in told["receipts"]] == ["alice"]
    searches = [event for event in told["events"] if event.get("operation") == "SearchFacesByImage"]
    assert {(event["collection"], event["face_id"]) for event in searches} == {("a", first), ("b", second)}
    assert {event["at"] for event in searches} == {"2027-01-15T09:00:00Z"}
    assert "Searches that found you: 2" in found.text


def test_it_tells_of_searches_that_found_a_user_made_of_the_person_s_faces(house: House) -> None:
    (face,) = house.index("a", ALICE, name="alice")
    (other,) = house.index("a", BOB, name="bob")
    for user, made_of in (("u-1", face), ("u-2", other)):
        house.ask("CreateUser", CollectionId="a", UserId=user)
        house.ask("AssociateFaces", CollectionId="a", UserId=user, FaceIds=[made_of])
    house.ask("SearchUsers", CollectionId="a", FaceId=face)
    house.ask("SearchUsersByImage", CollectionId="a", Image={"Bytes": picture_of(ALICE, mark=99)})
    found, told = _export(house)
    searches = [event for event in told["events"] if "similarity" in event]
    assert {event["operation"] for event in searches} == {"SearchUsers", "SearchUsersByImage"}
    assert [event["user_id"] for event in searches] == ["u-1", "u-1"]
    assert "Searches that found you: 2" in found.text
    assert "u-2" not in found.json


def test_it_tells_nothing_of_anybody_else(house: House) -> None:
    house.index("a", ALICE, name="alice")
    house.index("a", BOB, name="bob")
    house.search("a", BOB)
    found, _ = _export(house)
    assert "bob" not in found.json + found.text
    assert house.access.export("999999999999", "external/alice").text.count("Faces: 0") == 1


def test_no_template_is_in_it(house: House) -> None:
    house.index("a", ALICE, name="alice")
    _, told = _export(house)
    assert told["faces"][0].keys() & {"template", "sealed"} == {"template"}
    assert told["faces"][0]["template"] == "held, sealed; it is not given out"


def test_every_event_is_committed_to_in_the_log(house: House) -> None:
    house.index("a", ALICE, name="alice")
    house.search("a", ALICE)
    committed = {each for entry in house.entries() for each in entry.get("commitments", ())}
    _, told = _export(house)
    assert len(told["events"]) == 3
    assert {event["commitment"] for event in told["events"]} <= committed


def test_the_note_names_both_files_and_is_signed_with_the_logs_key(house: House) -> None:
    found, _ = _export(house)
    note = open_note(found.note.encode(), house.logbook.keys.verifiers)
    for text, name in ((found.json, "access.json"), (found.text, "access.txt")):
        assert f"{hashlib.sha256(text.encode()).hexdigest()} {name}\n" in note.text


def test_of_somebody_erased_it_tells_only_that(house: House) -> None:
    house.index("a", ALICE, name="alice")
    house.clock.now += 1
    house.erase("alice")
    found, told = _export(house)
    assert (told["faces"], told["receipts"], told["events"]) == ([], [], [])
    assert told["suppression"] == {"since": "2027-01-15T08:00:01Z"}
    assert "You were erased on 2027-01-15" in found.text


def test_the_person_sees_the_picture_that_is_kept_and_the_organization_does_not(house: House) -> None:
    house.collection("staff", "consent")
    house.consent("alice", "staff", portrait=True)
    house.index("staff", 1, name="alice")
    theirs, ours = (
        house.access.export(house.organization, "external/alice", pictures=pictures) for pictures in (True, False)
    )
    assert theirs.pictures["face-1.jpg"].startswith(b"\xff\xd8")
    assert f"{hashlib.sha256(theirs.pictures['face-1.jpg']).hexdigest()} face-1.jpg" in theirs.note
    assert ours.pictures == {}
    assert "with a picture of it, for reviewers" in ours.text
    less = house.access.export(house.organization, "external/alice", whole=False, pictures=True)
    assert less.pictures == {}


def test_who_is_named_by_lines_that_no_version_learned_is_shown_no_empty_list(house: House) -> None:
    line = {"picture": "s3://pictures/one.jpg", "project": "shop", "dataset": "TRAIN"}
    pages = []
    for taught in (Taught((line,)), Taught((line,), ({"project": "shop", "version": "v1"},))):
        told = partial(_as_told, taught)
        access = Access(house.gallery, house.consents, house.logbook, house.clock, taught=told)
        pages.append(access.export(house.organization, "external/ann").page)
    assert all("s3://pictures/one.jpg" in page for page in pages)
    assert ["<ul>" in page for page in pages] == [False, True]
    assert "Version v1 of shop" in pages[1]


def _as_told(taught: Taught, _organization: str, _whose: str) -> Taught:
    return taught
