from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.gate.explanation import explain
from regard.stewardship.gate.gate import Denied
from regard.stewardship.parties.attestations import attest, declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organization import Standing
from regard.stewardship.policy.call import Capability, Operation
from regard.stewardship.policy.policy import Policy
from regard.stewardship.policy.vocabulary import purposes
from regard.stewardship.policy.withholding import FACES
from regard.stewardship.records import records
from tests.helpers.stewarding import Stewardship

FACE_OPERATIONS = ("DetectFaces", "CompareFaces", "IndexFaces", "SearchFacesByImage")


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


def _carry(room: Stewardship, kind: Kind, payload: dict[str, Any]) -> None:
    motion = room.council.draft(kind, "a change", payload, "operator")
    room.council.propose(motion.signed(room.signer))
    room.council.vote(motion, Vote.APPROVE, "", room.signer)


@pytest.mark.parametrize("name", FACE_OPERATIONS)
def test_the_first_key_is_refused_no_face_operation_at_any_threshold(room: Stewardship, name: str) -> None:
    key = room.organizations.first_start()
    assert key is not None
    given = {"SimilarityThreshold": 0.0} if name == "CompareFaces" else {"FaceMatchThreshold": 0.0}
    assert room.rule(key.caller, name, CollectionId="friends", **given) == "allow"


@pytest.mark.parametrize("name", FACE_OPERATIONS)
@pytest.mark.parametrize("sector", ["law-enforcement", "immigration-enforcement", "intelligence"])
def test_a_forbidden_sector_is_refused_every_face_operation(room: Stewardship, sector: str, name: str) -> None:
    caller = room.caller(sector)
    with pytest.raises(Denied) as denied:
        room.ask(caller, name)
    assert denied.value.rule == f"no-{sector}"
    assert denied.value.path == ()


@pytest.mark.parametrize("sector", ["law-enforcement", "immigration-enforcement", "intelligence"])
def test_labels_say_nothing_of_faces_to_whoever_gets_no_face_operation(room: Stewardship, sector: str) -> None:
    assert room.ask(room.caller(sector), "DetectLabels").withheld == (FACES,)
    assert room.ask(room.caller(), "DetectLabels").withheld == ()


def test_police_may_still_read_settings_and_delete(room: Stewardship) -> None:
    caller = room.caller("law-enforcement")
    assert room.rule(caller, "ListCollections") == "allow"
    assert room.rule(caller, "DeleteCollection", CollectionId="old") == "allow"


def test_an_organization_three_hands_above_a_forbidden_customer_is_refused_until_it_attests_otherwise(
    room: Stewardship,
) -> None:
    signer = Signer.generate("first")
    names = ("First", "Second", "Third")
    first, second, third = (room.organizations.register(name, "technology") for name in names)
    room.organizations.change(first.id, verifier=str(signer.verifier))
    police = room.organizations.register("City police", "law-enforcement")
    for source, target in ((second, third), (third, police)):
        room.organizations.edges.add(Edge(source.id, EdgeKind.SUPPLIES, target.id, "an import"))
    room.organizations.edges.add(Edge(first.id, EdgeKind.SUPPLIES, second.id))
    caller = room.organizations.issue_key(first.id, "photo-library").caller
    with pytest.raises(Denied) as denied:
        room.ask(caller)
    assert denied.value.path == ("you", "Second", "Third", "City police (law enforcement)")
    assert room.ask(caller, "DetectLabels").withheld == (FACES,)
    assert "you → Second → Third → City police (law enforcement)" in str(denied.value)
    room.organizations.edges.remove(first.id, EdgeKind.SUPPLIES, second.id)
    assert room.rule(caller) == "attestation-expired"
    assert room.ask(caller, "DetectLabels").withheld == (FACES,)
    until = int(room.now) + 1000
    attest(
        room.organizations, first.id, sign_note(declaration(room.organizations, first.id, until), [signer]), room.now
    )
    assert room.rule(caller) == "allow"
    room.now = until
    assert room.rule(caller) == "attestation-expired"


