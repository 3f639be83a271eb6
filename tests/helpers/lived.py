"""A data folder in which much was done, and everything that is done with one: for tests of what an edit changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import msgspec
from sqlalchemy import delete, select

from regard.custom.versions.models import ModelFile, keep_model, model_of
from regard.custom.versions.states import State as VersionState
from regard.gallery.figures import Figures
from regard.jobs.job import Asked, Job, Outcome, Part, Step
from regard.jobs.working import Task, Worker
from regard.ledger.tree.notes import Signer, Verifier, sign_note
from regard.ledger.witnesses.series import audit_series
from regard.operations.common.errors import ApiError
from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import answered
from regard.operations.common.rooms import Rooms
from regard.operations.service import Service
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Motion, Vote
from regard.stewardship.door import open_audits, open_gate
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import start_office
from regard.stewardship.parties.attestations import attest, declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organization import Standing
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.flows import Flow
from regard.stewardship.people.inbox import About, Filing, Verdict, open_inbox
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.people.subject_sessions import SubjectSessions
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.policy.call import Call, Caller
from regard.stewardship.policy.packs import Pack
from regard.stewardship.records import tables
from regard.stores.buckets import Buckets
from regard.streams.messages import SNS, Message
from regard.streams.processor import Session
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader
from regard.vision.video.film import Films
from tests.helpers.customs import box, boxed, manifest, picture
from tests.helpers.fakes import FakeAnalyzer, FakeModerator, picture_of
from tests.helpers.peopled import NOTICE
from tests.helpers.started import settings_in

ALICE, BOB, CARL, DORA = 1, 2, 3, 4


class Known(msgspec.Struct):
    """What people outside know of the folder: ids and secrets that they were given."""

    operator: str = ""
    firm: str = ""
    keys: dict[str, str] = {}
    revoked: str = ""
    secrets: dict[str, str] = {}
    token: str = ""
    session: str = ""
    waiting: str = ""
    log_key: str = ""
    faces: dict[str, str] = {}
    reports: list[str] = []
    jobs: list[str] = []
    mine: dict[str, int] = {}
    project: str = ""
    labels: dict[str, Any] = {}


class Lived:
    """The service in this process, with faces that are painted squares."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.office = office = start_office(settings_in(folder))
        office.organizations.first_start()
        self.holdings = open_holdings(office)
        gate = open_gate(office, self.holdings, open_audits(office))
        self.moderator = FakeModerator(70.0)
        rooms = Rooms(
            PictureReader(Buckets(office.settings)),
            cast(FaceAnalyzer, FakeAnalyzer()),
            self.holdings.gallery,
            gate.record,
            cast(Moderator, self.moderator),
            cast(EquipmentInspector, None),
            cast(LabelFinder, None),
            cast(TextReader, None),
            cast(Films, None),
            consents=office.consents,
            reviews=self.holdings.reviews,
            loops=self.holdings.loops,
            found_notices=self.holdings.found_notices,
            custom=self.holdings.custom,
            workshop=self.holdings.workshop,
        )
        self.service = Service(gate, rooms)
        self.council = Council(office.engine)
        self.inbox = open_inbox(office.settings, office.engine, office.key, office.logbook)
        self.tokens = SubjectTokens(office.engine)
        # Whatever the time is: a session lasts less than all edits together.
        self.sessions = SubjectSessions(office.engine, office.key, self.tokens, lambda: 0.0)

    def ask(self, caller: Caller, name: str, /, **parameters: Any) -> dict[str, Any]:
        return self.service.answer(Call(caller, answered()[name], parameters, "us-east-1", str(uuid4()), loopback=True))

    def operator(self) -> Signer:
        return read_signer("operator", self.folder / "council.key")

    def close(self) -> None:
        self.holdings.close()
        self.office.logbook.close()
        self.office.engine.dispose()

    def vote(self, kind: Kind, payload: dict[str, Any]) -> None:
        motion = self._propose(kind, payload)
        self.council.vote(motion, Vote.APPROVE, "it is right", self.operator())

    def _propose(self, kind: Kind, payload: dict[str, Any]) -> Motion:
        motion = self.council.draft(kind, "a change", payload, "operator")
        return self.council.propose(motion.signed(self.operator()))


