"""Sealed collections: the council opens them together, in the service that runs, and the log says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from regard.cli import app
from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.templates.seals import Seal, WrongShare, opened_share
from regard.ledger.tree.notes import Signer
from regard.stewardship.council.charter import Charter, Member, Quota
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import opening_key, read_signer, sealing_key
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.gate.seals import CouncilSeals
from tests.helpers.fakes import Clock
from tests.helpers.peopled import House
from tests.helpers.running import running

SIGNERS = {name: Signer.generate(name) for name in ("ann", "bob", "cid", "dan")}


def _charter(*names: str) -> Charter:
    members = tuple(Member(name, "maintainer", str(SIGNERS[name].verifier)) for name in names)
    return Charter(members, {"default": Quota(1)})


def _amend(council: Council, charter: Charter, by: Signer, approving: Signer) -> None:
    motion = council.draft(Kind.CHARTER, "a council", {"charter": msgspec.to_builtins(charter)}, by.name)
    council.propose(motion.signed(by))
    council.vote(motion, Vote.APPROVE, "", approving)


class Sealing(House):
    """A house whose council seals collections."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.seals = CouncilSeals(self.gallery, self.council, self.logbook)

    def sit(self, *names: str) -> None:
        operator = read_signer("operator", self.folder / "council.key")
        _amend(self.council, _charter(*names), operator, operator)

    def give(self, *names: str) -> Seal:
        (seal,) = self.seals.all()
        for name in names:
            seal = self.seals.give(seal.id, name, self.share(name))
        return seal

    def share(self, name: str) -> bytes:
        (seal,) = self.seals.all()
        sealed = {share.holder: share.sealed for share in seal.shares}[name]
        return opened_share(seal.id, sealed, opening_key(SIGNERS[name]))

    def told(self) -> list[tuple[str, str | None]]:
        return [(each["change"], each.get("role")) for each in self.entries() if each["kind"] == "regard/seal"]


@pytest.fixture
def again(tmp_path: Path) -> Iterator[Callable[[], Sealing]]:
    clock, opened = Clock(), list[Sealing]()

    def start() -> Sealing:
        for house in opened:
            house.close()
        opened.append(Sealing(tmp_path, clock))
        return opened[-1]

    yield start
    opened[-1].close()


@pytest.fixture
def sealed(again: Callable[[], Sealing]) -> Sealing:
    house = again()
    house.sit("ann", "bob", "cid")
    house.collection("vault")
    house.index("vault", 1, name="alice")
    house.seals.seal(house.organization, "vault", 2)
    return again()


def test_keys_of_members_are_those_that_others_convert_too() -> None:
    """The vector of libsodium's test of crypto_sign_ed25519_pk_to_curve25519."""
    seed = bytes.fromhex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
    signer = Signer("x", Ed25519PrivateKey.from_private_bytes(seed))
    public = sealing_key(signer.verifier).public_bytes_raw()
    assert public.hex() == "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50"
    assert opening_key(signer).public_key().public_bytes_raw() == public
    secret = bytes.fromhex("8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166")
    assert X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw() == public


def test_two_of_three_open_it_and_the_log_says_each_step_without_names(sealed: Sealing) -> None:
    assert sealed.give("ann").given == 1
    assert sealed.give("cid").given == 2
    assert sealed.search("vault", 1)
    assert sealed.told() == [("sealed", None), ("share given", "maintainer"), ("share given", "maintainer")]
    assert b"vault" not in sealed.log()
    assert not [each for each in sealed.entries() if each["kind"] == "regard/seal" and "ann" in json.dumps(each)]


def test_what_is_sealed_is_not_listed_and_can_be_deleted(sealed: Sealing) -> None:
    for name in ("ListFaces", "ListUsers"):
        with pytest.raises(Exception, match="sealed-collection"):
            sealed.ask(name, CollectionId="vault")
    sealed.collection("open")
    assert sealed.index("open", 1)
    assert sealed.erase("alice").faces == 1
    sealed.ask("DeleteCollection", CollectionId="vault")
    assert sealed.seals.all() == []


def test_the_share_of_a_member_who_left_does_not_count(sealed: Sealing) -> None:
    _amend(sealed.council, _charter("ann", "bob"), SIGNERS["ann"], SIGNERS["bob"])
    with pytest.raises(WrongShare, match="does not sit"):
        sealed.give("cid")
    assert sealed.give("ann", "bob").given == 2


