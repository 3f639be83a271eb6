"""Erasure: nothing of a person is left, nobody else is touched, and nothing brings them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from regard.gallery.collections.tables import requests
from regard.gallery.figures import COLLECTION
from regard.ledger.tree.proof import verify_receipt
from regard.ledger.witnesses.audit import audit
from regard.operations.common.errors import ApiError
from regard.stewardship.people.erasure import Erasure, false_suppression_rate
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import House

ALICE, BOB = 1, 2


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "data", Clock())
    house.collection("a")
    house.collection("b")
    return house


def _enrolled(house: House) -> None:
    for collection in "ab":
        house.index(collection, ALICE, name="alice")
        house.index(collection, BOB, name="bob")
    house.clock.now += 10


def test_a_person_goes_from_every_collection_and_nobody_else_does(house: House) -> None:
    _enrolled(house)
    erased = house.erase("alice")
    assert (erased.faces, erased.collections) == (2, 2)
    for collection in "ab":
        assert house.search(collection, ALICE) == []
        assert len(house.faces(collection)) == len(house.search(collection, BOB)) == 1
        assert house.ask("DescribeCollection", CollectionId=collection)[0]["FaceCount"] == 1


def test_another_organizations_person_of_the_same_name_stays(house: House) -> None:
    _enrolled(house)
    assert house.erasure.erase("999999999999", "external/alice").faces == 0
    assert len(house.search("a", ALICE)) == 1


def test_a_user_made_of_two_people_is_fused_from_the_one_who_stays(house: House) -> None:
    (alice,) = house.index("a", ALICE, name="alice")
    (bob,) = house.index("a", ALICE, mark=5, name="bob")
    (alone,) = house.index("a", BOB, name="alice")
    for user, faces in (("both", [alice, bob]), ("alone", [alone])):
        house.ask("CreateUser", CollectionId="a", UserId=user)
        done, _ = house.ask("AssociateFaces", CollectionId="a", UserId=user, FaceIds=faces)
        assert len(done["AssociatedFaces"]) == len(faces)
    found, _ = house.ask("SearchUsers", CollectionId="a", UserId="alone", UserMatchThreshold=0)
    erased = house.erase("alice")
    assert (erased.faces, erased.users, house.users("a")) == (2, 1, ["both"])
    found, _ = house.ask("SearchUsers", CollectionId="a", FaceId=bob)
    assert [match["User"]["UserId"] for match in found["UserMatches"]] == ["both"]
    assert house.ask("DescribeCollection", CollectionId="a")[0]["UserCount"] == 1


def test_no_answer_kept_for_a_request_names_a_face_that_is_erased(house: House) -> None:
    _enrolled(house)
    for user, face in zip(("u", "v"), house.faces("a"), strict=True):
        asked = {"CollectionId": "a", "UserId": user, "FaceIds": [face], "ClientRequestToken": user}
        house.ask("CreateUser", CollectionId="a", UserId=user)
        house.ask("AssociateFaces", **asked)
    alice, bob = house.faces("a")
    house.erase("alice")
    with house.gallery.reading() as connection:
        kept = str(connection.execute(select(requests.c.answer)).all())
    assert (alice in kept, bob in kept) == (False, True)


def test_another_process_finds_nobody_on_its_next_call(house: House) -> None:
    _enrolled(house)
    other = House(house.folder, house.clock)
    assert len(other.search("a", ALICE)) == 1
    house.erase("alice")
    assert other.search("a", ALICE) == []


def test_the_same_name_and_the_same_picture_are_refused(house: House) -> None:
    _enrolled(house)
    house.erase("alice")
    with pytest.raises(ApiError, match=r"\[suppressed\] alice was erased on 2027-01-15"):
        house.index("a", ALICE, mark=7, name="alice")
    answer, remarks = house.ask("IndexFaces", CollectionId="b", Image={"Bytes": picture_of(ALICE)})
    assert (answer["FaceRecords"], remarks["x-regard-suppressed"]) == ([], "1")


def test_in_a_picture_of_several_only_the_erased_persons_face_is_refused(house: House) -> None:
    house.index("a", ALICE, BOB, name="alice")
    with house.gallery.reading() as connection:
        _, bob = house.gallery.subjects.held(connection, house.organization, "external/alice")
    house.ask("DeleteFaces", CollectionId="a", FaceIds=[bob.face_id])
    house.erase("alice")
    answer, remarks = house.ask("IndexFaces", CollectionId="b", Image={"Bytes": picture_of(ALICE, BOB)})
    boxes = [record["Face"]["BoundingBox"]["Left"] for record in answer["FaceRecords"]]
    assert (boxes, remarks["x-regard-suppressed"]) == ([pytest.approx(0.525)], "1")


def test_without_consent_to_a_template_another_picture_is_not_recognized(house: House) -> None:
    _enrolled(house)
    assert not house.erase("alice").template_kept
    assert len(house.index("b", ALICE, mark=9)) == 1


def test_with_consent_to_a_template_another_picture_is_refused_and_nobody_elses(house: House) -> None:
    house.consent("alice", "a", suppression=True)
    _enrolled(house)
    assert house.erase("alice").template_kept
    assert house.index("b", ALICE, mark=9, name="somebody") == []
    assert len(house.index("b", BOB, mark=9)) == 1
    assert house.gallery.objections.counts() == (1, 1)


def test_a_consent_of_a_later_day_lets_the_person_in_again(house: House) -> None:
    house.consent("alice", "a", suppression=True)
    _enrolled(house)
    house.erase("alice")
    house.clock.now += 86_400
    house.consent("alice", "a")
    assert len(house.index("a", ALICE, mark=9, name="alice")) == 1
    assert len(house.index("b", ALICE, name="alice")) == 1
    assert House(house.folder, house.clock).replayed == 0
    assert len(house.faces("a")) == 2


def test_receipts_tokens_and_sealed_details_go_too(house: House) -> None:
    house.consent("alice", "a")
    _enrolled(house)
    house.search("a", ALICE)
    payloads = house.logbook.payloads
    assert payloads.about(house.organization, "external/alice")
    erased = house.erase("alice")
    assert (erased.receipts, erased.details >= 4) == (1, True)
    assert house.consents.all(house.organization, "alice") == []
    assert payloads.about(house.organization, "external/alice") == {}
    assert payloads.about(house.organization, "external/bob")


def test_the_log_says_so_and_never_who(house: House) -> None:
    _enrolled(house)
    erased = house.erase("alice")
    log = house.log()
    assert erased.written is not None
    assert b'"kind":"regard/erasure"' in log
    assert b"alice" not in log


def test_every_proof_and_the_whole_log_verify_as_before_with_one_key(house: House) -> None:
    _enrolled(house)
    house.search("a", ALICE)
    _, log = house.logbook.shards.current()
    (key,) = log.verifiers
    size = log.publish().checkpoint.size
    before = [log.receipt(index) for index in range(size)]
    seen = audit(log.fetch, [key])
    house.erase("alice")
    for receipt in before:
        verify_receipt(receipt, [key])
    log.publish()
    later = audit(log.fetch, [key], before=seen.note)
    assert later.checkpoint.size > size
    assert log.receipt(size)


@pytest.mark.sqlite("looks into the files of the data folder")
def test_no_file_but_the_key_store_can_open_what_was_erased(house: House) -> None:
    _enrolled(house)
    house.erase("alice")
    names = b"".join(file.read_bytes() for file in house.folder.glob("keys.db*"))
    assert b"alice" not in names
    assert b"external/bob" in names


def test_a_restored_backup_brings_nothing_back(house: House, tmp_path: Path) -> None:
    house.consent("alice", "a", suppression=True)
    _enrolled(house)
    house.search("a", ALICE)
    house.back_up(tmp_path / "backup")
    house = House(house.folder, house.clock)
    house.erase("alice")
    restored = house.restore(tmp_path / "backup")
    assert restored.replayed == 1
    for collection in "ab":
        assert len(restored.faces(collection)) == 1
        assert restored.search(collection, ALICE) == []
        assert len(restored.search(collection, BOB)) == 1
    assert restored.logbook.payloads.about(restored.organization, "external/alice") == {}
    assert restored.consents.all(restored.organization, "alice") == []
    assert restored.index("b", ALICE, mark=9) == []


def test_an_erasure_that_was_broken_off_is_finished_at_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enrolled(house)
    with monkeypatch.context() as broken:
        broken.setattr(house.gallery.subjects, "erase", _crash)
        with pytest.raises(SystemExit):
            house.erase("alice")
    house.close()
    again = House(house.folder, house.clock)
    assert (again.replayed, again.search("a", ALICE)) == (1, [])


def test_a_stranger_is_refused_at_the_computed_rate() -> None:
    assert false_suppression_rate(0) == 0
    assert false_suppression_rate(1_000) == pytest.approx(0.0003, abs=1e-5)
    assert false_suppression_rate(100_000) == pytest.approx(0.03, abs=0.001)


def _crash(*_: object) -> None:
    raise SystemExit


def _figure(house: House) -> str:
    """A public figure, enrolled; the id that their face is enrolled under."""
    house.collection(COLLECTION)
    with house.gallery.writing() as connection:
        figure = house.gallery.figures.add(connection, house.organization, "Somebody", [], None, "an office").id
    house.index(COLLECTION, ALICE, name=figure)
    return figure


def test_an_erased_figure_has_no_name_left_in_a_restored_backup_either(house: House, tmp_path: Path) -> None:
    figure = _figure(house)
    house.back_up(tmp_path / "backup")
    house = House(house.folder, house.clock)
    house.clock.now += 60
    house.erase(figure)
    _has_no_figure(house)
    _has_no_figure(house.restore(tmp_path / "backup"))


def _has_no_figure(house: House) -> None:
    with house.gallery.reading() as connection:
        assert house.gallery.figures.all(connection, house.organization) == []
    assert house.faces(COLLECTION) == []


def test_a_start_looks_through_people_only_where_an_erasure_is_missing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enrolled(house)
    house.back_up(tmp_path / "backup")
    house = House(house.folder, house.clock)
    house.clock.now += 60
    house.erase("alice")
    house.close()
    looked: list[Erasure] = []
    real = Erasure._people

    def counted(erasure: Erasure) -> list[tuple[str, str]]:
        looked.append(erasure)
        return real(erasure)

    monkeypatch.setattr(Erasure, "_people", counted)
    again = House(house.folder, house.clock)
    assert (again.replayed, looked) == (0, [])
    restored = again.restore(tmp_path / "backup")
    assert (restored.replayed, len(looked)) == (1, 1)
    restored.close()
    assert (House(house.folder, house.clock).replayed, len(looked)) == (0, 1)
