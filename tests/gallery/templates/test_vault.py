"""The vault: no template without its key, no key without its subject."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regard.gallery.templates.key_store import HOUSE, KeyStore
from regard.gallery.templates.vault import Template, Vault, open_vault
from regard.sealing import SealBroken, SealingKey
from tests.helpers.fakes import person


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(tmp_path / "keys.db", SealingKey(b"m" * 32))


def _sealed(vault: Vault, collection: int, subject: str, face_id: str) -> Template:
    return Template(subject, face_id, vault.seal(collection, [(subject, face_id)], [person(1)])[0])


def test_what_was_sealed_opens_as_it_was(vault: Vault) -> None:
    opened = vault.open(1, [_sealed(vault, 1, "s", "f")])
    np.testing.assert_allclose(opened["f"], person(1), atol=5e-7)


def test_a_sealed_template_does_not_contain_the_template(vault: Vault) -> None:
    assert person(1).tobytes()[:16] not in _sealed(vault, 1, "s", "f").sealed


def test_without_the_key_of_its_subject_a_template_stays_shut(vault: Vault) -> None:
    gone, kept = _sealed(vault, 1, "gone", "f"), _sealed(vault, 1, "kept", "g")
    vault.keys.destroy(1, ["gone"])
    assert vault.open(1, [gone, kept]).keys() == {"g"}


def test_many_open_in_their_order_whatever_they_are_called_and_whoever_is_gone(vault: Vault) -> None:
    # As many as are opened at once, two faces each, some by names whose letters take more than a byte.
    subjects = [f"{'žofia' if number % 7 == 0 else 'name'}-{number // 2}" for number in range(600)]
    faces = [(subject, f"face-{number}") for number, subject in enumerate(subjects)]
    templates = [person(number) for number in range(len(faces))]
    sealed = vault.seal(1, faces, templates)
    vault.keys.destroy(1, ["name-2", "žofia-7"])
    places, opened = vault.open_all(1, [(*face, data) for face, data in zip(faces, sealed, strict=True)])
    assert places == [number for number, subject in enumerate(subjects) if subject not in ("name-2", "žofia-7")]
    np.testing.assert_allclose(opened, np.array([templates[place] for place in places]), atol=5e-7)


def test_without_the_rotation_of_its_collection_no_template_opens(vault: Vault) -> None:
    template = _sealed(vault, 1, "s", "f")
    vault.keys.destroy(1, ["rotation"])
    assert vault.open(1, [template]) == {}


def test_a_new_key_of_the_same_subject_does_not_open_old_templates(vault: Vault) -> None:
    old = _sealed(vault, 1, "s", "f")
    vault.keys.destroy(1, ["s"])
    _sealed(vault, 1, "s", "other")
    with pytest.raises(SealBroken):
        vault.open(1, [old])


def test_a_template_opens_only_as_the_face_it_was_sealed_for(vault: Vault) -> None:
    template = _sealed(vault, 1, "s", "f")
    with pytest.raises(SealBroken):
        vault.open(1, [template._replace(face_id="g")])


def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    template = _sealed(open_vault(tmp_path / "keys.db", SealingKey(b"m" * 32)), 1, "s", "f")
    with pytest.raises(SealBroken):
        open_vault(tmp_path / "keys.db", SealingKey(b"n" * 32)).open(1, [template])


def test_a_destroyed_key_is_in_no_file_of_the_store(vault: Vault, tmp_path: Path) -> None:
    _sealed(vault, 1, "external/a-name-to-look-for", "f")
    _sealed(vault, 1, "external/stays", "g")
    vault.keys.destroy(1, ["external/a-name-to-look-for"])
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"external/stays" in files
    assert b"a-name-to-look-for" not in files


def test_a_sweep_keeps_the_keys_in_use_alone(vault: Vault) -> None:
    for collection, subject in ((1, "used"), (1, "unused"), (2, "deleted")):
        _sealed(vault, collection, subject, "f")
    digest = vault.digest(1, b"picture")
    assert vault.keys.counts() == {1: 2, 2: 1}
    vault.keys.keep_only({1: {"used"}})
    assert vault.keys.holders() == {1: {"used"}}
    assert vault.keys.counts() == {1: 1}
    assert vault.digest(1, b"picture") == digest


def test_the_same_picture_has_another_digest_in_another_collection(vault: Vault) -> None:
    assert vault.digest(1, b"picture") == vault.digest(1, b"picture") != vault.digest(2, b"picture")


def test_two_who_make_a_key_at_once_have_the_same(vault: Vault) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: vault.key("person/o/external/alice", make=True), range(32)))
    first = keys[0]
    assert first
    assert all(key and key.open(first.seal(b"clear", b""), b"") == b"clear" for key in keys)
    vault.keys.keep_only({})
    assert vault.key("person/o/external/alice")


def _as_before(file: Path, root: SealingKey) -> list[Template]:
    """A store as it was when the master key wrapped the keys of subjects itself."""
    vault = open_vault(file, root)
    templates = [_sealed(vault, collection, subject, "f") for collection in (1, 2) for subject in ("s", "t")]
    vault.digest(HOUSE, b"picture")
    with vault.keys.engine.connect() as connection:
        for collection, subject in connection.exec_driver_sql("SELECT collection, subject FROM keys").all():
            if subject == "collection":
                continue
            (key,) = vault.keys.find(collection, {subject}).values()
            wrapped = root.seal(key, f"key/{collection}/{subject}".encode())
            where = (wrapped, collection, subject)
            connection.exec_driver_sql("UPDATE keys SET wrapped = ? WHERE collection = ? AND subject = ?", where)
        connection.exec_driver_sql("DELETE FROM keys WHERE subject = 'collection'")
        connection.exec_driver_sql("PRAGMA user_version=0")
        connection.commit()
    vault.keys.engine.dispose()
    return templates


def test_a_store_from_before_collections_had_keys_opens_as_it_did(tmp_path: Path) -> None:
    root, file = SealingKey(b"m" * 32), tmp_path / "keys.db"
    templates = _as_before(file, root)
    with ThreadPoolExecutor(4) as pool:
        vaults = list(pool.map(lambda _: open_vault(file, root), range(4)))
    for vault in vaults:
        for collection, some in ((1, templates[:2]), (2, templates[2:])):
            for template in some:
                np.testing.assert_allclose(vault.open(collection, [template])["f"], person(1), atol=5e-7)
    assert vaults[0].keys.holders() == {1: {"s", "t"}, 2: {"s", "t"}}


def test_a_store_that_could_not_be_brought_up_to_date_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, file = SealingKey(b"m" * 32), tmp_path / "keys.db"
    templates, real, puts = _as_before(file, root), KeyStore._put, []

    def crash(*given: Any) -> None:
        real(*given)
        puts.append(given)
        if len(puts) == 2:
            raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(KeyStore, "_put", crash)
        with pytest.raises(SystemExit):
            open_vault(file, root)
    assert open_vault(file, root).open(2, templates[2:3]).keys() == {"f"}
    with pytest.raises(SealBroken):
        open_vault(file, SealingKey(b"n" * 32)).open(2, templates[2:3])


def test_keys_are_wrapped_under_the_key_of_their_collection(vault: Vault) -> None:
    _sealed(vault, 1, "s", "f")
    with vault.keys.engine.connect() as connection:
        query = "SELECT wrapped FROM keys WHERE collection = 1 AND subject = ?"
        wrapped = {name: connection.exec_driver_sql(query, (name,)).scalar_one() for name in ("collection", "s")}
    own = SealingKey(SealingKey(b"m" * 32).open(wrapped["collection"], b"collection/1/"))
    assert len(own.open(wrapped["s"], b"key/1/s")) == 32


def test_a_key_for_details_on_a_person_names_nobody_and_one_that_did_is_renamed(tmp_path: Path) -> None:
    root = SealingKey(b"m" * 32)
    vault = open_vault(tmp_path / "keys.db", root)
    old = "person/111122223333/external/alice/of-b"
    sealed = SealingKey(vault.keys.make(HOUSE, {old})[old]).seal(b"details", b"")
    again = open_vault(tmp_path / "keys.db", root)
    key = again.person_key("111122223333", "external/alice/of-b")
    assert key is not None
    assert key.open(sealed, b"") == b"details"
    assert not [name for name in again.keys.names(HOUSE) if "alice" in name]
    assert b"alice" not in b"".join(path.read_bytes() for path in tmp_path.glob("keys.db*"))
    again.destroy_person_key("111122223333", "external/alice/of-b")
    assert again.person_key("111122223333", "external/alice/of-b") is None
