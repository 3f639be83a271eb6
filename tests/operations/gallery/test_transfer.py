"""Collections that move: sealed to the recipient, whole, and on the terms that they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from regard.gallery import transfer
from regard.gallery.index.pieces import Pieces
from regard.ledger.tree.notes import Signer, sign_note
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import ours
from regard.operations.common.rooms import Rooms
from regard.sealing import SealingKey
from regard.stewardship.parties.organizations import UNNAMED
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.policy.call import Call
from tests.helpers.fakes import ORGANIZATION, Client, Clock, ask_ours, open_rooms, person, picture_of
from tests.helpers.peopled import NOTICE, House

TERMS = {"regard:basis": "contract", "floor": "3"}


def _opened(folder: Path) -> Rooms:
    folder.mkdir()
    return open_rooms(folder)


@pytest.fixture
def here(tmp_path: Path) -> Rooms:
    """A service with a collection of three people, of whom one is a user."""
    rooms = _opened(tmp_path / "here")
    client = Client(rooms)
    client("CreateCollection", CollectionId="staff", Tags=TERMS)
    for number, name in enumerate(("ann", "bob", "cid")):
        client.index("staff", number, ExternalImageId=name)
    client("CreateUser", CollectionId="staff", UserId="the-boss")
    faces = [face["FaceId"] for face in client("ListFaces", CollectionId="staff")["Faces"]]
    client("AssociateFaces", CollectionId="staff", UserId="the-boss", FaceIds=faces[:1])
    return rooms


@pytest.fixture
def there(tmp_path: Path) -> Rooms:
    rooms = _opened(tmp_path / "there")
    Client(rooms)("CreateCollection", CollectionId="staff", Tags=TERMS)
    return rooms


@pytest.fixture
def file(here: Rooms, there: Rooms, tmp_path: Path) -> Path:
    file = tmp_path / "staff.sealed"
    recipient = there.gallery.transfer.recipient
    assert ask_ours(here, "ExportCollection", CollectionId="staff", File=str(file), Recipient=recipient) == {
        "Faces": 3,
        "Receipts": 0,
        "Suppressions": 0,
    }
    return file


def _faces(rooms: Rooms, name: str = "staff") -> list[dict[str, Any]]:
    faces: list[dict[str, Any]] = Client(rooms)("ListFaces", CollectionId=name)["Faces"]
    return faces


def test_a_collection_arrives_with_its_ids_names_and_users(here: Rooms, there: Rooms, file: Path) -> None:
    taken = ask_ours(there, "ImportFaces", CollectionId="staff", File=str(file))
    assert taken == {"Faces": 3, "Refused": 0, "Receipts": 0, "Suppressions": 0}
    assert _faces(there) == _faces(here)
    client, image = Client(there), {"Bytes": picture_of(0)}
    matches = client("SearchFacesByImage", CollectionId="staff", Image=image)["FaceMatches"]
    assert [match["Face"]["ExternalImageId"] for match in matches] == ["ann"]
    users = client("SearchUsersByImage", CollectionId="staff", Image=image)["UserMatches"]
    assert [match["User"]["UserId"] for match in users] == ["the-boss"]
    described = client("DescribeCollection", CollectionId="staff")
    assert (described["FaceCount"], described["UserCount"]) == (3, 1)


def test_a_file_shows_nothing_and_opens_only_for_its_recipient(here: Rooms, file: Path) -> None:
    data = file.read_bytes()
    assert b"ann" not in data
    assert person(0)[:4].tobytes() not in data
    Client(here)("CreateCollection", CollectionId="again", Tags=TERMS)
    with pytest.raises(ApiError, match="sealed to another key"):
        ask_ours(here, "ImportFaces", CollectionId="again", File=str(file))


@pytest.mark.parametrize("kept", [0, 10, 60, 200, -1, -40])
def test_of_a_file_that_is_not_whole_nothing_is_taken(there: Rooms, file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ApiError):
        ask_ours(there, "ImportFaces", CollectionId="staff", File=str(file))
    assert _faces(there) == []


@pytest.mark.parametrize("column", ["external_image_id", "user_id", "face_id", "image_id"])
@pytest.mark.parametrize("name", ["\u202enna", "ann\x1b[2J", "", "a b", "a" * 256])
def test_of_a_file_with_ids_that_no_service_gives_nothing_is_taken(
    here: Rooms, there: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, name: str
) -> None:
    forged, packed = tmp_path / "forged.sealed", transfer._packed
    monkeypatch.setattr(transfer, "_packed", lambda face: msgspec.structs.replace(packed(face), **{column: name}))
    recipient = there.gallery.transfer.recipient
    ask_ours(here, "ExportCollection", CollectionId="staff", File=str(forged), Recipient=recipient)
    with pytest.raises(ApiError, match="an id that is none") as refused:
        ask_ours(there, "ImportFaces", CollectionId="staff", File=str(forged))
    assert refused.value.message.isprintable()
    assert _faces(there) == []


def test_a_file_that_was_tampered_with_is_refused(there: Rooms, file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-60] ^= 1
    file.write_bytes(data)
    with pytest.raises(ApiError, match="not whole"):
        ask_ours(there, "ImportFaces", CollectionId="staff", File=str(file))
    assert _faces(there) == []


def test_faces_do_not_move_to_other_terms(here: Rooms, there: Rooms, file: Path) -> None:
    for rooms in (here, there):
        Client(rooms)("CreateCollection", CollectionId="loose", Tags={"floor": "3"})
    with pytest.raises(ApiError, match="other terms"):
        ask_ours(there, "ImportFaces", CollectionId="loose", File=str(file))
    with pytest.raises(ApiError, match="other terms"):
        ask_ours(here, "CopyFaces", CollectionId="loose", Source="staff")


def test_who_was_erased_is_not_let_in_again(there: Rooms, file: Path) -> None:
    objections = there.gallery.objections
    objections.add(ORGANIZATION, "external/bob", 1.0, [], None)
    objections.add(ORGANIZATION, "external/somebody", 1.0, [], ("1.0", person(2)))
    taken = ask_ours(there, "ImportFaces", CollectionId="staff", File=str(file))
    assert (taken["Faces"], taken["Refused"]) == (1, 2)
    assert [face["ExternalImageId"] for face in _faces(there)] == ["ann"]


class Museum:
    """An organization with two services, under one name and two ids."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.file = Clock(), folder / "staff.sealed"
        self.here, self.there = (House(folder / name, self.clock) for name in ("here", "there"))
        for house in (self.here, self.there):
            house.organizations.change(house.organization, name="Museum")
            house.collection("staff", "consent")

    def export(self) -> dict[str, Any]:
        to = self.there.gallery.transfer.recipient
        return self._ask(self.here, "ExportCollection", CollectionId="staff", File=str(self.file), Recipient=to)

    def take_in(self, name: str = "staff") -> dict[str, Any]:
        return self._ask(self.there, "ImportFaces", CollectionId=name, File=str(self.file))

    def names(self) -> list[str]:
        faces = self.there.ask("ListFaces", CollectionId="staff")[0]["Faces"]
        return [face["ExternalImageId"] for face in faces]

    @staticmethod
    def _ask(house: House, operation: str, **parameters: Any) -> dict[str, Any]:
        return house.service.answer(Call(house.caller, ours()[operation], parameters, "us-east-1", "r", loopback=True))


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(tmp_path)
    yield museum
    museum.here.close()
    museum.there.close()


