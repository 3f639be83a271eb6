from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from regard.database import metadata, open_database
from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.council.law import decided_alone
from regard.stewardship.parties.attestations import BadAttestation, attest, declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organization import Standing
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.policy.vocabulary import UnknownWord, purposes, sectors
from regard.stewardship.records import records
from tests.helpers.stewarding import Stewardship


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


def test_the_migration_makes_the_tables_that_the_room_describes(room: Stewardship) -> None:
    with room.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    ours = ("organization", "access_keys", "policies", "motions", "ballots", "records", "stewardship")
    assert not [each for each in differences if str(getattr(each[1], "name", each)).startswith(ours)]


def test_the_first_start_makes_one_organization_and_one_key_for_development(room: Stewardship) -> None:
    key = room.organizations.first_start()
    assert key is not None
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key.access_key_id)
    assert len(key.secret) == 40
    assert (key.caller.purpose, key.caller.basis) == ("development", "attested")
    assert (key.caller.loopback_only, key.caller.most_faces) == (True, 1_000)
    assert key.expires == room.now + 90 * 86_400
    assert room.organizations.first_start() is None
    assert len(room.organizations.all()) == 1


def test_a_secret_is_sealed_in_the_database_and_hidden_in_text(room: Stewardship) -> None:
    key = room.organizations.first_start()
    assert key is not None
    assert key.secret not in repr(key)
    files = b"".join(file.read_bytes() for file in room.folder.glob("regard.db*"))
    assert key.secret.encode() not in files


def test_a_key_that_another_process_revokes_is_ended_at_the_next_question(room: Stewardship) -> None:
    caller = room.caller()
    assert (found := room.organizations.key(caller.access_key_id)) is not None
    assert found.enabled
    elsewhere = Organizations(open_database(room.url), room.key, decided_alone)
    elsewhere.keys.revoke(caller.access_key_id)
    assert (found := room.organizations.key(caller.access_key_id)) is not None
    assert not found.enabled
    assert room.organizations.key("AKIAAAAAAAAAAAAAAAAA") is None


def test_finding_a_key_again_takes_no_connection_from_the_pool(room: Stewardship) -> None:
    caller, taken = room.caller(), []
    organizations = Organizations(engine := open_database(room.url), room.key, decided_alone)
    event.listen(engine, "checkout", lambda *_: taken.append(caller))
    assert organizations.key(caller.access_key_id)
    assert taken
    taken.clear()
    assert organizations.key(caller.access_key_id)
    assert not taken


def test_a_temporary_key_carries_a_session_token(room: Stewardship) -> None:
    organization = room.organizations.register("A", "retail")
    key = room.organizations.issue_key(organization.id, "research", session_token=True, operations=["DetectFaces"])
    assert key.access_key_id.startswith("ASIA")
    assert key.session_token
    assert key.caller.operations == frozenset({"DetectFaces"})


@pytest.mark.parametrize(("sector", "purpose"), [("sorcery", "development"), ("retail", "fun")])
def test_a_word_outside_the_vocabulary_is_refused_with_those_that_there_are(
    room: Stewardship, sector: str, purpose: str
) -> None:
    with pytest.raises(UnknownWord, match="There are: "):
        room.caller(sector, purpose)


def test_the_vocabularies_hold_what_the_documents_promise() -> None:
    assert {"law-enforcement", "immigration-enforcement", "intelligence", "military"} <= set(sectors())
    assert all(0 <= purpose.floor <= 100 and purpose.sentence for purpose in purposes().values())
    assert {purpose.floor for purpose in purposes().values() if purpose.rights} == {99.0}


def test_an_organization_keeps_what_it_was_registered_with(room: Stewardship) -> None:
    made = room.organizations.register(
        "Acme", "retail", aliases=["ACME"], identifiers=[("UEI", "X1")], jurisdictions=["us", "ca"]
    )
    assert room.organizations.get(made.id) == made
    changed = room.organizations.change(made.id, name="Acme Two", aliases=[])
    assert room.organizations.get(made.id) == changed
    assert changed.identifiers == (("uei", "X1"),)


def test_the_records_are_only_added_to(room: Stewardship) -> None:
    made = room.organizations.register("Acme", "retail")
    room.organizations.admission.decide(made.id, Standing.REFUSED, "the operator", "it asked for a list of strikers")
    (record,) = records.read(room.engine, "review")
    assert record.body["reason"] == "it asked for a list of strikers"
    for statement in ("UPDATE records SET body = '{}'", "DELETE FROM records"):
        with pytest.raises(IntegrityError, match="only added to"), room.engine.begin() as connection:
            connection.execute(text(statement))


def test_a_decision_without_a_reason_is_none(room: Stewardship) -> None:
    made = room.organizations.register("Acme", "retail")
    with pytest.raises(ValueError, match="who decided and why"):
        room.organizations.admission.decide(made.id, Standing.ADMITTED, "the operator", " ")


