"""Rows that decide who may do what count as the service wrote them: an edit of one does not widen what anybody may."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from regard.operations.common.errors import ApiError
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organization_rows import RegisterChanged
from regard.stewardship.people.review import NoSuchCandidate
from regard.stewardship.people.reviewers import NotAReviewer
from regard.stewardship.people.subject_tokens import BadToken, SubjectTokens
from regard.stewardship.records import tables
from tests.helpers.fakes import Clock
from tests.helpers.peopled import House
from tests.helpers.started import settings_in, started, stop
from tests.helpers.stewarding import Stewardship

ALICE = 1


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data", Clock())


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path / "room")


def _edit(room: Stewardship, statement: str) -> None:
    with room.engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
        connection.execute(text("UPDATE stewardship_revision SET number = number + 1"))


@pytest.mark.parametrize(
    "edit",
    [
        "purpose = 'content-moderation'",
        "basis = 'none'",
        "operations = NULL",
        "loopback_only = NOT loopback_only",
        "most_faces = NULL",
        "expires_at = expires_at + 86400",
        "organization = (SELECT max(id) FROM organizations)",
        "revoked_at = NULL",
        "sealed_session_token = NULL",
    ],
)
def test_a_key_works_for_the_terms_that_it_was_issued_for(room: Stewardship, edit: str) -> None:
    caller = room.caller(operations=["DetectFaces"], loopback_only=True, most_faces=9, session_token=True)
    if "revoked" in edit:
        room.organizations.keys.revoke(caller.access_key_id)
    if "organization" in edit:
        first = room.caller().organization
        while first < caller.organization:
            first = room.caller().organization
    before = room.organizations.key(caller.access_key_id)
    assert before is not None
    assert before.enabled is ("revoked" not in edit)
    _edit(room, f"UPDATE access_keys SET {edit} WHERE id = '{caller.access_key_id}'")
    assert room.organizations.key(caller.access_key_id) is None
    assert caller.access_key_id not in {key.access_key_id for key in room.organizations.keys.all()}
    room.organizations.keys.revoke(caller.access_key_id)
    ended = room.organizations.key(caller.access_key_id)
    assert ended is None or not ended.enabled


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE organizations SET sector = 'retail' WHERE sector = 'law-enforcement'",
        "DELETE FROM organization_edges",
        "UPDATE organization_edges SET target = source",
        "UPDATE organizations SET attested_until = 4000000000 WHERE sector = 'media'",
    ],
)
def test_an_organization_whose_row_or_ties_were_edited_is_refused(room: Stewardship, edit: str) -> None:
    police = room.organizations.register("City police", "law-enforcement")
    caller = room.caller("media")
    room.organizations.edges.add(Edge(caller.organization, EdgeKind.SUPPLIES, police.id, "an import"))
    assert room.rule(caller) == "no-law-enforcement"
    _edit(room, edit)
    assert room.rule(caller) in ("no-law-enforcement", "no-refused-organization")
    if "sector = 'retail'" in edit:
        with pytest.raises(RegisterChanged):
            room.organizations.change(police.id, name="City police department")
    else:
        with pytest.raises(RegisterChanged):
            room.organizations.edges.add(Edge(caller.organization, EdgeKind.OWNED_BY, police.id, "an import"))


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE collection_tags SET value = 'attested' WHERE key = 'regard:basis'",
        "DELETE FROM collection_tags WHERE key = 'regard:basis'",
        "UPDATE collections SET face_model = '9.9'",
        "UPDATE collections SET created_at = created_at - 1",
    ],
)
def test_a_collection_whose_terms_were_edited_answers_nothing_and_can_be_deleted(house: House, edit: str) -> None:
    house.collection("staff", "consent")
    with house.engine.begin() as connection:
        assert connection.execute(text(edit)).rowcount
    for name in ("ListFaces", "DescribeCollection"):
        with pytest.raises(ApiError, match="terms-changed"):
            house.ask(name, CollectionId="staff")
    with pytest.raises(ApiError, match="terms-changed"):
        house.ask(
            "TagResource",
            ResourceArn=f"arn:aws:rekognition:us-east-1:{house.organization}:collection/staff",
            Tags={"mood": "good"},
        )
    house.ask("DeleteCollection", CollectionId="staff")


@pytest.mark.parametrize(
    "edit",
    [
        "expires_at = expires_at + 9000000",
        "withdrawn_at = NULL",
        "purpose = 'access-control'",
        "subject = 'bob'",
        "proof = replace(proof, 'access-key', 'subject-key')",
        "consent = replace(consent, 'development', 'access-control')",
    ],
)
def test_a_consent_counts_for_what_was_agreed_to(house: House, caplog: pytest.LogCaptureFixture, edit: str) -> None:
    house.collection("staff", "consent")
    receipt = house.consent("alice", "staff")
    if "withdrawn" in edit:
        house.consents.withdraw(house.organization, receipt)
    with house.engine.begin() as connection:
        assert connection.execute(text(f"UPDATE consents SET {edit}")).rowcount
    for name in ("alice", "bob"):
        with pytest.raises(ApiError, match=r"terms-changed|consent-needs-receipt"):
            house.index("staff", ALICE, name=name)
    with caplog.at_level(logging.ERROR):
        house.retention.sweep()
    assert receipt in caplog.text
    with pytest.raises(ApiError, match="terms-changed"):
        house.faces("staff")


@pytest.mark.parametrize("state", ["confirmed", "rejected"])
def test_a_match_that_nobody_confirmed_is_told_to_nobody(house: House, state: str) -> None:
    house.caller = house.organizations.issue_key(house.organization, "access-control").caller
    house.collection("staff")
    house.index("staff", ALICE, name="alice")
    assert house.search("staff", ALICE) == []
    with house.engine.begin() as connection:
        connection.execute(text(f"UPDATE candidates SET state = '{state}'"))
    assert house.search("staff", ALICE) == []
    ada = house.reviews.reviewers.log_in(
        house.organization, "ada", house.reviews.reviewers.appoint(house.organization, "ada")
    )
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE candidates SET state = 'pending', similarity = 99"))
        candidate = connection.execute(select(tables.candidates.c.id)).scalar_one()
    assert house.reviews.pending(ada) == []
    with pytest.raises(NoSuchCandidate):
        house.reviews.decide(ada, candidate, same=True)


def test_a_verdict_that_nobody_gave_counts_for_nothing(house: House) -> None:
    house.caller = house.organizations.issue_key(house.organization, "access-control").caller
    house.collection("staff")
    house.index("staff", ALICE, name="alice")
    house.search("staff", ALICE)
    reviewers = house.reviews.reviewers
    ada = reviewers.log_in(house.organization, "ada", reviewers.appoint(house.organization, "ada"))
    (candidate,) = house.reviews.pending(ada)
    with house.engine.begin() as connection:
        row = {"candidate": candidate.id, "reviewer": "ben", "same": True, "at": 1.0, "seal": b"\0" * 32}
        connection.execute(tables.verdicts.insert().values(row))
    house.reviews.decide(ada, candidate.id, same=True)
    assert house.search("staff", ALICE) == []


def test_a_reviewer_and_a_token_are_whom_they_were_made_for(house: House) -> None:
    secret = house.reviews.reviewers.appoint(house.organization, "ada", ["AKIA1"])
    tokens = SubjectTokens(house.engine, house.clock)
    token = tokens.issue(house.caller, "alice", "passport")
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE reviewers SET keys = '[]'"))
        connection.execute(text("UPDATE subject_tokens SET subject = 'bob'"))
    with pytest.raises(NotAReviewer):
        house.reviews.reviewers.log_in(house.organization, "ada", secret)
    with pytest.raises(BadToken):
        tokens.redeem(token)


@pytest.mark.sqlite
def test_rows_from_before_there_were_seals_are_sealed_once(tmp_path: Path) -> None:
    folder = tmp_path / "before"
    office = started(folder)
    firm = office.organizations.register("A firm", "retail", aliases=["Firm"])
    key = office.organizations.issue_key(firm.id, "photo-library", session_token=True)
    unbound = {
        part: office.key.seal(clear.encode(), f"access-key/{key.access_key_id}/{part}".encode())
        for part, clear in (("secret", key.secret), ("token", key.session_token or ""))
    }
    with office.engine.begin() as connection:
        of = tables.access_keys
        values = {"sealed_secret": unbound["secret"], "sealed_session_token": unbound["token"]}
        connection.execute(update(of).where(of.c.id == key.access_key_id).values(values))
        connection.execute(update(tables.organizations).values(seal=None))
        connection.execute(tables.pins.delete())
    stop(office)
    (folder / "genesis.sealed").unlink()
    office = started(folder)
    again = office.organizations.key(key.access_key_id)
    assert again is not None
    assert (again.secret, again.session_token) == (key.secret, key.session_token)
    office.organizations.change(firm.id, name="Another firm")
    with office.engine.begin() as connection:
        connection.execute(update(tables.organizations).where(tables.organizations.c.id == firm.id).values(seal=None))
    with pytest.raises(RegisterChanged):
        office.organizations.change(firm.id, name="A third firm")
    stop(office)
    assert settings_in(folder).data_dir == folder
