"""A console with something on each of its pages, and what its pages are looked at by."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

from regard.custom.versions.states import State as VersionState
from regard.ledger.tree.notes import Signer
from regard.operations.common.registry import answered
from regard.sealing import SealBroken
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.inbox import About, Filing
from regard.stewardship.policy.call import Call
from tests.helpers.consoled import Console
from tests.helpers.fakes import picture_of
from tests.helpers.peopled import NOTICE

MARKUP = "<script>alert(1)</script><b>bold\u202e"


def filled(console: Console) -> None:
    """A collection with somebody in it who consented, an appeal, and a motion."""
    ada = console.near()
    caller = console.office.organizations.keys.all()[0].caller
    asked(console, "CreateCollection", CollectionId="staff", Tags={"regard:basis": "consent"})
    drawn = console.office.consents.draw_up(
        console.organization, NewConsent("alice", "staff", "development", NOTICE, 30)
    )
    console.office.consents.attest(caller, drawn)
    image = {"Bytes": picture_of(1)}
    asked(console, "IndexFaces", CollectionId="staff", Image=image, ExternalImageId="alice")
    console.inbox.file(Filing(About.APPEAL, f"I am not her. {MARKUP}", "me@example.org"), "203.0.113.7")
    council = console.council
    motion = council.draft(Kind.FLOOR, f"A floor {MARKUP}", {"purpose": "development", "floor": 90.0}, "operator")
    council.propose(motion.signed(signer(console)))
    asked(console, "CreateProject", ProjectName="parts", Tags={"mood": MARKUP[:20]})
    workshop = console.house.holdings.workshop
    with console.house.holdings.gallery.writing() as connection:
        project = workshop.projects.named(connection, console.organization, "parts")
        assert project is not None
        version = workshop.versions.create(connection, project, "one", VersionState.TRAINING, {}, {})
        workshop.versions.end(connection, version.id, False, {"StatusMessage": f"It failed. {MARKUP}"})
    assert ada.get("/console").status_code == 200


def asked(console: Console, name: str, **parameters: Any) -> dict[str, Any]:
    """The answer of an operation under the first key that there is."""
    caller = console.office.organizations.keys.all()[0].caller
    call = Call(caller, answered()[name], parameters, "us-east-1", str(uuid4()), loopback=True)
    return console.house.service.answer(call)


def details(console: Console) -> list[dict[str, Any]]:
    """The sealed details of every call that the log tells of, as far as they are about nobody pictured."""
    logbook, found = console.office.logbook, []
    logbook.take_over()
    _, log = logbook.shards.current()
    for index in range(log.publish().checkpoint.size):
        for commitment in json.loads(log.entry(index)).get("commitments", ()):
            with suppress(LookupError, SealBroken):
                found.append(logbook.payloads.open(commitment))
    return found


def signer(console: Console) -> Signer:
    return read_signer("operator", console.folder / "council.key")