def lived(folder: Path) -> Known:
    """Do much in a new folder, in every table of it; what people outside know then."""
    with _opened(folder) as house:
        known = Known()
        _parties(house, known)
        _decided(house)
        _enrolled(house, known)
        _reviewed(house, known)
        _filed(house, known)
        _worked(house, known)
        _streamed(house, known)
        _labelled(house, known)
        _, log = house.office.logbook.shards.current()
        log.submit([b'{"kind":"regard/test"}'] * 300).result()
        log.publish()
        known.log_key = "\n".join(map(str, house.office.logbook.keys.verifiers))
    # A second start pins what the first one published, and leaves a tile behind that it outgrows.
    with _opened(folder) as house:
        house.office.logbook.write("regard/test", {})
        return known


def _parties(house: Lived, known: Known) -> None:
    orgs = house.office.organizations
    known.operator = orgs.operator().id
    signer = Signer.generate("firm")
    (house.folder.parent / "firm.key").write_text(signer.encode())
    firm = orgs.register(
        "A firm", "retail", aliases=["Firm & Sons"], identifiers=[("uei", "A1")], verifier=str(signer.verifier)
    )
    shop, owner = orgs.register("A shop", "retail"), orgs.register("An owner", "media")
    police = orgs.register("City police", "law-enforcement")
    suspect, _ = orgs.register("Frontex", "technology"), orgs.register("Europol Ltd", "technology")
    orgs.admission.decide(suspect.id, Standing.REFUSED, "me", "it is")
    orgs.edges.add(Edge(firm.id, EdgeKind.SUPPLIES, shop.id))
    orgs.edges.add(Edge(firm.id, EdgeKind.OWNED_BY, owner.id))
    until = int(house.office.logbook._clock()) + 86_400
    attest(orgs, firm.id, sign_note(declaration(orgs, firm.id, until), [signer]))
    issued = {
        "first": orgs.keys.all(known.operator)[0],
        "photos": orgs.issue_key(firm.id, "photo-library", operations=sorted(answered())),
        "door": orgs.issue_key(firm.id, "access-control", session_token=True),
        "police": orgs.issue_key(police.id, "photo-library"),
    }
    known.firm, known.keys = firm.id, {name: key.access_key_id for name, key in issued.items()}
    known.revoked = orgs.issue_key(firm.id, "photo-library").access_key_id
    orgs.keys.revoke(known.revoked)


def _decided(house: Lived) -> None:
    house.council.store(Pack.shipped("open"))
    house.vote(Kind.FLOOR, {"purpose": "photo-library", "floor": 85})
    house._propose(Kind.FLOOR, {"purpose": "photo-library", "floor": 90})
    house.council.suspend("compare", "a test", house.operator(), 1)


def _enrolled(house: Lived, known: Known) -> None:
    orgs, consents = house.office.organizations, house.office.consents
    photos, door = (_caller(house, known, name) for name in ("photos", "door"))
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
    for collection, caller in (("friends", photos), ("staff", door)):
        for name, number in (("alice", ALICE), ("bob", BOB), ("dora", DORA)):
            image = {"Bytes": picture_of(number, mark=number)}
            told = house.ask(caller, "IndexFaces", CollectionId=collection, Image=image, ExternalImageId=name)
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