def test_when_the_last_hand_lets_go_all_above_it_wait_for_its_attestation(room: Stewardship) -> None:
    signer = Signer.generate("hands")
    hands = [room.organizations.register(f"Hand {n}", "technology", verifier=str(signer.verifier)) for n in range(3)]
    border = room.organizations.register("Border force", "immigration-enforcement")
    for source, target in zip(hands, [*hands[1:], border], strict=True):
        room.organizations.edges.add(Edge(source.id, EdgeKind.SUPPLIES, target.id))
    caller = room.organizations.issue_key(hands[0].id, "photo-library").caller

    def attested(organization: str) -> None:
        note = sign_note(declaration(room.organizations, organization, int(room.now) + 1000), [signer])
        attest(room.organizations, organization, note, room.now)

    for hand in hands:
        attested(hand.id)
    assert room.rule(caller) == "no-immigration-enforcement"
    room.organizations.edges.remove(hands[2].id, EdgeKind.SUPPLIES, border.id)
    with pytest.raises(Denied, match="an organization behind you") as denied:
        room.ask(caller)
    assert denied.value.rule == "attestation-expired"
    assert denied.value.path == ("you", "Hand 1", "Hand 2 (not attested)")
    assert room.rule(caller, "ListCollections") == "allow"
    attested(hands[2].id)
    assert room.rule(caller) == "allow"


def test_who_gives_a_little_less_than_the_floor_is_refused(room: Stewardship) -> None:
    caller = room.caller(purpose="identity-verification")
    assert room.rule(caller, "CompareFaces", SimilarityThreshold=98.9996) == "floor-where-rights-are-at-stake"
    assert room.rule(caller, "CompareFaces", SimilarityThreshold=99.0) == "allow"


def test_a_change_upstream_counts_at_the_next_call_through_another_gate(room: Stewardship) -> None:
    caller = room.caller()
    other = room.another_gate()
    other.before(room.call(caller))
    agency = room.organizations.register("An agency", "immigration-enforcement")
    room.organizations.edges.add(Edge(agency.id, EdgeKind.OWNED_BY, caller.organization, "an import"))
    with pytest.raises(Denied, match="no-immigration-enforcement"):
        other.before(room.call(caller))


def test_what_supplies_a_refused_organization_is_refused(room: Stewardship) -> None:
    caller = room.caller()
    bad = room.organizations.register("Bad", "retail")
    room.organizations.edges.add(Edge(caller.organization, EdgeKind.SUPPLIES, bad.id, "an import"))
    assert room.rule(caller) == "allow"
    room.organizations.admission.decide(bad.id, Standing.REFUSED, "the operator", "it sold what it saw")
    assert room.rule(caller) == "no-refused-organization"


def test_under_review_nothing_sensitive_is_done(room: Stewardship) -> None:
    suspect = room.organizations.register("Immigration & Customs Enforcment", "technology")
    caller = room.organizations.issue_key(suspect.id, "photo-library").caller
    assert room.rule(caller) == "review-first"
    assert room.rule(caller, "ListCollections") == "allow"
    room.organizations.admission.decide(suspect.id, Standing.ADMITTED, "a person", "a band of that name")
    assert room.rule(caller) == "allow"


def test_a_threshold_that_is_absent_is_raised_and_one_that_is_lower_is_refused(room: Stewardship) -> None:
    caller = room.caller(purpose="identity-verification")
    call = room.call(caller, "CompareFaces")
    room.gate.before(call)
    assert call.parameters == {"SimilarityThreshold": 99.0}
    assert "raised to 99" in call.remarks["x-regard-threshold"]
    with pytest.raises(Denied, match="It is 99 for identity-verification; 80 was given") as denied:
        room.ask(caller, "CompareFaces", SimilarityThreshold=80)
    assert denied.value.rule == "floor-where-rights-are-at-stake"
    room.ask(caller, "CompareFaces", SimilarityThreshold=99.5)


def test_a_raised_threshold_and_a_refused_one_are_both_recorded(room: Stewardship) -> None:
    caller = room.caller(purpose="identity-verification")
    room.ask(caller, "CompareFaces", SimilarityThreshold=99.5)
    assert not list(records.read(room.engine, "floor-raised"))
    room.ask(caller, "CompareFaces")
    body = records.last(room.engine, "floor-raised").body
    assert (body["organization"], body["operation"], body["floor"]) == (caller.organization, "CompareFaces", "99")
    assert room.rule(caller, "CompareFaces", SimilarityThreshold=80) == "floor-where-rights-are-at-stake"
    assert records.last(room.engine, "denial").body["request"]["threshold"] == 80
    assert len(list(records.read(room.engine, "floor-raised"))) == 1


