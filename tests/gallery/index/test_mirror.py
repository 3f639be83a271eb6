"""The mirror of a collection: it follows what happens, in whichever process, and gives memory back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Barrier, Event
from unittest.mock import patch
from uuid import RFC_4122, UUID

import pytest
from sqlalchemy import delete

from regard.database import open_database
from regard.gallery.bulk import Arrival
from regard.gallery.collections import removals, tables
from regard.gallery.faces import Candidate
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.index.mirror import Mirror
from regard.gallery.index.turns import Turns
from regard.gallery.search import Probe
from regard.sealing import master_key
from tests.helpers.databases import database_url, keys_url
from tests.helpers.fakes import ORGANIZATION, person


def _opened(folder: Path, memory: int | None = None) -> Gallery:
    engine = open_database(database_url(folder))
    key = master_key(folder / "master.key")
    return open_gallery(engine, folder / "keys.db", key, memory=memory, keys_url=keys_url(folder))


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    gallery = _opened(tmp_path)
    _create(gallery, "a")
    yield gallery
    gallery.close()


def _create(gallery: Gallery, name: str) -> None:
    with gallery.writing() as connection:
        gallery.collections.create(connection, ORGANIZATION, name, "1.0", {})


def _enrol(gallery: Gallery, name: str, *numbers: int) -> list[str]:
    arrivals = [
        Arrival(number.to_bytes(32, "big"), None, Candidate((0.0, 0.0, 1.0, 1.0), 99.0, person(number)))
        for number in numbers
    ]
    with gallery.writing() as connection:
        return gallery.bulk.enrol(connection, ORGANIZATION, name, arrivals, "1.0")


def _delete(gallery: Gallery, face_ids: list[str]) -> None:
    with gallery.writing() as connection:
        gallery.faces.delete(connection, ORGANIZATION, "a", face_ids)


def _found(gallery: Gallery, name: str, number: int) -> list[str]:
    probe = Probe(embedding=person(number), face_model="1.0")
    return [face.face_id for _, face in gallery.search.faces(ORGANIZATION, name, probe, 5, 0.5)[0]]


def test_faces_enrolled_in_bulk_are_found_listed_and_counted(gallery: Gallery) -> None:
    ids = _enrol(gallery, "a", *range(20))
    assert [_found(gallery, "a", number) for number in range(20)] == [[face_id] for face_id in ids]
    with gallery.reading() as connection:
        collection = gallery.collections.find(connection, ORGANIZATION, "a")
        listed = gallery.faces.page(connection, collection, 0, 100)
    assert ([face.face_id for face in listed], collection.faces) == (ids, 20)
    made = [UUID(each) for face in listed for each in (face.face_id, face.image_id)]
    assert {(each.version, each.variant) for each in made} == {(4, RFC_4122)}
    assert len(set(made)) == 40
    assert [str(UUID(face_id)) for face_id in ids] == ids


def test_the_same_picture_is_known_again_after_bulk_enrolment(gallery: Gallery) -> None:
    candidate = Candidate((0.0, 0.0, 1.0, 1.0), 99.0, person(1))
    with gallery.writing() as connection:
        arrivals = [Arrival(sha256(b"picture").digest(), "name", candidate)]
        (face_id,) = gallery.bulk.enrol(connection, ORGANIZATION, "a", arrivals, "1.0")
    with gallery.writing() as connection:
        (kept,) = gallery.faces.enrol(connection, ORGANIZATION, "a", b"picture", [candidate], "1.0", "name")
    assert kept.face_id == face_id


def test_a_deletion_is_followed_without_comparing_the_whole_collection(gallery: Gallery, tmp_path: Path) -> None:
    elsewhere = _opened(tmp_path)
    ids = _enrol(gallery, "a", *range(10))
    assert _found(elsewhere, "a", 3) == [ids[3]]
    with patch("regard.gallery.index.mirror.np.setdiff1d", side_effect=AssertionError("all were compared")):
        _delete(gallery, [ids[3], ids[4]])
        assert _found(elsewhere, "a", 3) == []
        assert _found(elsewhere, "a", 5) == [ids[5]]


def test_a_deletion_whose_note_is_gone_is_followed_all_the_same(gallery: Gallery, tmp_path: Path) -> None:
    elsewhere = _opened(tmp_path)
    ids = _enrol(gallery, "a", *range(10))
    assert _found(elsewhere, "a", 3) == [ids[3]]
    _delete(gallery, [ids[3]])
    with gallery.writing() as connection:
        connection.execute(delete(tables.removals))
    assert _found(elsewhere, "a", 3) == []
    assert _found(elsewhere, "a", 4) == [ids[4]]


def test_a_user_that_was_deleted_is_not_found(gallery: Gallery) -> None:
    ids = _enrol(gallery, "a", 1, 2)
    with gallery.writing() as connection:
        for number, name in enumerate(("u", "v")):
            gallery.users.create(connection, ORGANIZATION, "a", name)
            gallery.users.associate(connection, ORGANIZATION, "a", name, [ids[number]], 0.0)
    probe = Probe(embedding=person(1), face_model="1.0")
    assert [user.user_id for _, user in gallery.search.users(ORGANIZATION, "a", probe, 5, 0.5)[0]] == ["u"]
    with gallery.writing() as connection:
        gallery.users.delete(connection, ORGANIZATION, "a", "u")
    assert gallery.search.users(ORGANIZATION, "a", probe, 5, 0.5)[0] == []


def test_notes_of_old_removals_go(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removals, "_KEPT", 2)
    for face_id in _enrol(gallery, "a", *range(6)):
        _delete(gallery, [face_id])
    with gallery.reading() as connection:
        assert len(removals.since(connection, 1, 0)[0]) == 2


def test_collections_that_were_not_asked_for_make_room_for_others(tmp_path: Path) -> None:
    gallery = _opened(tmp_path, memory=1 << 17)
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        _create(gallery, name)
        _enrol(gallery, name, 1)
    with patch.object(Mirror, "catch_up", autospec=True, side_effect=Mirror.catch_up) as read:
        for name in [*names, "e"]:
            assert _found(gallery, name, 1)
        assert read.call_count == 5
        assert _found(gallery, "a", 1)
        assert read.call_count == 6


def test_searches_do_not_wait_for_each_other() -> None:
    turns, both = Turns(), Barrier(2, timeout=5)

    def search() -> bool:
        with turns.together():
            both.wait()
            return True

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda _: search(), range(2)))


def test_a_change_waits_for_searches_and_later_searches_for_the_change() -> None:
    turns, said = Turns(), list[str]()
    searching, may_end, waiting = Event(), Event(), Event()

    def search() -> None:
        with turns.together():
            searching.set()
            may_end.wait(5)
            said.append("searched")

    def change() -> None:
        searching.wait(5)
        waiting.set()
        with turns.alone():
            said.append("changed")

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(search), pool.submit(change)]
        waiting.wait(5)
        may_end.set()
        for each in done:
            each.result(5)
    assert said == ["searched", "changed"]


def test_each_caller_finds_its_own_face_until_it_deletes_it_while_others_do_the_same(gallery: Gallery) -> None:
    def live(number: int) -> None:
        for _ in range(8):
            ids = _enrol(gallery, "a", number)
            assert _found(gallery, "a", number) == ids
            _delete(gallery, ids)
            assert _found(gallery, "a", number) == []

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(live, range(4)))) == 4
