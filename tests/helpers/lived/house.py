"""The service on such a folder, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from regard.ledger.tree.notes import Signer
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
from regard.stewardship.people.inbox import open_inbox
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.people.subject_sessions import SubjectSessions
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.policy.call import Call, Caller
from regard.stores.buckets import Buckets
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader
from regard.vision.video.film import Films
from tests.helpers.fakes import FakeAnalyzer, FakeModerator
from tests.helpers.lived.known import Known
from tests.helpers.started import settings_in


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
        motion = self.propose(kind, payload)
        self.council.vote(motion, Vote.APPROVE, "it is right", self.operator())

    def propose(self, kind: Kind, payload: dict[str, Any]) -> Motion:
        motion = self.council.draft(kind, "a change", payload, "operator")
        return self.council.propose(motion.signed(self.operator()))


@contextmanager
def opened(folder: Path) -> Iterator[Lived]:
    """The service on a folder, which writes its log until the end of the block."""
    house = Lived(folder)
    house.office.logbook.start()
    try:
        yield house
    finally:
        house.close()


def caller(house: Lived, known: Known, name: str) -> Caller:
    """Whoever holds a key. Raises LookupError."""
    key = house.office.organizations.key(known.keys[name])
    if key is None:
        raise LookupError(f"the key {name} is not known")
    return key.caller


def reviewer(house: Lived, known: Known, name: str) -> Reviewer:
    """Somebody who reviews, logged in."""
    return house.holdings.reviews.reviewers.log_in(known.firm, name, known.secrets[name])
