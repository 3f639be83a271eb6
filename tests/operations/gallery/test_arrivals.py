"""Copies, imports and re-embedding enrol nobody whom IndexFaces would not enrol."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import ours
from regard.stewardship.parties.keys import DAY
from regard.stewardship.policy.call import Call
from tests.helpers.fakes import Clock, open_rooms, picture_of
from tests.helpers.peopled import House

PEOPLE = {"alice": 1, "bob": 2, "cyd": 3}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    """Three people enrolled in a collection on consent, and an empty one beside it."""
    house = House(tmp_path, clock)
    for name in ("members", "second"):
        house.collection(name, "consent")
    for name, person in PEOPLE.items():
        house.consent(name, "members")
        house.index("members", person, name=name)
    yield house
    house.close()


def _ours(house: House, name: str, **parameters: Any) -> dict[str, Any]:
    return house.service.answer(Call(house.caller, ours()[name], parameters, "us-east-1", str(uuid4()), loopback=True))


def _copy(house: House, to: str = "second") -> dict[str, Any]:
    return _ours(house, "CopyFaces", CollectionId=to, Source="members")


def _names(house: House, collection: str) -> list[str]:
    faces = house.ask("ListFaces", CollectionId=collection)[0]["Faces"]
    return sorted(face.get("ExternalImageId", "") for face in faces)


def test_whom_no_receipt_for_the_new_collection_covers_is_not_copied(house: House, clock: Clock) -> None:
    house.consent("alice", "second")
    house.consent("bob", "second", days=1)
    house.consents.withdraw(house.organization, house.consent("cyd", "second"))
    clock.now += DAY + 1
    assert _copy(house) == {"Faces": 1, "Refused": 2}
    assert _names(house, "second") == ["alice"]


def test_a_file_brings_in_nobody_without_a_receipt(house: House, tmp_path: Path) -> None:
    house.consent("bob", "second")
    file = str(tmp_path / "members.sealed")
    recipient = house.gallery.transfer.recipient
    assert _ours(house, "ExportCollection", CollectionId="members", File=file, Recipient=recipient)["Faces"] == 3
    taken = _ours(house, "ImportFaces", CollectionId="second", File=file)
    assert (taken["Faces"], taken["Refused"]) == (1, 2)
    assert _names(house, "second") == ["bob"]


def test_who_was_erased_comes_back_with_a_consent_of_a_later_day_alone(house: House, clock: Clock) -> None:
    house.erase("alice")
    house.collection("loose", "attested")
    house.index("loose", 4, name="dan")
    house.consent("bob", "second")
    assert _copy(house)["Faces"] == 1
    clock.now += 1
    house.consent("alice", "members")
    house.consent("alice", "third")
    house.collection("third", "consent")
    house.index("members", 1, mark=5, name="alice")
    house.erase("alice")
    assert _copy(house, "third")["Faces"] == 0
    clock.now += 1
    for name in ("members", "third"):
        house.consent("alice", name)
    house.index("members", 1, mark=6, name="alice")
    assert _copy(house, "third")["Faces"] == 1


def test_of_a_picture_with_several_faces_the_person_alone_is_copied(house: House) -> None:
    """From before a collection stood on consent it may hold bystanders."""
    house.collection("group", "attested")
    house.index("group", 4, 1, 5, name="alice")
    house.index("group", 1, mark=7, name="alice")
    house.index("group", 2, 3, mark=8, name="bob")
    arn = f"arn:aws:rekognition:us-east-1:{house.organization}:collection/group"
    for name in ("alice", "bob"):
        house.consent(name, "group")
        house.consent(name, "second")
    house.ask("TagResource", ResourceArn=arn, Tags={"regard:basis": "consent"})
    assert _ours(house, "CopyFaces", CollectionId="second", Source="group") == {"Faces": 2, "Refused": 4}
    assert _names(house, "second") == ["alice", "alice"]
    assert len(house.search("second", 1)) == 2
    assert not house.search("second", 4)


def test_no_term_begins_anew_by_moving(house: House, clock: Clock) -> None:
    for name in ("third", "fourth"):
        house.collection(name, **{"regard:retention-days": "10"})
    house.index("third", 4, name="dan")
    clock.now += 9 * DAY
    assert _ours(house, "CopyFaces", CollectionId="fourth", Source="third")["Faces"] == 1
    clock.now += DAY - 1
    assert _names(house, "fourth") == ["dan"]
    clock.now += 1
    assert _names(house, "fourth") == []


@pytest.fixture
def renewing(house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The same house with other weights, about to make its members anew."""
    house.close()
    monkeypatch.setattr("tests.helpers.peopled.open_rooms", partial(open_rooms, version="2.0"))
    later = House(house.folder, clock)
    later.collection("members.renewed", "consent")
    yield later
    later.close()


def _renew(house: House, name: str, source: str = "members", to: str = "members.renewed") -> dict[str, Any]:
    image = {"Bytes": picture_of(PEOPLE[name])}
    return _ours(house, "RenewFaces", CollectionId=to, Source=source, Image=image)


def test_consents_to_a_collection_cover_its_successor_while_it_is_made(renewing: House, clock: Clock) -> None:
    assert _renew(renewing, "alice") == {"Faces": 1, "Lost": 0}
    renewing.retention.sweep()
    (bobs,) = renewing.consents.all(renewing.organization, "bob")
    renewing.consents.withdraw(renewing.organization, bobs.consent.receipt_id)
    assert _renew(renewing, "bob")["Faces"] == 0
    assert _renew(renewing, "cyd")["Faces"] == 1
    renewing.retention.sweep()
    assert _names(renewing, "members.renewed") == ["alice", "cyd"]
    assert _ours(renewing, "SwitchCollection", CollectionId="members", Renewed="members.renewed") == {"Dropped": 0}
    renewing.retention.sweep()
    assert _names(renewing, "members") == ["alice", "cyd"]
    assert renewing.search("members", 1)
    arn = f"arn:aws:rekognition:us-east-1:{renewing.organization}:collection/members"
    assert "regard:renews" not in renewing.ask("ListTagsForResource", ResourceArn=arn)[0]["Tags"]
    clock.now += 30 * DAY
    assert _names(renewing, "members") == []


def test_a_collection_is_renewed_into_its_successor_alone_and_on_its_own_terms(renewing: House) -> None:
    renewing.collection("another", "consent")
    with pytest.raises(ApiError, match=r"into members\.renewed alone"):
        _renew(renewing, "alice", to="another")
    renewing.collection("second.renewed", "attested")
    with pytest.raises(ApiError, match="other terms"):
        _renew(renewing, "alice", "second", "second.renewed")
    with pytest.raises(ApiError, match="other terms"):
        _ours(renewing, "SwitchCollection", CollectionId="second", Renewed="second.renewed")
    arn = f"arn:aws:rekognition:us-east-1:{renewing.organization}:collection/another"
    with pytest.raises(ApiError, match="no reserved tag"):
        renewing.ask("TagResource", ResourceArn=arn, Tags={"regard:renews": "members"})
