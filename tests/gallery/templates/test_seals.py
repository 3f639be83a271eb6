"""Sealed collections: enough holders open one in a process, and nobody else, with whatever files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import select

from regard.gallery.collections import tables
from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.templates.seals import Holder, Seal, WrongShare, opened_share
from regard.gallery.templates.vault import Template, Vault, open_vault
from regard.operations.common.errors import ApiError
from regard.sealing import SealBroken, SealingKey, master_key
from tests.helpers.fakes import ORGANIZATION, Client, Clock, open_rooms, person

ROOT = SealingKey(b"m" * 32)
KEYS = {name: X25519PrivateKey.generate() for name in ("ann", "bob", "cid", "dan")}


def _holders(*names: str) -> list[Holder]:
    return [Holder(name, f"key of {name}", KEYS[name].public_key()) for name in names]


def _share(seal: Seal, name: str) -> bytes:
    sealed = {share.holder: share.sealed for share in seal.shares}[name]
    return opened_share(seal.id, sealed, KEYS[name])


def _give(vault: Vault, *names: str) -> None:
    (seal,) = vault.keys.seals.all()
    for name in names:
        vault.keys.give(seal.id, name, _share(seal, name))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


@pytest.fixture
def template(file: Path) -> Template:
    vault = open_vault(file, ROOT)
    sealed = Template("s", "f", vault.seal(1, [("s", "f")], [person(1)])[0])
    vault.seal(2, [("s", "f")], [person(1)])
    vault.keys.seal_collection(1, 2, _holders("ann", "bob", "cid"))
    return sealed


def test_enough_holders_open_it_until_the_process_ends(file: Path, template: Template) -> None:
    vault = open_vault(file, ROOT)
    _give(vault, "ann")
    with pytest.raises(CollectionSealed, match=r"2 of its shares .* 1 were given"):
        vault.open(1, [template])
    _give(vault, "ann")
    with pytest.raises(CollectionSealed):
        vault.keys.require_open(1)
    _give(vault, "cid")
    assert vault.open(1, [template]).keys() == {"f"}
    with pytest.raises(CollectionSealed, match="0 were given"):
        open_vault(file, ROOT).open(1, [template])


def test_other_collections_and_the_house_go_on(file: Path, template: Template) -> None:
    vault = open_vault(file, ROOT)
    vault.keys.require_open(2)
    assert vault.key("person/o/external/alice", make=True)
    with pytest.raises(CollectionSealed):
        vault.digest(1, b"picture")


def test_the_root_key_alone_opens_nothing_that_is_sealed(file: Path, template: Template) -> None:
    vault = open_vault(file, ROOT)
    vault.keys.seals.opened(1, SealingKey(SealingKey.generate()))
    with pytest.raises(CollectionSealed):
        vault.open(1, [template])


def test_a_share_of_somebody_else_or_of_nobody_is_refused(file: Path, template: Template) -> None:
    vault = open_vault(file, ROOT)
    (seal,) = vault.keys.seals.all()
    for name, share in (("ann", _share(seal, "bob")), ("ann", b""), ("dan", _share(seal, "ann"))):
        with pytest.raises(WrongShare):
            vault.keys.give(seal.id, name, share)
    with pytest.raises(SealBroken):
        opened_share(seal.id, seal.shares[0].sealed, KEYS["bob"])
    with pytest.raises(LookupError, match="no seal"):
        vault.keys.give("another", "ann", b"")


def test_shared_anew_the_old_shares_open_nothing(file: Path, template: Template) -> None:
    vault, other = open_vault(file, ROOT), open_vault(file, ROOT)
    (old,) = vault.keys.seals.all()
    _give(other, "ann")
    with pytest.raises(CollectionSealed):
        vault.keys.seal_collection(1, 2, _holders("bob", "cid", "dan"))
    _give(vault, "ann", "bob")
    vault.keys.seal_collection(1, 2, _holders("bob", "cid", "dan"))
    assert vault.open(1, [template])
    for name in ("ann", "bob", "cid"):
        with pytest.raises(WrongShare):
            other.keys.give(old.id, name, _share(old, name))
    _give(other, "dan")
    with pytest.raises(CollectionSealed, match="1 were given"):
        other.open(1, [template])
    _give(other, "bob")
    assert other.open(1, [template])


def test_whoever_had_it_open_under_an_earlier_lock_has_to_ask_again(file: Path, template: Template) -> None:
    vault, other = open_vault(file, ROOT), open_vault(file, ROOT)
    for each in (vault, other):
        _give(each, "ann", "bob")
    vault.keys.seal_collection(1, 1, _holders("dan"))
    with pytest.raises(CollectionSealed, match="0 were given"):
        other.open(1, [template])
    _give(other, "dan")
    assert other.open(1, [template])


def test_more_holders_than_there_are_cannot_be_needed(file: Path, template: Template) -> None:
    vault = open_vault(file, ROOT)
    with pytest.raises(ValueError, match="cannot be needed"):
        vault.keys.seal_collection(2, 3, _holders("ann", "bob"))
    vault.keys.require_open(2)
    assert [seal.collection for seal in vault.keys.seals.all()] == [1]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    client = Client(open_rooms(tmp_path, Clock()))
    for name in ("a", "b"):
        client("CreateCollection", CollectionId=name)
        client.index(name, 1, ExternalImageId="ann")
    return client


def test_what_was_in_memory_is_not_searched_and_can_be_deleted(client: Client, tmp_path: Path) -> None:
    gallery = client.rooms.gallery
    (face,) = client("ListFaces", CollectionId="a")["Faces"]
    seal = gallery.seal(ORGANIZATION, "a", 1, _holders("ann"))
    with pytest.raises(CollectionSealed):
        gallery.require_open(ORGANIZATION, "a")
    gallery.require_open(ORGANIZATION, "b")
    gallery.require_open(ORGANIZATION, "nowhere")
    with pytest.raises((CollectionSealed, ApiError)):
        client("SearchFaces", CollectionId="a", FaceId=face["FaceId"])
    again = Client(open_rooms(tmp_path, Clock()))
    again.rooms.gallery.give(seal.id, "ann", _share(seal, "ann"))
    again.index("a", 1, mark=1)
    assert again("SearchFaces", CollectionId="a", FaceId=face["FaceId"])["FaceMatches"]
    client("DeleteFaces", CollectionId="a", FaceIds=[face["FaceId"]])
    client("DeleteCollection", CollectionId="a")
    assert gallery.seals.all() == []


def test_an_older_copy_of_the_key_store_does_not_open_a_sealed_collection(client: Client, tmp_path: Path) -> None:
    gallery, faces = client.rooms.gallery, tables.faces.c
    shutil.copytree(tmp_path, tmp_path / "copy")
    gallery.seal(ORGANIZATION, "a", 1, _holders("ann"))
    with gallery.reading() as connection:
        wanted = select(faces.subject, faces.face_id, faces.template).where(faces.collection == 1)
        template = Template(*connection.execute(wanted).one())
    old = open_vault(tmp_path / "copy" / "keys.db", master_key(tmp_path / "master.key"))
    with pytest.raises(SealBroken):
        old.open(1, [template])


def test_whoever_is_erased_is_erased_from_a_sealed_collection_too(client: Client) -> None:
    gallery = client.rooms.gallery
    gallery.seal(ORGANIZATION, "a", 1, _holders("ann"))
    with gallery.writing() as connection:
        assert gallery.subjects.template(connection, ORGANIZATION, "external/ann")
        removed = gallery.subjects.erase(connection, ORGANIZATION, "external/ann")
    assert sum(each.faces for each in removed) == 2