@pytest.mark.parametrize(
    ("faces", "floor"), [(0, 99), (10_000, 99), (30_000, 99), (50_000, 99.4), (100_000, 99.9), (1_000_000, 99.9)]
)
def test_the_floor_rises_with_the_gallery_where_rights_are_at_stake(
    room: Stewardship, faces: int, floor: float
) -> None:
    caller = room.caller(purpose="access-control", basis="attested")
    room.gallery.counts["staff"] = faces
    call = room.call(caller, "SearchFacesByImage", CollectionId="staff")
    room.gate.before(call)
    assert call.parameters["FaceMatchThreshold"] == floor
    given = {"CollectionId": "staff", "FaceMatchThreshold": floor - 0.1}
    with pytest.raises(Denied) as denied:
        room.ask(caller, "SearchFacesByImage", **given)
    assert denied.value.rule == "floor-where-rights-are-at-stake"
    among = f" for access-control in a collection of {faces:,} faces"
    for said in (call.remarks["x-regard-threshold"], str(denied.value)):
        assert f"{floor:g}" in said
        assert (among in said) == (faces > 30_000)
    assert room.rule(caller, "CompareFaces", SimilarityThreshold=99) == "allow"


def test_no_gallery_raises_the_floor_of_development(room: Stewardship) -> None:
    room.gallery.counts["friends"] = 1_000_000
    asked = {"CollectionId": "friends", "FaceMatchThreshold": 10}
    assert room.rule(room.caller(), "SearchFacesByImage", **asked) == "allow"


def test_a_motion_moves_a_floor(room: Stewardship) -> None:
    caller = room.caller(purpose="media-archive", basis="attested")
    assert room.rule(caller, "CompareFaces", SimilarityThreshold=90) == "floor-of-the-purpose"
    _carry(room, Kind.FLOOR, {"purpose": "media-archive", "floor": 90})
    assert room.rule(caller, "CompareFaces", SimilarityThreshold=90) == "allow"


def test_enrolment_on_consent_needs_a_receipt_for_the_person(room: Stewardship) -> None:
    room.gallery.kept["staff"] = {"regard:basis": "consent", "regard:purpose": "access-control"}
    caller = room.caller(purpose="access-control")
    given = {"CollectionId": "staff", "ExternalImageId": "alice", "Image": {}}
    with pytest.raises(Denied, match="consent receipt") as denied:
        room.ask(caller, "IndexFaces", **given)
    assert denied.value.rule == "consent-needs-receipt"
    room.receipts.add("alice")
    assert room.rule(caller, "IndexFaces", **given) == "allow"


def test_a_collection_serves_the_purpose_it_was_made_for(room: Stewardship) -> None:
    room.gallery.kept["staff"] = {"regard:basis": "attested", "regard:purpose": "access-control"}
    assert room.rule(room.caller(purpose="photo-library"), "SearchFacesByImage", CollectionId="staff") == (
        "purpose-is-bound"
    )


def test_emotions_are_withheld_and_the_rest_is_answered(room: Stewardship) -> None:
    call = room.call(room.caller())
    answer = {"FaceDetails": [{"Emotions": [{"Type": "CALM"}], "Confidence": 99.0}, {"Confidence": 98.0}]}
    assert room.gate.after(room.gate.before(call), answer) == {
        "FaceDetails": [{"Emotions": [], "Confidence": 99.0}, {"Confidence": 98.0}]
    }
    assert call.remarks["x-regard-withheld"] == "Emotions"


def test_emotions_that_a_motion_enabled_may_still_be_forbidden_by_the_setting(room: Stewardship) -> None:
    caller = room.caller()
    _carry(room, Kind.CAPABILITY, {"capability": "emotions", "enabled": True})
    assert room.ask(caller).withheld == ()
    assert room.another_gate(emotions=False).before(room.call(caller)).withheld == ("Emotions",)