def test_consents_that_count_go_along_and_count_where_the_organization_is_the_same(museum: Museum) -> None:
    here, there = museum.here, museum.there
    receipts = [here.consent(name, "staff", days) for name, days in (("ann", 30), ("bob", 30), ("cid", 1))]
    here.consent("nobody-pictured", "staff")
    for person_shown, name in enumerate(("ann", "bob", "cid")):
        here.index("staff", person_shown, name=name)
    museum.clock.now += 2 * 86400
    here.consents.withdraw(here.organization, receipts[1])
    assert museum.export() == {"Faces": 1, "Receipts": 1, "Suppressions": 0}
    assert museum.take_in() == {"Faces": 1, "Refused": 0, "Receipts": 1, "Suppressions": 0}
    assert museum.names() == ["ann"]
    (receipt,) = there.consents.all(there.organization)
    assert (receipt.consent.receipt_id, receipt.proof.key) == (receipts[0], there.caller.access_key_id)
    counted = [entry["counts"] for entry in there.entries() if entry.get("operation") == "ImportFaces"]
    assert counted == [{"found": 1, "enrolled": 1, "receipts": 1, "suppressions": 0}]


def test_what_a_person_signed_is_verified_again_where_it_arrives(museum: Museum) -> None:
    here, signer = museum.here, Signer.generate("ann")
    drawn = here.consents.draw_up(here.organization, NewConsent("ann", "staff", "development", NOTICE, 30))
    here.consents.take(here.organization, sign_note(drawn.text, [signer]).decode(), str(signer.verifier))
    here.index("staff", 0, name="ann")
    museum.export()
    assert museum.take_in()["Receipts"] == 1
    (receipt,) = museum.there.consents.all(museum.there.organization)
    assert receipt.proof == here.consents.all(here.organization)[0].proof
    forged = msgspec.structs.replace(receipt.proof, note=receipt.proof.note.replace("ann", "bob"))
    carried = msgspec.json.encode(msgspec.structs.replace(receipt, proof=forged))
    assert not museum.here.consents.enter(here.caller, carried.replace(b'"ann"', b'"bob"'), "staff")


