"""Everything that is done with such a folder."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from regard.jobs.job import Job
from regard.ledger.tree.notes import Verifier
from regard.ledger.witnesses.series import audit_series
from regard.stewardship.council.motions import Vote
from regard.stewardship.policy.packs import Pack
from regard.stewardship.records import tables
from tests.helpers.fakes import picture_of
from tests.helpers.lived.house import Lived, caller, reviewer
from tests.helpers.lived.known import ALICE, BOB, Known
from tests.helpers.lived.labels import told_of_labels


def uses(house: Lived, known: Known) -> dict[str, Callable[[], object]]:
    """What is done with a folder, each by a name. What outsiders know is held against what they are told."""
    office = house.office
    people = [(known.firm, f"external/{name}") for name in ("alice", "bob")]

    def searched(name: str, collection: str, number: int) -> None:
        image = {"Bytes": picture_of(number, mark=55)}
        told = house.ask(caller(house, known, name), "SearchFacesByImage", CollectionId=collection, Image=image)
        _same(known.mine.setdefault(f"{collection}/{number}", len(told["FaceMatches"])), len(told["FaceMatches"]))

    def decided() -> None:
        ben = reviewer(house, known, "ben")
        (waiting,) = [each for each in house.holdings.reviews.pending(ben) if each.id == known.waiting]
        house.holdings.reviews.picture(ben, waiting.id)
        _same(True, bool(house.holdings.reviews.portrait(ben, waiting.id)))
        house.holdings.reviews.decide(ben, waiting.id, same=True)
        image = {"Bytes": picture_of(BOB, mark=99)}
        told = house.ask(caller(house, known, "door"), "SearchFacesByImage", CollectionId="staff", Image=image)
        _same(1, len(told["FaceMatches"]))

    def confirmed() -> None:
        image = {"Bytes": picture_of(ALICE, mark=99)}
        told = house.ask(caller(house, known, "door"), "SearchFacesByImage", CollectionId="staff", Image=image)
        _same(["alice"], [match["Face"]["ExternalImageId"] for match in told["FaceMatches"]])

    def indexed(name: str, collection: str) -> None:
        image = {"Bytes": picture_of(BOB, mark=77)}
        house.ask(caller(house, known, name), "IndexFaces", CollectionId=collection, Image=image, ExternalImageId="bob")

    def looped() -> None:
        ada = reviewer(house, known, "ada")
        waiting = house.holdings.loops.pending(ada)
        _same({"one", "two"}, {each.name for each in waiting.values()})
        for loop in waiting:
            house.holdings.loops.picture(ada, loop)

    def audited() -> None:
        keys = [Verifier.parse(line) for line in known.log_key.splitlines()]
        audit_series(office.public_log.fetch, keys, {})

    def held() -> None:
        there: dict[str, str] = {}
        for collection, name in (("friends", "photos"), ("staff", "door")):
            faces = house.ask(caller(house, known, name), "ListFaces", CollectionId=collection)["Faces"]
            there |= {f"{collection}/{face['ExternalImageId']}": face["FaceId"] for face in faces}
        _same(known.faces, there)

    def voted() -> None:
        (docket,) = house.council.dockets()
        house.council.vote(docket.motion, Vote.APPROVE, "", house.operator())
        _same(90.0, house.council.law().floors["photo-library"])

    def revoked() -> None:
        key = office.organizations.key(known.revoked)
        if key is None or key.enabled:
            raise AssertionError("the revoked key is not known as one")

    def refused() -> None:
        try:
            house.ask(caller(house, known, "police"), "DetectFaces", Image={"Bytes": picture_of(1)})
        except Exception as error:
            if "no-law-enforcement" in str(error):
                return
            raise
        # Nobody notices what is allowed.

    return {
        "older records": lambda: _same([], office.published.less_of_old()),
        "law": lambda: (house.council.law(), Pack.from_text(house.council.pack().text, house.council.law().policy)),
        "stored packs": lambda: [house.council.stored(each) for each in _policies(house)],
        "first key": lambda: house.ask(caller(house, known, "first"), "ListCollections"),
        "keys": lambda: [caller(house, known, name) for name in known.keys],
        "revoked key": revoked,
        "refused": refused,
        "search friends": lambda: searched("photos", "friends", ALICE),
        "told apart": lambda: searched("photos", "friends", BOB),
        "search staff": lambda: searched("door", "staff", ALICE),
        "confirmed": confirmed,
        "list": held,
        "users": lambda: house.ask(caller(house, known, "photos"), "ListUsers", CollectionId="friends"),
        "tags": lambda: house.holdings.retention.sweep(),
        "decide": decided,
        "index friends": lambda: indexed("photos", "friends"),
        "index staff": lambda: indexed("door", "staff"),
        "consents": lambda: _same([False] * 3, [each.changed for each in office.consents.all(known.firm)]),
        "token": lambda: house.tokens.look(known.token),
        "found": lambda: _same(["guest"], house.holdings.found_notices.owed(known.firm)),
        "session": lambda: house.sessions.look(known.session),
        "access": lambda: [house.holdings.access.export(*person) for person in people],
        "loops": looped,
        "jobs": lambda: _same([6, 0], [len(list(house.holdings.jobs.found(_job(house, each)))) for each in known.jobs]),
        "notices": lambda: [house.holdings.notices.of(each) for each in known.jobs],
        "streams": lambda: _same(["door"], [each.name for each in house.holdings.streams.processors.all()]),
        "sources": lambda: _same(1, len(house.holdings.streams.sources.all())),
        "own labels": lambda: _same(known.labels, told_of_labels(house, known)),
        "reports": lambda: [house.inbox.read(each) for each in known.reports],
        "organizations": lambda: [
            office.organizations.edges.end_customers(each.id) for each in office.organizations.all()
        ],
        "reviews": lambda: office.organizations.admission.reviews(waiting=False),
        "flows": lambda: house.holdings.loops.flows.get(known.firm, "doubtful"),
        "vote": voted,
        "log": audited,
        "trouble": lambda: _same(None, office.logbook.trouble),
    }


def _job(house: Lived, job: str) -> Job:
    return house.holdings.jobs.find(job)


def _policies(house: Lived) -> list[str]:
    with house.office.engine.connect() as connection:
        return list(connection.execute(select(tables.policies.c.hash)).scalars())


def _same(expected: object, found: object) -> None:
    if expected != found:
        raise AssertionError(f"not {expected}, but {found}")