def test_when_the_council_changes_the_new_one_has_the_shares(sealed: Sealing, again: Callable[[], Sealing]) -> None:
    old = sealed.share("cid")
    sealed.give("ann", "bob")
    _amend(sealed.council, _charter("bob", "dan"), SIGNERS["ann"], SIGNERS["bob"])
    sealed.seals.follow()
    assert sealed.search("vault", 1)
    assert sealed.told()[-1] == ("shared anew", None)
    later = again()
    (seal,) = later.seals.all()
    assert [share.holder for share in seal.shares] == ["bob", "dan"]
    with pytest.raises(WrongShare):
        later.seals.give(seal.id, "cid", old)
    later.give("dan")
    with pytest.raises(CollectionSealed, match="1 were given"):
        later.gallery.require_open(later.organization, "vault")
    later.give("bob")
    assert later.search("vault", 1)


def test_a_council_with_too_few_members_leaves_the_seal_as_it_is(sealed: Sealing) -> None:
    sealed.give("ann", "bob")
    before = sealed.seals.all()
    _amend(sealed.council, _charter("ann"), SIGNERS["ann"], SIGNERS["bob"])
    sealed.seals.follow()
    assert sealed.seals.all() == before


def _run(*words: str, code: int = 0) -> str:
    ran = CliRunner().invoke(app, list(words))
    assert ran.exit_code == code, ran.output
    return ran.stdout


@pytest.mark.long
@pytest.mark.slow("starts the whole service twice, with its models")
@pytest.mark.sqlite("asks the service, whose tables are in a file")
def test_through_boto3_a_sealed_collection_answers_only_when_two_have_opened_it(
    tmp_path: Path, portrait: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, image = tmp_path / "data", {"Bytes": portrait}
    monkeypatch.setenv("REGARD_DATA_DIR", str(folder))
    monkeypatch.setenv("COLUMNS", "400")
    for name in ("ann", "bob", "cid"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(SIGNERS[name].encode() + "\n")

    with running(folder) as service:
        rekognition, known = service.client(), service.environment
        for name in ("vault", "plain"):
            rekognition.create_collection(CollectionId=name)
            rekognition.index_faces(CollectionId=name, Image=image)
        charter = tmp_path / "charter.json"
        charter.write_text(json.dumps(msgspec.to_builtins(_charter("ann", "bob", "cid"))))
        motion = _run("council", "charter", "--amend", str(charter)).strip()
        _run("council", "vote", motion, "approve")
    told = _run("collections", "seal", "vault", "--needed", "2")
    assert "2 of 3 members" in told
    found = re.search(r"unseal (\w+)", told)
    assert found
    with running(folder, known) as service:
        rekognition = service.client()

        def matches(name: str) -> int:
            return len(rekognition.search_faces_by_image(CollectionId=name, Image=image)["FaceMatches"])

        def unseal(name: str, code: int, seal: str = found[1]) -> str:
            return _run(
                "collections",
                "unseal",
                seal,
                "--as",
                name,
                "--key",
                str(tmp_path / name),
                "--service",
                service.url,
                code=code,
            )

        for given in (0, 1):
            for ask in (matches, lambda name: rekognition.list_faces(CollectionId=name)):
                with pytest.raises(ClientError) as error:
                    ask("vault")
                said = error.value.response["Error"]
                assert said["Code"] == "AccessDeniedException"
                assert f"2 of its shares open it until the service stops, {given} were given" in said["Message"]
                assert f"regard collections unseal {found[1]}" in said["Message"]
            assert matches("plain") == 1
            assert rekognition.detect_faces(Image=image)["FaceDetails"]
            if not given:
                assert "1 of 2 shares" in unseal("ann", 1)
        assert "open" in unseal("cid", 0)
        assert matches("vault") == 1
        assert len(rekognition.list_faces(CollectionId="vault")["Faces"]) == 1
        place = f"{service.url}/stewardship/v1/seals"
        assert httpx.get(f"{place}/another").status_code == 404
        given_nothing = {"member": "bob", "share": "AAAA"}
        assert httpx.post(f"{place}/{found[1]}/shares", json=given_nothing).status_code == 403
        assert httpx.post(f"{place}/{found[1]}/shares", content=b"\xff{").status_code == 400
        assert httpx.post(f"{place}/{found[1]}/shares", content=bytes(5000)).status_code == 413
        assert found[1] in _run("collections", "seals")