@pytest.mark.parametrize("name", ["Another museum", UNNAMED])
def test_a_consent_does_not_count_for_another_organization(museum: Museum, name: str) -> None:
    for house in (museum.here, museum.there)[name != UNNAMED :]:
        house.organizations.change(house.organization, name=name)
    museum.here.consent("ann", "staff")
    museum.here.index("staff", 0, name="ann")
    assert museum.export()["Receipts"] == 1
    assert museum.take_in() == {"Faces": 0, "Refused": 1, "Receipts": 0, "Suppressions": 0}


def test_a_consent_does_not_count_for_a_collection_of_another_name(museum: Museum) -> None:
    museum.here.consent("ann", "staff")
    museum.here.index("staff", 0, name="ann")
    museum.export()
    museum.there.collection("others", "consent")
    assert museum.take_in("others") == {"Faces": 0, "Refused": 1, "Receipts": 0, "Suppressions": 0}


def test_who_is_not_enrolled_again_here_is_not_enrolled_there(museum: Museum) -> None:
    here, there = museum.here, museum.there
    here.consent("ann", "staff", suppression=True)
    here.index("staff", 0, name="ann")
    here.erase("ann")
    assert museum.export() == {"Faces": 0, "Receipts": 0, "Suppressions": 1}
    for _ in range(2):
        assert museum.take_in()["Suppressions"] == 1
    assert there.gallery.objections.counts() == (1, 1), "what comes twice is kept once"
    there.collection("visitors")
    assert there.index("visitors", 0, mark=1) == []
    assert len(there.index("visitors", 1)) == 1


def test_a_file_from_before_anything_went_along_still_opens(
    here: Rooms, there: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, nothing = Pieces.put, msgspec.msgpack.encode(transfer.Along())

    def put_faces(pieces: Pieces, key: SealingKey, clear: bytes) -> None:
        if clear != nothing:
            put(pieces, key, clear)

    file, to = tmp_path / "old.sealed", there.gallery.transfer.recipient
    with monkeypatch.context() as before:
        before.setattr(transfer, "_MAGIC", transfer._BARE)
        before.setattr(Pieces, "put", put_faces)
        ask_ours(here, "ExportCollection", CollectionId="staff", File=str(file), Recipient=to)
    assert ask_ours(there, "ImportFaces", CollectionId="staff", File=str(file))["Faces"] == 3


def test_a_copy_is_a_collection_of_its_own(here: Rooms) -> None:
    client = Client(here)
    client("CreateCollection", CollectionId="copy", Tags=TERMS)
    assert ask_ours(here, "CopyFaces", CollectionId="copy", Source="staff")["Faces"] == 3
    before = _faces(here)
    client("DeleteCollection", CollectionId="staff")
    assert _faces(here, "copy") == before
    found = client("SearchFacesByImage", CollectionId="copy", Image={"Bytes": picture_of(1)})["FaceMatches"]
    assert [match["Face"]["ExternalImageId"] for match in found] == ["bob"]


def test_a_recipient_that_is_no_key_is_refused_and_leaves_no_file(here: Rooms, tmp_path: Path) -> None:
    file = tmp_path / "nothing"
    with pytest.raises(ValueError, match="no recipient's key"):
        ask_ours(here, "ExportCollection", CollectionId="staff", File=str(file), Recipient="bm8=")
    assert not list(tmp_path.glob("nothing*"))