def test_a_key_is_held_to_its_terms(room: Stewardship) -> None:
    near = room.caller(loopback_only=True)
    assert room.rule(near, loopback=False) == "loopback-only"
    narrow = room.caller(operations=["DetectFaces"])
    assert room.rule(narrow, "CompareFaces") == "key-scope"
    small = room.caller(most_faces=10)
    room.gallery.counts["friends"] = 8
    call = room.call(small, "IndexFaces", CollectionId="friends", Image={})
    room.gate.before(call)
    assert call.parameters["MaxFaces"] == 2
    room.gallery.counts["friends"] = 10
    assert room.rule(small, "IndexFaces", CollectionId="friends", Image={}) == "development-size"


def test_the_tags_of_a_new_collection_come_from_the_key_where_it_does_not_say(room: Stewardship) -> None:
    call = room.call(room.caller(purpose="photo-library"), "CreateCollection", CollectionId="new")
    room.gate.before(call)
    assert call.parameters["Tags"] == {"regard:basis": "attested", "regard:purpose": "photo-library"}


@pytest.mark.parametrize("purpose", sorted(purposes()))
def test_a_new_collection_is_accurate_where_rights_are_at_stake(room: Stewardship, purpose: str) -> None:
    call = room.call(room.caller(purpose=purpose), "CreateCollection", CollectionId="new")
    if purposes()[purpose].operations:
        with pytest.raises(Denied):
            room.gate.before(call)
        return
    room.gate.before(call)
    told = call.remarks.get("x-regard-profile", "")
    if purposes()[purpose].rights:
        assert call.parameters["Tags"]["regard:profile"] == "accurate"
        assert told.startswith(f"accurate, as rights are at stake for {purpose}")
    else:
        assert "regard:profile" not in call.parameters["Tags"]
        assert not told


def test_a_tag_says_another_profile_and_so_does_the_setting(room: Stewardship) -> None:
    caller = room.caller(purpose="access-control")
    told = room.call(caller, "CreateCollection", CollectionId="new", Tags={"regard:profile": "fast"})
    room.gate.before(told)
    assert told.parameters["Tags"]["regard:profile"] == "fast"
    assert "x-regard-profile" not in told.remarks
    set_so = room.call(caller, "CreateCollection", CollectionId="new")
    room.another_gate(rights_profile="fast").before(set_so)
    assert set_so.parameters["Tags"]["regard:profile"] == "fast"
    assert set_so.remarks["x-regard-profile"].startswith("fast")


def test_the_purpose_that_the_tags_say_decides_on_the_profile(room: Stewardship) -> None:
    tags = {"regard:purpose": "access-control"}
    call = room.call(room.caller(purpose="development"), "CreateCollection", CollectionId="new", Tags=tags)
    room.gate.before(call)
    assert call.parameters["Tags"]["regard:profile"] == "accurate"


@pytest.mark.parametrize("kept", [{}, {"regard:profile": "accurate"}])
def test_the_profile_of_a_collection_does_not_change(room: Stewardship, kept: dict[str, str]) -> None:
    room.gallery.kept["c"] = {"regard:basis": "attested", "regard:purpose": "development", **kept}
    asked = {"ResourceArn": "arn:aws:rekognition:us-east-1:1:collection/c"}
    assert room.rule(room.caller(), "TagResource", Tags={"regard:profile": "fast"}, **asked) == "reserved-tags"
    assert room.rule(room.caller(), "UntagResource", TagKeys=["regard:profile"], **asked) == "reserved-tags"
    assert room.rule(room.caller(), "TagResource", Tags=kept | {"mine": "anything"}, **asked) == "allow"


@pytest.mark.parametrize(
    "tags",
    [
        {"regard:basis": "curiosity"},
        {"regard:purpose": "fun"},
        {"regard:retention-days": "forever"},
        {"regard:retention-days": "1096"},
        {"regard:profile": "best"},
        {"regard:colour": "blue"},
    ],
)
def test_a_reserved_tag_outside_its_words_is_refused(room: Stewardship, tags: dict[str, str]) -> None:
    assert room.rule(room.caller(), "CreateCollection", CollectionId="new", Tags=tags) == "reserved-tags"


