from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from regard.ledger.tree.notes import KeyFormatError, Signer, sign_note
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.charter import BadCharter, Charter, Member, Quota
from regard.stewardship.council.member_keys import operator_key, read_public, read_signer
from regard.stewardship.council.motions import BadMotion, Ballot, Kind, Motion, Vote
from regard.stewardship.parties.admission import ByMotion
from regard.stewardship.parties.organization import Standing
from regard.stewardship.policy.packs import BadPack, Pack
from regard.stewardship.records import records
from tests.helpers.stewarding import Stewardship

DAY = 86_400
ROLES = {
    "ann": "maintainer",
    "ben": "worker-representative",
    "cyd": "affected-community",
    "dan": "auditor",
    "eve": "operator",
}
FLOOR = {"purpose": "photo-library", "floor": 85}


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


class Five:
    """A council of five: 3 approvals with one worker representative, a day of discussion, the auditor's veto."""

    def __init__(self, room: Stewardship) -> None:
        self.room = room
        self.signers = {name: Signer.generate(name) for name in ROLES}
        members = tuple(Member(name, role, str(self.signers[name].verifier)) for name, role in ROLES.items())
        quotas = {"default": Quota(3, {"worker-representative": 1})}
        self.charter = Charter(members, quotas, window=DAY, expires=7 * DAY, veto=("auditor",))
        charter = msgspec.to_builtins(self.charter)
        motion = room.council.draft(Kind.CHARTER, "a council of five", {"charter": charter}, "operator")
        room.council.propose(motion.signed(room.signer))
        room.council.vote(motion, Vote.APPROVE, "", room.signer)

    def propose(self, kind: Kind, payload: dict[str, Any], by: str = "ann") -> Motion:
        motion = self.room.council.draft(kind, "a change", payload, by)
        return self.room.council.propose(motion.signed(self.signers[by]))

    def vote(self, motion: Motion, *names: str, vote: Vote = Vote.APPROVE, reason: str = "") -> None:
        for name in names:
            self.room.council.vote(motion, vote, reason, self.signers[name])

    def outcome(self, motion: Motion) -> str:
        self.room.council.settle()
        return next(str(each["outcome"]) for each in self.room.council.history() if each["hash"] == motion.hash)


@pytest.fixture
def five(room: Stewardship) -> Five:
    return Five(room)


def test_the_first_start_makes_a_council_of_one_and_says_its_genesis(room: Stewardship) -> None:
    law = room.council.law()
    assert law.charter.alone
    assert law.pack == "moratorium"
    assert law.genesis == law.head
    assert (room.folder / "council.key").stat().st_mode & 0o077 == 0
    assert room.another_gate().council.law() == law


def test_a_council_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "council.key"
    signer = operator_key(file)
    file.chmod(0o644)
    with pytest.raises(PermissionError, match="key may be read by others: run `chmod 600") as refused:
        operator_key(file)
    assert str(file) in str(refused.value)
    with pytest.raises(PermissionError, match="key may be read by others"):
        read_signer("operator", file)
    file.chmod(0o600)
    assert operator_key(file).verifier == signer.verifier


