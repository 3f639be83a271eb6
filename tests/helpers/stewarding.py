"""A stewardship room of its own for tests: a database, a clock that tests move, a register and a gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from regard.database import open_database
from regard.ledger.tree.notes import Signer
from regard.sealing import SealingKey
from regard.settings import Settings
from regard.stewardship.council.collections import Terms
from regard.stewardship.council.council import first_start
from regard.stewardship.council.law import decided_alone
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Motion, Vote
from regard.stewardship.gate.gate import Denied, Gate, Permit
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.policy.call import Call, Caller, Capability, DataClass, Operation
from tests.helpers.databases import database_url

NOW = 1_800_000_000.0
OPERATIONS = {
    "DetectFaces": (Capability.DETECT, DataClass.FACES),
    "DetectLabels": (Capability.DETECT, DataClass.OBJECTS),
    "CompareFaces": (Capability.COMPARE, DataClass.FACES),
    "IndexFaces": (Capability.ENROL, DataClass.TEMPLATES),
    "SearchFacesByImage": (Capability.IDENTIFY, DataClass.TEMPLATES),
    "CreateCollection": (Capability.MANAGE, DataClass.SETTINGS),
    "DeleteCollection": (Capability.MANAGE, DataClass.TEMPLATES),
    "ListCollections": (Capability.READ, DataClass.SETTINGS),
    "TagResource": (Capability.MANAGE, DataClass.SETTINGS),
    "UntagResource": (Capability.MANAGE, DataClass.SETTINGS),
    "CreateProject": (Capability.MANAGE, DataClass.SETTINGS),
    "CreateProjectVersion": (Capability.MANAGE, DataClass.OBJECTS),
    "StartProjectVersion": (Capability.MANAGE, DataClass.OBJECTS),
    "DetectCustomLabels": (Capability.DETECT, DataClass.OBJECTS),
    "StartStreamProcessor": (Capability.DETECT, DataClass.OBJECTS),
    "CreateFaceLivenessSession": (Capability.LIVENESS, DataClass.FACES),
}


@dataclass
class Gallery:
    """Stands for the gallery: tags and face counts by collection."""

    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def terms(self, _organization: str, collection: str) -> Terms | None:
        return Terms(self.kept.get(collection, {}), self.counts.get(collection, 0), "1.0")


@dataclass
class Register:
    """Stands for the consents: who agreed to be trained with, and how many faces of collections lack a consent."""

    agreed: set[str] = field(default_factory=set)
    lacking: int = 0

    def covers_training(self, _organization: str, _project: str, person: str, _purpose: str) -> bool:
        return person in self.agreed

    def without_consent(self, _organization: str, _collection: str) -> int:
        return self.lacking


class Stewardship:
    """All pieces of the room, on one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.url = database_url(folder)
        self.engine: Engine = open_database(self.url)
        self.key = SealingKey(SealingKey.generate())
        self.organizations = Organizations(self.engine, self.key, decided_alone, clock=lambda: self.now)
        self.gallery = Gallery()
        self.receipts: set[str] = set()
        self.register = Register()
        self.logbook = Logbook(self.engine, folder / "log", self.key, clock=lambda: self.now)
        self.council = first_start(self.engine, folder / "council.key", lambda: self.now)
        self.gate = self.another_gate()
        self.signer: Signer = read_signer("operator", folder / "council.key")

    def another_gate(self, **settings: Any) -> Gate:
        """A gate as another process would open it, with connections of its own."""
        return Gate(
            open_database(self.url),
            Settings(data_dir=self.folder, **settings),
            self.logbook,
            self.gallery,
            lambda enrolment: enrolment.person in self.receipts,
            lambda: self.now,
            register=self.register,
        )

    def carry(self, kind: Kind, **payload: Any) -> Motion:
        """Have the council of one carry a motion."""
        motion = self.council.draft(kind, "a change", payload, "operator")
        self.council.propose(motion.signed(self.signer))
        self.council.vote(motion, Vote.APPROVE, "", self.signer)
        return motion

    def caller(self, sector: str = "retail", purpose: str = "development", **terms: Any) -> Caller:
        """A key of a new organization."""
        organization = self.organizations.register(f"A firm in {sector}", sector)
        return self.organizations.issue_key(organization.id, purpose, **terms).caller

    def call(self, caller: Caller, name: str = "DetectFaces", loopback: bool = True, **parameters: Any) -> Call:
        operation = Operation(name, *OPERATIONS[name])
        return Call(caller, operation, parameters, "us-east-1", "request-1", loopback)

    def ask(self, caller: Caller, name: str = "DetectFaces", **given: Any) -> Permit:
        """Pass the gate, or raise Denied."""
        return self.gate.before(self.call(caller, name, **given))

    def rule(self, caller: Caller, name: str = "DetectFaces", **given: Any) -> str:
        """The rule that denies, or "allow"."""
        try:
            self.ask(caller, name, **given)
        except Denied as denied:
            return denied.rule
        return "allow"