@pytest.mark.parametrize(
    ("tags", "rule"),
    [
        ({"regard:basis": "consent"}, "allow"),
        ({"regard:basis": "none"}, "reserved-tags"),
        ({"regard:retention-days": "10"}, "allow"),
        ({"regard:retention-days": "31"}, "reserved-tags"),
        ({"regard:purpose": "research"}, "reserved-tags"),
        ({"mine": "anything"}, "allow"),
        ({"Regard:Basis": "none"}, "reserved-tags"),
    ],
)
def test_tags_are_tightened_and_not_loosened(room: Stewardship, tags: dict[str, str], rule: str) -> None:
    room.gallery.kept["c"] = {
        "regard:basis": "attested",
        "regard:purpose": "development",
        "regard:retention-days": "30",
    }
    arn = "arn:aws:rekognition:us-east-1:1:collection/c"
    assert room.rule(room.caller(), "TagResource", ResourceArn=arn, Tags=tags) == rule
    assert room.rule(room.caller(), "UntagResource", ResourceArn=arn, TagKeys=["regard:basis"]) == "reserved-tags"


@pytest.mark.parametrize(
    "key",
    [
        *("Regard:Basis", "REGARD:BASIS", "regard:Basis", "Regard:purpose", "regarD:retention-days", " regard:basis"),
        *("regard :basis", "\uff32egard:basis", "\u00a0Regard:Basis", "REGARD:anything"),
    ],
)
def test_what_reads_as_a_reserved_tag_is_no_ordinary_one(room: Stewardship, key: str) -> None:
    room.gallery.kept["c"] = {"regard:basis": "consent", key: "from before"}
    arn = "arn:aws:rekognition:us-east-1:1:collection/c"
    told = (
        "There are regard:basis, regard:purpose, regard:retention-days, regard:notice-hours, regard:profile, written so"
    )
    with pytest.raises(Denied, match=told):
        room.ask(room.caller(), "CreateCollection", CollectionId="new", Tags={key: "none"})
    with pytest.raises(Denied, match=told):
        room.ask(room.caller(), "TagResource", ResourceArn=arn, Tags={key: "none"})


def test_a_tag_from_before_that_only_reads_as_reserved_may_go(room: Stewardship) -> None:
    room.gallery.kept["c"] = {"regard:basis": "consent", "Regard:Basis": "none"}
    arn = "arn:aws:rekognition:us-east-1:1:collection/c"
    assert room.rule(room.caller(), "UntagResource", ResourceArn=arn, TagKeys=["Regard:Basis"]) == "allow"
    assert room.rule(room.caller(), "UntagResource", ResourceArn=arn, TagKeys=["regard:basis"]) == "reserved-tags"


