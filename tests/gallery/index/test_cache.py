"""The cache on disk: what a restart reads is what was there, and what was removed is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from regard.database import open_database, sqlite_url
from regard.gallery.faces import Candidate
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.index import mirror
from regard.gallery.search import Probe
from regard.gallery.templates.vault import Vault
from regard.sealing import master_key
from tests.helpers.fakes import ORGANIZATION, person

PERSONS = 30


@pytest.fixture(autouse=True)
def _few_are_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "WORTH_KEEPING", 1)


@contextmanager
def opened(folder: Path) -> Iterator[Gallery]:
    engine: Engine = open_database(sqlite_url(folder / "regard.db"))
    gallery = open_gallery(engine, folder / "keys.db", master_key(folder / "master.key"))
    yield gallery
    gallery.close()
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a collection of persons, the first two of them users too, as a service left it."""
    with opened(tmp_path) as gallery:
        with gallery.writing() as connection:
            gallery.collections.create(connection, ORGANIZATION, "a", "1.0", {})
        ids = [enrol(gallery, number) for number in range(PERSONS)]
        with gallery.writing() as connection:
            for number in range(2):
                gallery.users.create(connection, ORGANIZATION, "a", f"user-{number}")
                gallery.users.associate(connection, ORGANIZATION, "a", f"user-{number}", [ids[number]], 0.0)
        assert found(gallery, 5)
    return tmp_path


def enrol(gallery: Gallery, number: int) -> str:
    candidate = Candidate((0.0, 0.0, 1.0, 1.0), 99.0, person(number))
    with gallery.writing() as connection:
        kept = gallery.faces.enrol(connection, ORGANIZATION, "a", bytes([number]), [candidate], "1.0", f"p-{number}")
    return kept[0].face_id


def delete(gallery: Gallery, *face_ids: str) -> None:
    with gallery.writing() as connection:
        deletion = gallery.faces.delete(connection, ORGANIZATION, "a", face_ids)
    gallery.destroy_keys(deletion.collection, deletion.subjects)


def found(gallery: Gallery, number: int) -> list[str]:
    probe = Probe(embedding=person(number), face_model="1.0")
    return [face.face_id for _, face in gallery.search.faces(ORGANIZATION, "a", probe, 5, 0.5)[0]]


def files(folder: Path) -> list[Path]:
    return list((folder / "index").glob("*"))


def _never_opened(*_: object) -> dict[str, NDArray[np.float32]]:
    raise AssertionError("a template was opened")


def test_a_restart_reads_the_cache_instead_of_opening_templates(folder: Path) -> None:
    with opened(folder) as gallery, patch.object(Vault, "open", _never_opened):
        assert all(found(gallery, number) for number in range(PERSONS))
        probe = Probe(embedding=person(1), face_model="1.0")
        users, _ = gallery.search.users(ORGANIZATION, "a", probe, 5, 0.5)
        assert [user.user_id for _, user in users] == ["user-1"]


def test_a_cache_is_sealed(folder: Path) -> None:
    (file,) = files(folder)
    for number in range(PERSONS):
        assert person(number)[:4].tobytes() not in file.read_bytes()


def test_what_came_after_the_cache_was_written_is_found(folder: Path) -> None:
    with opened(folder) as gallery:
        face = enrol(gallery, 99)
    with opened(folder) as gallery:
        assert found(gallery, 99) == [face]
        assert found(gallery, 3)


def test_a_removal_destroys_the_cache_and_its_key(folder: Path) -> None:
    (file,) = files(folder)
    copy = file.read_bytes()
    with opened(folder) as gallery:
        (face,) = found(gallery, 7)
        delete(gallery, face)
        assert files(folder) == []
        assert found(gallery, 7) == []
    # Closing wrote another; the old file opens no more under the key of the new one.
    file.write_bytes(copy)
    with opened(folder) as gallery:
        assert not files(folder)
        assert found(gallery, 7) == []
        assert found(gallery, 8)


def test_a_removal_cut_short_by_a_crash_is_made_good_at_the_next_start(folder: Path) -> None:
    with opened(folder) as gallery, gallery.writing() as connection:
        faces = gallery.faces.page(connection, gallery.collections.find(connection, ORGANIZATION, "a"), 0, 9)
        gallery.faces.delete(connection, ORGANIZATION, "a", [faces[7].face_id])
    assert files(folder)
    with opened(folder) as gallery:
        assert not files(folder)
        assert found(gallery, 7) == []
        assert list(gallery._vault.keys.counts().values()) == [PERSONS - 1]


def test_the_cache_of_a_deleted_collection_goes(folder: Path) -> None:
    with opened(folder) as gallery:
        with gallery.writing() as connection:
            gone = gallery.collections.delete(connection, ORGANIZATION, "a")
        gallery.destroy_keys(gone.id)
    assert not files(folder)


@pytest.mark.parametrize("place", [3, 100, -3])
def test_a_file_that_was_tampered_with_is_as_good_as_none(folder: Path, place: int) -> None:
    (file,) = files(folder)
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    with opened(folder) as gallery:
        assert all(found(gallery, number) for number in range(PERSONS))


@pytest.mark.parametrize("kept", [0, 5, 100, 4000])
def test_a_file_that_was_cut_off_is_as_good_as_none(folder: Path, kept: int) -> None:
    (file,) = files(folder)
    file.write_bytes(file.read_bytes()[:kept])
    with opened(folder) as gallery:
        assert all(found(gallery, number) for number in range(PERSONS))


def test_a_cache_of_another_history_is_not_believed(folder: Path) -> None:
    backup = (folder / "regard.db").read_bytes()
    with opened(folder) as gallery:
        enrol(gallery, 98)
        found(gallery, 98)
    (folder / "regard.db").write_bytes(backup)
    with opened(folder) as gallery:
        face = enrol(gallery, 99)
        assert found(gallery, 98) == []
        assert found(gallery, 99) == [face]


def test_what_a_crash_left_half_written_is_swept(folder: Path) -> None:
    (folder / "index" / "1.half").write_bytes(b"half")
    with opened(folder):
        assert [file.suffix for file in files(folder)] == [".sealed"]
