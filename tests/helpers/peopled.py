"""A service without models that knows consents, erasure and retention, on a clock that tests move."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from regard.gallery.gallery import Gallery
from regard.jobs.desk import Desk
from regard.jobs.scratch import Scratch
from regard.ledger.tree.tiles import tiles_of
from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import answered
from regard.operations.service import Service
from regard.sealing import SealingKey, master_key
from regard.settings import Settings
from regard.stewardship.council.council import first_start
from regard.stewardship.council.law import decided_alone
from regard.stewardship.gate.gate import Gate
from regard.stewardship.logbook.ends import record_end
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.people.access import Access
from regard.stewardship.people.consent import NewConsent, Notice
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.erasure import Erased, Erasure
from regard.stewardship.people.loops import Loops
from regard.stewardship.people.matches.notices import FoundNotices
from regard.stewardship.people.retention import CurrentCollections, Retention
from regard.stewardship.people.review import Reviews
from regard.stewardship.people.subject_tokens import FOUND, SubjectTokens
from regard.stewardship.policy.call import Call, Caller
from regard.stores.buckets import Buckets
from tests.helpers.databases import copy_database
from tests.helpers.fakes import Clock, FakeModerator, open_rooms, picture_of
from tests.helpers.working import Shelf

NOTICE = Notice("2026-03", "en", "ab" * 32)
KEPT_APART = ("keys.db", "keys.db-wal", "keys.db-shm")


class House:
    """One process. Opened twice on one folder, they are two."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        rooms = open_rooms(folder, clock)
        self.gallery: Gallery = rooms.gallery
        # A process speaks to each of its databases through one engine: another would connect anew.
        self.engine, vault = self.gallery._engine, self.gallery._vault
        key = master_key(folder / "master.key")

        def part_key(organization: str, whose: str, make: bool) -> SealingKey | None:
            return vault.person_key(organization, whose, make=make)

        self.council = first_start(self.engine, folder / "council.key", clock)
        self.organizations = organizations = Organizations(self.engine, key, decided_alone, clock=clock)
        organizations.first_start()
        self.logbook = Logbook(self.engine, folder / "log", key, clock=clock, part_keys=part_key)
        self.consents = Consents(self.engine, self.logbook, clock)
        self.reviews = Reviews(self.engine, self.gallery, self.logbook, clock, self.consents.agreed_to_portrait)
        self.loops = Loops(self.engine, self.gallery, self.logbook, clock)
        self.moderator = cast(FakeModerator, rooms.moderator)
        self.jobs = Desk(self.engine, self.gallery, key, clock)
        self.jobs.at_end.append(partial(record_end, self.logbook))
        self.erasure = Erasure(self.engine, self.gallery, self.consents, self.logbook, clock, self._forget)
        self.replayed = self.erasure.replay()
        self.access = Access(self.gallery, self.consents, self.logbook, clock, self.reviews.mismatches.of)
        self.retention = Retention(self.engine, self.gallery, self.logbook, clock, self._expire)
        gate = Gate(
            self.engine,
            Settings(data_dir=folder),
            self.logbook,
            CurrentCollections(self.engine, self.retention),
            self.consents.covers,
            clock,
            register=self.consents,
        )
        tokens = SubjectTokens(self.engine, clock)

        def issue(caller: Caller, name: str) -> str:
            return tokens.issue(caller, name, FOUND)

        self.found_notices = FoundNotices(self.engine, self.gallery, self.logbook, issue, tokens.void, clock)
        rooms = replace(rooms, found_notices=self.found_notices, matters=gate.matters)
        rooms = replace(rooms, record=gate.record, consents=self.consents, reviews=self.reviews, loops=self.loops)
        films = PictureReader(cast(Buckets, Shelf(folder)))
        rooms = replace(rooms, jobs=self.jobs, scratch=Scratch(folder / "tmp", 1 << 30), pictures=films)
        self.service = Service(gate, rooms)
        self.caller = organizations.keys.all()[0].caller
        self.organization = self.caller.organization

    def ask(self, name: str, /, **parameters: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """The answer, and what was remarked on the call."""
        call = Call(self.caller, answered()[name], parameters, "us-east-1", str(uuid4()), loopback=True)
        return self.service.answer(call), call.remarks

    def _forget(self, organization: str, whose: str) -> None:
        self.reviews.forget(organization, whose)
        self.jobs.forget(organization, whose)

    def _expire(self) -> None:
        self.reviews.expire()
        self.loops.expire()
        self.jobs.expire()

    def collection(self, name: str, basis: str = "attested", **tags: str) -> None:
        self.ask("CreateCollection", CollectionId=name, Tags={"regard:basis": basis} | tags)

    def index(self, collection: str, *persons: int, mark: int = 0, name: str | None = None) -> list[str]:
        """Index a picture of these persons; the FaceIds."""
        given = {} if name is None else {"ExternalImageId": name}
        image = {"Bytes": picture_of(*persons, mark=mark)}
        answer, _ = self.ask("IndexFaces", CollectionId=collection, Image=image, **given)
        return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]

    def search(self, collection: str, person: int) -> list[str]:
        """The FaceIds of whoever is like this person."""
        image = {"Bytes": picture_of(person, mark=99)}
        answer, _ = self.ask("SearchFacesByImage", CollectionId=collection, Image=image)
        return [match["Face"]["FaceId"] for match in answer["FaceMatches"]]

    def faces(self, collection: str) -> list[str]:
        return [face["FaceId"] for face in self.ask("ListFaces", CollectionId=collection)[0]["Faces"]]

    def users(self, collection: str) -> list[str]:
        return [user["UserId"] for user in self.ask("ListUsers", CollectionId=collection)[0]["Users"]]

    def consent(
        self, name: str, collection: str, days: int = 30, *, suppression: bool = False, portrait: bool = False
    ) -> str:
        purpose = self.caller.purpose
        asked = NewConsent(name, collection, purpose, NOTICE, days, suppression=suppression, portrait=portrait)
        drawn = self.consents.draw_up(self.organization, asked)
        return self.consents.attest(self.caller, drawn).consent.receipt_id

    def erase(self, name: str) -> Erased:
        return self.erasure.erase(self.organization, f"external/{name}")

    def entries(self) -> list[dict[str, Any]]:
        """What the current shard of the log holds."""
        _, log = self.logbook.shards.current()
        return [json.loads(log.entry(index)) for index in range(log.publish().checkpoint.size)]

    def keys(self) -> dict[int, set[str]]:
        """Who has a key, by collection."""
        return self.gallery._vault.keys.holders()

    def log(self) -> bytes:
        """Every byte of the log that the world sees."""
        _, log = self.logbook.shards.current()
        head = log.publish()
        tiles = (log.fetch(tile.path) for tile in tiles_of(head.checkpoint.size))
        return b"".join((head.note, *tiles))

    def close(self) -> None:
        self.retention.close()
        self.logbook.close()
        self.engine.dispose()
        self.gallery._vault.keys.engine.dispose()

    def back_up(self, to: Path) -> None:
        """Copy everything but the key store, as a backup does."""
        self.close()
        shutil.copytree(self.folder, to, ignore=shutil.ignore_patterns(*KEPT_APART))
        copy_database(self.folder, to)

    def restore(self, backup: Path) -> House:
        """Put a backup in place; the key store stays what it is."""
        self.close()
        kept = {name: (self.folder / name).read_bytes() for name in KEPT_APART if (self.folder / name).exists()}
        shutil.rmtree(self.folder)
        shutil.copytree(backup, self.folder)
        for name, data in kept.items():
            (self.folder / name).write_bytes(data)
        copy_database(backup, self.folder)
        return House(self.folder, self.clock)