@pytest.mark.sqlite("PostgreSQL keeps foreign keys whatever one does")
def test_a_key_of_an_organization_that_is_not_registered_is_refused(room: Stewardship) -> None:
    caller = room.caller()
    with room.engine.connect() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.commit()
    raw = room.engine.raw_connection()
    raw.cursor().execute("PRAGMA foreign_keys=OFF")
    raw.cursor().execute("DELETE FROM organizations WHERE id = ?", (caller.organization,))
    raw.cursor().execute("UPDATE stewardship_revision SET number = number + 1")
    raw.close()
    assert room.rule(caller) == "unknown-principal"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE policies SET text = replace(text, 'forbid', 'permit')", "changed behind the vote"),
        ("DELETE FROM policies", "there is no policy of hash"),
        ("UPDATE motions SET note = substr(note, 1, 1)", "cannot be read"),
        ("UPDATE motions SET note = substr(note, 1, 200)", "cannot be read"),
        ("DELETE FROM motions", "no genesis"),
        ("UPDATE motions SET hash = 'ff'", "does not say that the motion ff carried"),
    ],
)
def test_what_was_changed_behind_the_council_denies_everything_and_the_log_says_what(
    room: Stewardship, statement: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caller = room.caller()
    with room.engine.begin() as connection:
        connection.execute(text(statement))
        connection.execute(text("UPDATE stewardship_revision SET number = number + 1"))
    for name in ("DetectFaces", "ListCollections"):
        assert room.rule(caller, name) == "policy-not-in-force"
    assert any(said in line.getMessage() for line in caplog.records if line.levelno == logging.ERROR)


def test_whatever_breaks_inside_the_gate_denies(
    room: Stewardship, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caller = room.caller()

    def stumble(*_: object) -> None:
        raise ZeroDivisionError("injected")

    monkeypatch.setattr(Policy, "decide", stumble)
    assert room.rule(caller) == "evaluation-error"
    assert "injected" in caplog.text


def test_a_capability_that_the_policy_does_not_know_is_denied(room: Stewardship) -> None:
    call = room.call(room.caller())
    call.operation = Operation("DetectFaces", "divine", call.operation.data)  # type: ignore[arg-type]
    with pytest.raises(Denied, match="evaluation-error"):
        room.gate.before(call)


def test_a_purpose_that_the_policy_in_force_does_not_know_is_denied(room: Stewardship) -> None:
    assert room.rule(replace(room.caller(), purpose="bygone")) == "unknown-purpose"


def test_a_denial_is_recorded_and_explained_offline(room: Stewardship) -> None:
    police = room.caller("law-enforcement")
    assert room.rule(police) == "no-law-enforcement"
    (record,) = records.read(room.engine, "denial")
    told = explain(record.body, Policy(room.council.pack()))
    assert told.same is True
    assert [rule.id for rule in told.rules] == ["no-law-enforcement"]
    assert "first demand" in told.rules[0].source


@pytest.mark.parametrize("capability", ["detect", "compare", "enrol", "identify"])
def test_a_member_stops_a_capability_for_a_bounded_time(room: Stewardship, capability: str) -> None:
    caller = room.caller()
    name = next(
        each
        for each, of in {n: room.call(caller, n) for n in FACE_OPERATIONS}.items()
        if of.operation.capability == capability
    )
    assert room.rule(caller, name) == "allow"
    stop = room.council.suspend(capability, "a false arrest", room.signer, 100)
    with pytest.raises(Denied, match="a false arrest") as denied:
        room.ask(caller, name)
    assert denied.value.rule == "suspended"
    room.now = stop.ends
    assert room.rule(caller, name) == "allow"


def test_a_stop_is_ratified_by_motion(room: Stewardship) -> None:
    caller = room.caller()
    room.council.suspend("detect", "a false arrest", room.signer)
    _carry(room, Kind.SUSPENSION, {"capability": Capability.DETECT, "suspended": True})
    room.now += 30 * 86_400
    assert room.rule(caller) == "suspended"
    _carry(room, Kind.SUSPENSION, {"capability": Capability.DETECT, "suspended": False})
    assert room.rule(caller) == "allow"


def test_the_pack_open_comes_by_motion_and_serves_loopback_only(room: Stewardship) -> None:
    from regard.stewardship.policy.packs import Pack

    police = room.caller("law-enforcement")
    pack = Pack.shipped("open")
    _carry(room, Kind.POLICY, {"policy": room.council.store(pack), "pack": "open"})
    assert room.rule(police) == "allow"
    assert room.rule(police, loopback=False) == "nothing-permits"


def test_a_collection_from_before_the_policy_gets_the_keys_basis(room: Stewardship) -> None:
    room.gallery.kept["old"] = {}
    assert room.rule(room.caller(basis="attested"), "SearchFacesByImage", CollectionId="old") == "allow"
    assert room.rule(room.caller(basis="none"), "SearchFacesByImage", CollectionId="old") == (
        "identification-needs-basis"
    )


def test_many_threads_pass_one_gate(room: Stewardship) -> None:
    from concurrent.futures import ThreadPoolExecutor

    caller = room.caller()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: room.rule(caller, "SearchFacesByImage", CollectionId="c"), range(200)))
    assert set(found) == {"allow"}


def test_a_policy_file_that_is_corrupted_before_the_first_start_denies_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from regard.stewardship.policy import packs

    for file in packs.POLICIES.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("forbid (", "forbid ((", 1))
    monkeypatch.setattr(packs, "POLICIES", tmp_path)
    broken = Stewardship(tmp_path / "data")
    assert broken.rule(broken.caller()) == "policy-not-in-force"
    assert "does not parse" in caplog.text
    assert "EVERYTHING IS DENIED" in broken.council.opening()[0]