def _reviewed(house: Lived, known: Known) -> None:
    door, reviews = _caller(house, known, "door"), house.holdings.reviews
    for mark in (ALICE, BOB):
        image = {"Bytes": picture_of(mark, mark=99)}
        house.ask(door, "SearchFacesByImage", CollectionId="staff", Image=image)
    for name in ("ada", "ben"):
        known.secrets[name] = reviews.reviewers.appoint(known.firm, name, [])
    ada, ben = (_reviewer(house, known, name) for name in ("ada", "ben"))
    first, second = sorted(reviews.pending(ada), key=lambda each: each.whose)
    reviews.decide(ada, first.id, same=True)
    reviews.decide(ben, first.id, same=True)
    reviews.decide(ada, second.id, same=True)
    known.waiting = second.id
    _notified(house, known)
    image = {"Bytes": picture_of(BOB, mark=98)}
    house.ask(_caller(house, known, "photos"), "SearchFacesByImage", CollectionId="friends", Image=image)
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
    photos = _caller(house, known, "photos")
    house.holdings.loops.flows.define(known.firm, Flow("doubtful", "Explicit", 60, 80))
    arn = f"arn:aws:sagemaker:us-east-1:{known.firm}:flow-definition/doubtful"
    for name in ("one", "two"):
        config = {"HumanLoopName": name, "FlowDefinitionArn": arn}
        house.ask(photos, "DetectModerationLabels", Image={"Bytes": picture_of(1)}, HumanLoopConfig=config)


def _notified(house: Lived, known: Known) -> None:
    """Somebody was found whom the organization is to tell, and will have been told of in a day."""
    photos = _caller(house, known, "photos")
    house.ask(photos, "CreateCollection", CollectionId="guests", Tags={"regard:notice-hours": "24"})
    image = {"Bytes": picture_of(CARL, mark=96)}
    house.ask(photos, "IndexFaces", CollectionId="guests", Image=image, ExternalImageId="guest")
    image = {"Bytes": picture_of(CARL, mark=95)}
    house.ask(photos, "SearchFacesByImage", CollectionId="guests", Image=image)
    _same(1, len(house.holdings.found_notices.owed(known.firm)))


def _filed(house: Lived, known: Known) -> None:
    for text in ("I was refused", "they search for people"):
        known.reports.append(house.inbox.file(Filing(About.ABUSE, text), "198.51.100.1").report)
    house.inbox.answer(known.reports[1], Verdict.REJECTED, "no")
    try:
        house.ask(_caller(house, known, "police"), "DetectFaces", Image={"Bytes": picture_of(1)})
    except ApiError as denied:
        if "no-law-enforcement" not in denied.message:
            raise


def _worked(house: Lived, known: Known) -> None:
    """One job that is over, of which a topic is yet to hear, with something about somebody; and one that waits."""
    desk, now = house.holdings.jobs, house.office.logbook._clock()

    def work(task: Task) -> Outcome:
        for number in range(3):
            parts = Part(b"%d" % number, 1), Part(b"her", 1, "external/alice")
            task.step(partial(Step, parts, 1, 3))
        return Outcome({"told": now}, {"frames": 3})

    for number in range(2):
        channel = {"SNSTopicArn": f"arn:aws:sns:us-east-1:{known.firm}:films", "RoleArn": "role"}
        given = {"NotificationChannel": channel}
        asked = Asked(known.firm, known.keys["photos"], "photo-library", "StartFaceSearch", given, {}, str(number))
        with desk.engine.begin() as connection:
            known.jobs.append(desk.start(connection, asked))
    Worker(desk, {"StartFaceSearch": work}, "one").run(known.jobs[0])


def _streamed(house: Lived, known: Known) -> None:
    """A camera, a processor that was started and stopped, and a message that nobody took yet."""
    streams = house.holdings.streams
    arn = f"arn:aws:kinesisvideo:us-east-1:{known.firm}:stream/door/1"
    streams.sources.put(arn, "rtsp://door:secret@camera/live")
    given = {"Input": {"KinesisVideoStream": {"Arn": arn}}, "Settings": {"ConnectedHome": {"Labels": ["PET"]}}}
    with house.office.engine.begin() as connection:
        streams.processors.create(connection, streams.processors.new(known.firm, "door", "us-east-1", given, {}))
        session = Session("session", known.keys["photos"], "photo-library", "StartStreamProcessor", {}, 10)
        streams.processors.start(connection, streams.processors.found(connection, known.firm, "door"), session)
        streams.processors.end(connection, streams.processors.found(connection, known.firm, "door"))
        message = Message(f"arn:aws:sns:us-east-1:{known.firm}:door", "{}")
        streams.messages.owe(connection, known.firm, message, SNS)