def test_a_motion_carries_with_its_quota_after_the_discussion(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben", "cyd", "dan")
    assert five.outcome(motion) == "open"
    five.room.now += DAY
    assert five.outcome(motion) == "carried"
    law = five.room.council.law()
    assert law.floors == {"photo-library": 85.0}
    assert law.head == motion.hash


def test_nobody_approves_their_own_motion(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ann", "ben", "cyd")
    five.room.now += DAY
    assert five.outcome(motion) == "open"
    (docket,) = five.room.council.dockets()
    assert docket.tally.missing == "1 more"


def test_a_quota_by_role_is_not_met_by_others(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "cyd", "dan", "eve")
    five.room.now += DAY
    assert five.outcome(motion) == "open"
    five.vote(motion, "ben")
    assert five.outcome(motion) == "carried"


def test_a_veto_ends_a_motion_where_the_charter_grants_it(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "cyd", vote=Vote.VETO, reason="no such power")
    assert five.outcome(motion) == "open"
    five.vote(motion, "dan", vote=Vote.VETO, reason="unlawful")
    assert five.outcome(motion) == "vetoed"


def test_a_motion_expires_and_its_dissent_is_kept(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben", vote=Vote.REFUSE, reason="people were hurt at 80")
    five.room.now += 7 * DAY
    assert five.outcome(motion) == "expired"
    assert "people were hurt at 80" in str(five.room.council.history())
    (settled,) = records.read(five.room.engine, "motion-closed")
    assert settled.body["ballots"][0]["vote"] == "refuse"
    with pytest.raises(BadMotion, match="settled"):
        five.vote(motion, "cyd")


def test_a_dissent_says_why(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    with pytest.raises(BadMotion, match="says why"):
        five.vote(motion, "ben", vote=Vote.REFUSE)


def test_nobody_votes_twice(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben")
    with pytest.raises(BadMotion, match="has voted"):
        five.vote(motion, "ben")


def test_a_changed_text_voids_the_ballots(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    other = msgspec.structs.replace(motion, payload={"purpose": "photo-library", "floor": 0})
    ballot = Ballot(motion.hash, "ben", Vote.APPROVE, "", int(five.room.now))
    with pytest.raises(BadMotion, match="another text"):
        five.room.council.cast(motion.hash, ballot.signed(other, five.signers["ben"]))


def test_who_is_not_on_the_council_neither_proposes_nor_votes(five: Five) -> None:
    stranger = Signer.generate("zoe")
    motion = five.room.council.draft(Kind.FLOOR, "mine", FLOOR, "zoe")
    with pytest.raises(BadMotion, match="not on the council"):
        five.room.council.propose(motion.signed(stranger))
    motion = five.propose(Kind.FLOOR, FLOOR)
    with pytest.raises(BadMotion, match="not on the council"):
        five.room.council.vote(motion, Vote.APPROVE, "", stranger)
    with pytest.raises(BadMotion):
        five.room.council.vote(motion, Vote.APPROVE, "", Signer.generate("ben"))


def test_a_motion_is_overtaken_by_one_that_carried_meanwhile(five: Five) -> None:
    first, second = five.propose(Kind.FLOOR, FLOOR), five.propose(Kind.FLOOR, FLOOR, by="eve")
    five.vote(first, "ben", "cyd", "dan")
    five.vote(second, "ben", "cyd", "dan")
    five.room.now += DAY
    assert {five.outcome(first), five.outcome(second)} == {"carried", "overtaken"}


def test_admission_by_motion_decides_a_review(five: Five) -> None:
    suspect = five.room.organizations.register("Frontex", "technology")
    assert suspect.standing is Standing.REVIEW
    motion = five.propose(Kind.ADMISSION, {"organization": suspect.id, "standing": "refused"})
    five.vote(motion, "ben", "cyd", "dan")
    five.room.now += DAY
    assert five.outcome(motion) == "carried"
    assert five.room.organizations.get(suspect.id).standing is Standing.REFUSED
    assert not five.room.organizations.admission.reviews()


def test_where_several_sit_nobody_decides_a_review_alone(five: Five) -> None:
    suspect = five.room.organizations.register("Frontex", "technology")
    with pytest.raises(ByMotion, match="admission"):
        five.room.organizations.admission.decide(suspect.id, Standing.ADMITTED, "eve", "a friend")
    assert five.room.organizations.get(suspect.id).standing is Standing.REVIEW
    assert five.room.organizations.admission.reviews()


def test_a_council_of_one_decides_a_review_directly_and_it_is_recorded(room: Stewardship) -> None:
    suspect = room.organizations.register("Frontex", "technology")
    room.organizations.admission.decide(suspect.id, Standing.REFUSED, "the operator", "it is the agency")
    assert room.organizations.get(suspect.id).standing is Standing.REFUSED
    assert records.last(room.engine, "review").body["reason"] == "it is the agency"


def test_on_a_broken_chain_nobody_decides_a_review(five: Five) -> None:
    suspect = five.room.organizations.register("Frontex", "technology")
    _changed_by_hand(five.room, "UPDATE motions SET outcome = NULL WHERE outcome = 'carried'")
    with pytest.raises(BrokenChain):
        five.room.organizations.admission.decide(suspect.id, Standing.ADMITTED, "eve", "a friend")


def test_the_history_tells_each_vote_and_its_reasons(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben")
    five.vote(motion, "cyd", vote=Vote.REFUSE, reason="people were hurt at 80")
    told = next(each for each in five.room.council.history() if each["hash"] == motion.hash)
    assert [(vote["member"], vote["vote"], vote["reason"]) for vote in told["votes"]] == [
        ("ben", "approve", ""),
        ("cyd", "refuse", "people were hurt at 80"),
    ]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Kind.POLICY, {"policy": "0" * 64, "pack": "open"}),
        (Kind.FLOOR, {"purpose": "fun", "floor": 5}),
        (Kind.FLOOR, {"purpose": "photo-library", "floor": 101}),
        (Kind.FLOOR, {"purpose": "photo-library"}),
        (Kind.CAPABILITY, {"capability": "race", "enabled": True}),
        (Kind.SUSPENSION, {"capability": "manage", "suspended": True}),
        (Kind.ADMISSION, {"organization": "1", "standing": "review"}),
        (Kind.CHARTER, {"charter": {"members": [], "quotas": {}}}),
        (Kind.GENESIS, {}),
    ],
)
def test_what_could_not_be_done_is_not_put_to_the_vote(room: Stewardship, kind: Kind, payload: dict[str, Any]) -> None:
    motion = room.council.draft(kind, "impossible", payload, "operator")
    with pytest.raises((BadMotion, BadPack, LookupError)):
        room.council.propose(motion.signed(room.signer))


def _changed_by_hand(room: Stewardship, statement: str) -> None:
    with room.engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(BrokenChain):
        room.council.law()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE motions SET outcome = 'carried', settled_at = 1800086401 WHERE outcome IS NULL",
        "UPDATE motions SET outcome = NULL WHERE hash = '{head}'",
        "UPDATE motions SET note = substr(note, 1, 200)",
        "INSERT INTO records (kind, at, body) VALUES ('motion-carried', 1800086401, '{{\"motion\": \"{open}\"}}')",
    ],
)
def test_a_chain_that_was_edited_by_hand_is_refused(five: Five, statement: str) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben")
    _changed_by_hand(five.room, statement.format(head=five.room.council.law().head, open=motion.hash))


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM ballots", "UPDATE motions SET settled_at = 0 WHERE outcome = 'carried'"],
)
def test_rows_that_only_repeat_the_record_count_for_nothing(five: Five, statement: str) -> None:
    before = five.room.council.law()
    with five.room.engine.begin() as connection:
        connection.execute(text(statement))
    assert five.room.council.law() == before


def test_a_vetoed_motion_never_carries_whatever_becomes_of_its_rows(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben", "cyd", "eve")
    five.vote(motion, "dan", vote=Vote.VETO, reason="it harms people")
    with five.room.engine.begin() as connection:
        connection.execute(text("DELETE FROM ballots"))
        connection.execute(text("UPDATE motions SET outcome = NULL, settled_at = NULL WHERE outcome = 'vetoed'"))
    five.room.now += DAY
    assert five.room.council.settle() == []
    assert five.room.council.law().floors == {}
    with pytest.raises(BadMotion, match="settled: closed"):
        five.vote(motion, "ben")


def test_nothing_carries_ahead_of_its_time(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben", "cyd", "dan")
    later = five.room.now + DAY + 1
    body = json.dumps({"motion": motion.hash})
    with five.room.engine.begin() as connection:
        values = {"hash": motion.hash, "at": later, "body": body}
        connection.execute(text("UPDATE motions SET outcome = 'carried', settled_at = :at WHERE hash = :hash"), values)
        row = "INSERT INTO records (kind, at, body) VALUES ('motion-carried', :at, :body)"
        connection.execute(text(row), values)
    with pytest.raises(BrokenChain, match="in time to come"):
        five.room.council.law()


def test_words_that_are_too_long_for_the_log_are_refused_before_anybody_votes(room: Stewardship) -> None:
    motion = room.council.draft(Kind.FLOOR, "x" * 8_193, FLOOR, "operator")
    with pytest.raises(BadMotion, match="title has 8,193 bytes"):
        room.council.propose(motion.signed(room.signer))
    fair = room.council.draft(Kind.FLOOR, "x" * 8_192, FLOOR, "operator")
    room.council.propose(fair.signed(room.signer))
    with pytest.raises(BadMotion, match="reason"):
        room.council.vote(fair, Vote.REFUSE, "é" * 5_000, room.signer)
    with pytest.raises(BadMotion, match="reason"):
        room.council.suspend("detect", "x" * 8_193, room.signer)
    room.council.vote(fair, Vote.APPROVE, "", room.signer)
    assert room.logbook.trouble is None


def test_a_motion_lifts_a_stop_and_a_later_stop_stands(five: Five) -> None:
    council = five.room.council
    council.suspend("compare", "a false arrest", five.signers["ann"])
    motion = five.propose(Kind.SUSPENSION, {"capability": "compare", "suspended": False})
    five.vote(motion, "ben", "cyd", "dan")
    five.room.now += DAY
    assert five.outcome(motion) == "carried"
    assert council.suspensions() == []
    five.room.now += 1
    council.suspend("compare", "another", five.signers["ben"])
    assert [stop.member for stop in council.suspensions()] == ["ben"]


def test_a_whole_new_chain_has_another_genesis(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert Stewardship(first).council.law().genesis != Stewardship(second).council.law().genesis


def test_a_ballot_is_verified_by_hand_as_the_specification_of_signed_notes_says(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    five.vote(motion, "ben", reason="as agreed")
    (note,) = next(each for each in five.room.council.history() if each["hash"] == motion.hash)["ballots"]
    signed, _, below = note.rpartition("\n\n")
    dash, name, encoded = below.strip().split(" ")
    assert (dash, name) == ("—", "ben")
    _, key_hash, key = five.charter.members[1].key.split("+", 2)
    public = base64.b64decode(key)[1:]
    assert hashlib.sha256(b"ben\n\x01" + public).digest()[:4].hex() == key_hash
    signature = base64.b64decode(encoded)
    assert signature[:4].hex() == key_hash
    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{signed}\n".encode())
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{signed}\n".replace("85", "80").encode())


def test_the_stop_button_is_not_held_down(room: Stewardship) -> None:
    stop = room.council.suspend("identify", "an error", room.signer, 10 * 365 * DAY)
    assert stop.ends - stop.begins == room.council.law().charter.suspension
    room.now = stop.ends + 1
    with pytest.raises(BadMotion, match="lately"):
        room.council.suspend("identify", "again", room.signer)
    assert room.council.suspensions() == []
    with pytest.raises(BadMotion, match="not on the council"):
        room.council.suspend("detect", "mine", Signer.generate("operator"))


def test_a_stop_stands_in_the_record_which_nobody_shortens(room: Stewardship) -> None:
    room.council.suspend("identify", "an error", room.signer)
    with room.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql("DELETE FROM records WHERE kind = 'suspension'")
    assert [stop.capability for stop in room.council.suspensions()] == ["identify"]


@pytest.mark.parametrize(
    "change",
    [
        {"members": ()},
        {"quotas": {}},
        {"quotas": {"default": Quota(5)}},
        {"quotas": {"default": Quota(0)}},
        {"quotas": {"default": Quota(1, {"worker-representative": 2})}},
        {"quotas": {"default": Quota(1, {"king": 1})}},
        {"window": 8 * DAY},
        {"veto": ("king",)},
        {"suspension": 0},
    ],
)
def test_a_charter_under_which_nothing_could_carry_is_refused(five: Five, change: dict[str, Any]) -> None:
    with pytest.raises(BadCharter):
        msgspec.structs.replace(five.charter, **change).check()


def test_two_members_do_not_share_a_key(five: Five) -> None:
    first, *rest = five.charter.members
    with pytest.raises(BadCharter, match="made out to"):
        msgspec.structs.replace(five.charter, members=(Member("zoe", "auditor", first.key), *rest)).check()


def _openssh(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(*form, how))
    return key


def test_an_openssh_key_serves_a_member(tmp_path: Path) -> None:
    key = _openssh(tmp_path / "id_ed25519", b"secret")
    signer = read_signer("ann", tmp_path / "id_ed25519", b"secret")
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert read_public("ann", line.decode() + " ann@home\n") == signer.verifier
    with pytest.raises(KeyFormatError, match="passphrase"):
        read_signer("ann", tmp_path / "id_ed25519")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("sk-ssh-ed25519@openssh.com AAAA ann@home", "regard council keygen"),
        ("sk-ecdsa-sha2-nistp256@openssh.com AAAA ann@home", "security key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "ssh-keygen -i -f"),
        ("ecdsa-sha2-nistp256 AAAA ann@home", "not an OpenSSH public key"),
    ],
)
def test_a_public_key_of_another_kind_is_refused_with_what_to_do(text: str, remedy: str) -> None:
    with pytest.raises(KeyFormatError, match=remedy):
        read_public("ann", text)


def test_a_signature_of_ssh_keygen_is_refused_with_what_to_do(five: Five) -> None:
    motion = five.propose(Kind.FLOOR, FLOOR)
    armoured = b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(BadMotion, match="Sign with the OpenSSH key file itself"):
        five.room.council.cast(motion.hash, armoured)


def test_a_half_written_motion_counts_for_nothing_and_stops_nothing(
    room: Stewardship, caplog: pytest.LogCaptureFixture
) -> None:
    motion = room.council.draft(Kind.FLOOR, "half", FLOOR, "operator")
    half = motion.signed(room.signer)[:150]
    with room.engine.begin() as connection:
        connection.execute(text("INSERT INTO motions (hash, note) VALUES (:h, :n)"), {"h": motion.hash, "n": half})
    assert room.council.dockets() == []
    assert f"the motion {motion.hash[:12]} counts for nothing" in caplog.text
    assert room.council.law().floors == {}
    assert any("unreadable" in each for each in room.council.history())


def test_a_pack_that_does_not_validate_is_not_stored(room: Stewardship, tmp_path: Path) -> None:
    file = tmp_path / "mine.cedar"
    file.write_text("permit (principal, action, resource);")
    with pytest.raises(BadPack, match="no @id"):
        room.council.store(Pack.from_file(file))


def test_a_motion_in_another_form_than_the_canonical_is_refused(room: Stewardship) -> None:
    motion = room.council.draft(Kind.FLOOR, "x", FLOOR, "operator")
    with pytest.raises(BadMotion, match="canonical"):
        room.council.propose(sign_note(motion.text.replace("  ", "    "), [room.signer]))


def test_the_start_says_what_is_in_force_and_what_is_not(room: Stewardship) -> None:
    law = room.council.law()
    said = "\n".join(room.council.opening())
    assert law.genesis in said
    assert "one person" in said
    room.council.suspend("identify", "an error", room.signer)
    assert "Stopped: identify" in "\n".join(room.council.opening())
    pack = Pack.shipped("open")
    payload = {"policy": room.council.store(pack), "pack": "open"}
    motion = room.council.draft(Kind.POLICY, "open", payload, "operator")
    room.council.propose(motion.signed(room.signer))
    room.council.vote(motion, Vote.APPROVE, "", room.signer)
    assert 'THE PACK "open"' in "\n".join(room.council.opening())
    with room.engine.begin() as connection:
        connection.execute(text("UPDATE policies SET text = ''"))
    assert "EVERYTHING IS DENIED" in room.council.opening()[0]