def test_an_attestation_counts_for_exactly_the_customers_that_were_signed(room: Stewardship) -> None:
    signer = Signer.generate("acme")
    acme = room.organizations.register("Acme", "technology", verifier=str(signer.verifier))
    customer = room.organizations.register("Customer", "retail")
    room.organizations.edges.add(Edge(acme.id, EdgeKind.SUPPLIES, customer.id))
    assert room.organizations.get(acme.id).attested_until == 0
    until = int(room.now) + 1000
    note = sign_note(declaration(room.organizations, acme.id, until), [signer])
    assert attest(room.organizations, acme.id, note, room.now).attested_until == until
    room.organizations.edges.remove(acme.id, EdgeKind.SUPPLIES, customer.id)
    assert room.organizations.get(acme.id).attested_until == 0
    with pytest.raises(BadAttestation, match="not the list"):
        attest(room.organizations, acme.id, note, room.now)


def test_an_attestation_by_another_key_or_without_an_end_is_refused(room: Stewardship) -> None:
    signer = Signer.generate("acme")
    acme = room.organizations.register("Acme", "technology", verifier=str(signer.verifier))
    text_ = declaration(room.organizations, acme.id, int(room.now) + 1000)
    with pytest.raises(BadAttestation):
        attest(room.organizations, acme.id, sign_note(text_, [Signer.generate("acme")]), room.now)
    forever = declaration(room.organizations, acme.id, int(room.now) + 10**9)
    with pytest.raises(BadAttestation, match="at most 366 days"):
        attest(room.organizations, acme.id, sign_note(forever, [signer]), room.now)


def test_a_refused_organization_stays_refused_under_a_new_name_and_the_change_is_recorded(room: Stewardship) -> None:
    made = room.organizations.register("Acme", "retail")
    room.organizations.admission.decide(made.id, Standing.REFUSED, "the operator", "it lied")
    assert room.organizations.change(made.id, name="Frontex").standing is Standing.REFUSED
    (record,) = records.read(room.engine, "organization-changed")
    assert (record.body["before"]["name"], record.body["after"]["name"]) == ("Acme", "Frontex")


def test_a_new_name_that_screening_finds_opens_a_review(room: Stewardship) -> None:
    made = room.organizations.register("Acme", "retail")
    assert room.organizations.change(made.id, name="Frontex").standing is Standing.REVIEW
    assert [review.organization for review in room.organizations.admission.reviews()] == [made.id]


def test_nobody_takes_a_watched_sector_off_an_organization_alone(room: Stewardship) -> None:
    police = room.organizations.register("A force of the city", "law-enforcement")
    changed = room.organizations.change(police.id, sector="retail")
    assert changed.standing is Standing.REVIEW
    (review,) = room.organizations.admission.reviews()
    assert review.evidence[0]["sector"] == "law-enforcement"
    # An ordinary change of trade is nobody's concern.
    shop = room.organizations.register("A shop of the city", "retail")
    assert room.organizations.change(shop.id, sector="technology").standing is Standing.ADMITTED


def test_identifiers_are_kept_in_one_form(room: Stewardship) -> None:
    made = room.organizations.register("Acme", "retail", identifiers=[("Agency_Code", "07012"), ("UEI", " a1 ")])
    assert made.identifiers == (("agency-code", "7012"), ("uei", "A1"))
    assert made.standing is Standing.REVIEW
    other = room.organizations.register("Blue", "retail")
    assert room.organizations.change(other.id, identifiers=[("Agency-Code", "7012")]).standing is Standing.REVIEW


def test_nobody_is_let_in_unseen_as_the_operator(room: Stewardship) -> None:
    assert room.organizations.register("FBI", "technology", operator=True).standing is Standing.REVIEW


def test_who_was_admitted_is_looked_at_again_when_it_is_known_whom_it_resembles(room: Stewardship) -> None:
    foxtrot = room.organizations.register("Foxtrot", "technology", identifiers=[("uei", "X")])
    golf = room.organizations.register("Golf Works", "technology")
    room.organizations.register("Town watch", "law-enforcement", identifiers=[("uei", "x")])
    assert room.organizations.get(foxtrot.id).standing is Standing.REVIEW
    assert room.organizations.get(golf.id).standing is Standing.ADMITTED
    namesake = room.organizations.register("Golf Works", "retail")
    room.organizations.admission.decide(namesake.id, Standing.REFUSED, "me", "it sold what it saw")
    assert room.organizations.get(golf.id).standing is Standing.REVIEW


def test_what_a_person_has_judged_is_not_asked_again(room: Stewardship) -> None:
    foxtrot = room.organizations.register("Foxtrot", "technology", identifiers=[("uei", "X")])
    watch = room.organizations.register("Town watch", "law-enforcement", identifiers=[("uei", "X")])
    room.organizations.admission.decide(foxtrot.id, Standing.ADMITTED, "me", "a misprint")
    room.organizations.change(watch.id, sector="government")
    room.organizations.admission.decide(watch.id, Standing.ADMITTED, "me", "it changed")
    room.organizations.change(watch.id, sector="law-enforcement")
    assert room.organizations.get(foxtrot.id).standing is Standing.ADMITTED