def _labelled(house: Lived, known: Known) -> None:
    """A project with a dataset, a policy, a version with its model, and what was seen of a picture."""
    photos, workshop = _caller(house, known, "photos"), house.holdings.workshop
    known.project = house.ask(photos, "CreateProject", ProjectName="parts", Tags={"mood": "good"})["ProjectArn"]
    dataset = house.ask(photos, "CreateDataset", ProjectArn=known.project, DatasetType="TRAIN")["DatasetArn"]
    lines = manifest([picture("Sea", key="0"), picture("Sun", "Sea", key="1"), boxed(box(), box(left=-1), key="b")])
    house.ask(photos, "UpdateDatasetEntries", DatasetArn=dataset, Changes={"GroundTruth": lines})
    statement = {"Effect": "Allow", "Principal": "*", "Action": "rekognition:CopyProjectVersion", "Resource": "*"}
    document = msgspec.json.encode({"Version": "2012-10-17", "Statement": [statement]}).decode()
    house.ask(photos, "PutProjectPolicy", ProjectArn=known.project, PolicyName="all", PolicyDocument=document)
    with house.holdings.gallery.writing() as connection:
        project = workshop.projects.find(connection, known.firm, known.project)
        version = workshop.versions.create(connection, project, "one", VersionState.TRAINING, {"asked": 1}, {"a": "b"})
        model = ModelFile(b"a head", b"a manifest", {"a file": b"beside"})
        keep_model(connection, workshop.versions, version.id, model)
        workshop.versions.end(connection, version.id, True, {"StatusMessage": "It is ready."}, model.digest)
        workshop.features.keep(connection, project.id, [("s3://bucket/0", "1", b"seen")])
    known.labels = _told_of_labels(house, known)


def _told_of_labels(house: Lived, known: Known) -> dict[str, Any]:
    """All that the organization is told of its project."""
    photos, workshop = _caller(house, known, "photos"), house.holdings.workshop
    (project,) = house.ask(photos, "DescribeProjects")["ProjectDescriptions"]
    (dataset,) = (each["DatasetArn"] for each in project["Datasets"])
    told = {
        "entries": house.ask(photos, "ListDatasetEntries", DatasetArn=dataset),
        "wrong": house.ask(photos, "ListDatasetEntries", DatasetArn=dataset, HasErrors=True),
        "labelled": [
            house.ask(photos, "ListDatasetEntries", DatasetArn=dataset, ContainsLabels=[name])
            for name in ("Sea", "Sun", "Dot")
        ],
        "labels": house.ask(photos, "ListDatasetLabels", DatasetArn=dataset),
        "policies": len(house.ask(photos, "ListProjectPolicies", ProjectArn=project["ProjectArn"])["ProjectPolicies"]),
    }
    with house.holdings.gallery.reading() as connection:
        of = workshop.projects.find(connection, known.firm, known.project)
        (version,) = workshop.versions.page(connection, of, 0, 9)
        model = model_of(connection, workshop.versions, version.id, version.digest)
        seen = workshop.features.found(connection, of.id, [("s3://bucket/0", "1")])
    return told | {"model": model.digest, "files": sorted(model.files), "seen": [bool(each) for each in seen]}


def noticed(folder: Path, known: Known) -> list[str]:
    """What is noticed at the start of a folder, and at each use of what is in it; empty where all is as it was left."""
    with _listening() as said:
        try:
            house = Lived(folder)
        except Exception as error:
            return [f"start: {error}"]
        for name, use in _uses(house, known).items():
            try:
                use()
            except Exception as error:
                said.append(f"{name}: {type(error).__name__}: {error}")
        try:
            house.close()
        except Exception as error:
            said.append(f"end: {error}")
    return said


