"""People: enrolled, searched for, reviewed, told, and heard."""

from __future__ import annotations

from sqlalchemy import delete

from regard.gallery.figures import Figures
from regard.ledger.tree.notes import Signer, sign_note
from regard.operations.common.errors import ApiError
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.flows import Flow
from regard.stewardship.people.inbox import About, Filing, Verdict
from regard.stewardship.records import tables
from tests.helpers.fakes import picture_of
from tests.helpers.lived.house import Lived, caller, reviewer
from tests.helpers.lived.known import ALICE, BOB, CARL, DORA, Known
from tests.helpers.lived.uses import _same
from tests.helpers.peopled import NOTICE


def enrolled(house: Lived, known: Known) -> None:
    """Four people: two who are there, one who left, and one who was erased; and a public figure."""
    orgs, consents = house.office.organizations, house.office.consents
    photos, door = (caller(house, known, name) for name in ("photos", "door"))
    days = {"regard:retention-days": "40"}
    house.ask(
        photos, "CreateCollection", CollectionId="friends", Tags={"regard:basis": "attested", "mood": "good"} | days
    )
    house.ask(door, "CreateCollection", CollectionId="staff", Tags={"regard:basis": "consent"})
    signer = Signer.parse((house.folder.parent / "firm.key").read_text())
    for name in ("alice", "bob", "dora"):
        drawn = consents.draw_up(known.firm, NewConsent(name, "staff", "access-control", NOTICE, 365, portrait=True))
        consents.take(known.firm, sign_note(drawn.text, [signer]).decode())
    leaver = consents.draw_up(known.firm, NewConsent("carl", "staff", "access-control", NOTICE, 365))
    consents.withdraw(known.firm, consents.attest(door, leaver).consent.receipt_id)
    for collection, asking in (("friends", photos), ("staff", door)):
        for name, number in (("alice", ALICE), ("bob", BOB), ("dora", DORA)):
            image = {"Bytes": picture_of(number, mark=number)}
            told = house.ask(asking, "IndexFaces", CollectionId=collection, Image=image, ExternalImageId=name)
            known.faces[f"{collection}/{name}"] = told["FaceRecords"][0]["Face"]["FaceId"]
    first = known.faces.pop("friends/dora")
    house.ask(photos, "CreateUser", CollectionId="friends", UserId="alice", ClientRequestToken="once")
    house.ask(photos, "AssociateFaces", CollectionId="friends", UserId="alice", FaceIds=[known.faces["friends/alice"]])
    house.ask(photos, "DeleteFaces", CollectionId="friends", FaceIds=[first])
    gallery = house.holdings.gallery
    with gallery.writing() as connection:
        Figures(house.office.logbook._clock).add(
            connection, known.firm, "A minister", ["https://a.example"], None, "office"
        )
    house.holdings.erasure.erase(known.firm, "external/dora")
    known.faces.pop("staff/dora")
    assert orgs.key(known.keys["photos"])


def reviewed(house: Lived, known: Known) -> None:
    """A match that two confirmed, one that waits, people told apart, a token and a session, and two loops."""
    door, reviews = caller(house, known, "door"), house.holdings.reviews
    for mark in (ALICE, BOB):
        image = {"Bytes": picture_of(mark, mark=99)}
        house.ask(door, "SearchFacesByImage", CollectionId="staff", Image=image)
    for name in ("ada", "ben"):
        known.secrets[name] = reviews.reviewers.appoint(known.firm, name, [])
    ada, ben = (reviewer(house, known, name) for name in ("ada", "ben"))
    first, second = sorted(reviews.pending(ada), key=lambda each: each.whose)
    reviews.decide(ada, first.id, same=True)
    reviews.decide(ben, first.id, same=True)
    reviews.decide(ada, second.id, same=True)
    known.waiting = second.id
    _notified(house, known)
    image = {"Bytes": picture_of(BOB, mark=98)}
    house.ask(caller(house, known, "photos"), "SearchFacesByImage", CollectionId="friends", Image=image)
    house.office.logbook.take_over()
    told = house.office.logbook.payloads.about(known.firm, "external/bob").values()
    (request,) = {each["request_id"] for each in told if each.get("operation") == "SearchFacesByImage"}
    reviews.false_match(known.firm, "external/bob", request)
    known.token = house.tokens.issue(door, "alice", "passport")
    known.session = house.sessions.open(house.tokens.issue(door, "alice", "passport"))
    # What is edited of a token that was used changes nothing.
    used = tables.subject_tokens.c.used_at.is_not(None)
    with house.office.engine.begin() as connection:
        connection.execute(delete(tables.subject_tokens).where(used))
    photos = caller(house, known, "photos")
    house.holdings.loops.flows.define(known.firm, Flow("doubtful", "Explicit", 60, 80))
    arn = f"arn:aws:sagemaker:us-east-1:{known.firm}:flow-definition/doubtful"
    for name in ("one", "two"):
        config = {"HumanLoopName": name, "FlowDefinitionArn": arn}
        house.ask(photos, "DetectModerationLabels", Image={"Bytes": picture_of(1)}, HumanLoopConfig=config)


def _notified(house: Lived, known: Known) -> None:
    """Somebody was found whom the organization is to tell, and will have been told of in a day."""
    photos = caller(house, known, "photos")
    house.ask(photos, "CreateCollection", CollectionId="guests", Tags={"regard:notice-hours": "24"})
    image = {"Bytes": picture_of(CARL, mark=96)}
    house.ask(photos, "IndexFaces", CollectionId="guests", Image=image, ExternalImageId="guest")
    image = {"Bytes": picture_of(CARL, mark=95)}
    house.ask(photos, "SearchFacesByImage", CollectionId="guests", Image=image)
    _same(1, len(house.holdings.found_notices.owed(known.firm)))


def filed(house: Lived, known: Known) -> None:
    """Two reports of the public, one of them answered; and a call that was denied."""
    for text in ("I was refused", "they search for people"):
        known.reports.append(house.inbox.file(Filing(About.ABUSE, text), "198.51.100.1").report)
    house.inbox.answer(known.reports[1], Verdict.REJECTED, "no")
    try:
        house.ask(caller(house, known, "police"), "DetectFaces", Image={"Bytes": picture_of(1)})
    except ApiError as denied:
        if "no-law-enforcement" not in denied.message:
            raise