def _uses(house: Lived, known: Known) -> dict[str, Callable[[], object]]:
    """What is done with a folder, each by a name. What outsiders know is held against what they are told."""
    office = house.office
    people = [(known.firm, f"external/{name}") for name in ("alice", "bob")]

    def searched(name: str, collection: str, number: int) -> None:
        image = {"Bytes": picture_of(number, mark=55)}
        told = house.ask(_caller(house, known, name), "SearchFacesByImage", CollectionId=collection, Image=image)
        _same(known.mine.setdefault(f"{collection}/{number}", len(told["FaceMatches"])), len(told["FaceMatches"]))

    def decided() -> None:
        ben = _reviewer(house, known, "ben")
        (waiting,) = [each for each in house.holdings.reviews.pending(ben) if each.id == known.waiting]
        house.holdings.reviews.picture(ben, waiting.id)
        _same(True, bool(house.holdings.reviews.portrait(ben, waiting.id)))
        house.holdings.reviews.decide(ben, waiting.id, same=True)
        image = {"Bytes": picture_of(BOB, mark=99)}
        told = house.ask(_caller(house, known, "door"), "SearchFacesByImage", CollectionId="staff", Image=image)
        _same(1, len(told["FaceMatches"]))

    def confirmed() -> None:
        image = {"Bytes": picture_of(ALICE, mark=99)}
        told = house.ask(_caller(house, known, "door"), "SearchFacesByImage", CollectionId="staff", Image=image)
        _same(["alice"], [match["Face"]["ExternalImageId"] for match in told["FaceMatches"]])

    def indexed(name: str, collection: str) -> None:
        image = {"Bytes": picture_of(BOB, mark=77)}
        caller = _caller(house, known, name)
        house.ask(caller, "IndexFaces", CollectionId=collection, Image=image, ExternalImageId="bob")

    def looped() -> None:
        ada = _reviewer(house, known, "ada")
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
            faces = house.ask(_caller(house, known, name), "ListFaces", CollectionId=collection)["Faces"]
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
            house.ask(_caller(house, known, "police"), "DetectFaces", Image={"Bytes": picture_of(1)})
        except Exception as error:
            if "no-law-enforcement" in str(error):
                return
            raise
        # Nobody notices what is allowed.

    return {
        "older records": lambda: _same([], office.published.less_of_old()),
        "law": lambda: (house.council.law(), Pack.from_text(house.council.pack().text, house.council.law().policy)),
        "stored packs": lambda: [house.council.stored(each) for each in _policies(house)],
        "first key": lambda: house.ask(_caller(house, known, "first"), "ListCollections"),
        "keys": lambda: [_caller(house, known, name) for name in known.keys],
        "revoked key": revoked,
        "refused": refused,
        "search friends": lambda: searched("photos", "friends", ALICE),
        "told apart": lambda: searched("photos", "friends", BOB),
        "search staff": lambda: searched("door", "staff", ALICE),
        "confirmed": confirmed,
        "list": held,
        "users": lambda: house.ask(_caller(house, known, "photos"), "ListUsers", CollectionId="friends"),
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
        "own labels": lambda: _same(known.labels, _told_of_labels(house, known)),
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


def _caller(house: Lived, known: Known, name: str) -> Caller:
    key = house.office.organizations.key(known.keys[name])
    if key is None:
        raise LookupError(f"the key {name} is not known")
    return key.caller


def _reviewer(house: Lived, known: Known, name: str) -> Reviewer:
    return house.holdings.reviews.reviewers.log_in(known.firm, name, known.secrets[name])


def _same(expected: object, found: object) -> None:
    if expected != found:
        raise AssertionError(f"not {expected}, but {found}")


@contextmanager
def _opened(folder: Path) -> Iterator[Lived]:
    house = Lived(folder)
    house.office.logbook.start()
    try:
        yield house
    finally:
        house.close()


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What the service says meanwhile of its own accord: errors, and motions that count for nothing."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR or "counts for nothing" in record.getMessage():
                said.append(f"said: {record.getMessage()}")

    listener = Listener()
    logging.getLogger("regard").addHandler(listener)
    try:
        yield said
    finally:
        logging.getLogger("regard").removeHandler(listener)
