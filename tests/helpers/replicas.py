"""Several services on one PostgreSQL, each a process of its own, and clients that keep a history of what they saw."""

from __future__ import annotations

import base64
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from regard.commands.pictures.demo import OwnService
from regard.ledger.witnesses.series import audit_series
from regard.settings import Settings, from_environment
from regard.stewardship.logbook.entries import CALL
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.office import open_office
from tests.helpers.databases import Server
from tests.helpers.fakes import picture_of
from tests.helpers.linearizable import Event, linearizable
from tests.helpers.running import running

COLLECTIONS, PERSONS = ("a", "b"), 24
KEY = bytes(range(32))
# What a client may be told while a service or the database is away.
GONE = "gone"
AWAY = {GONE, "InternalServerError", "ThrottlingException", "ProvisionedThroughputExceededException"}


class Replicas:
    """Services that share a PostgreSQL."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.environment: Mapping[str, str] | None = None
        self.settings = {
            "REGARD_DATABASE_URL": server.database("regard"),
            "REGARD_KEYS_URL": server.database("regard_keys"),
            "REGARD_MASTER_KEY": base64.b64encode(KEY).decode(),
            "REGARD_WORKERS": "4",
        }
        self._stack = ExitStack()

    def start(self, name: str) -> OwnService:
        """One more service; the first makes the key that clients call with."""
        command = ("-m", "tests.helpers.replica")
        service = running(self.folder / name, self.environment, command, **self.settings)
        started = self._stack.enter_context(service)
        self.environment = self.environment or started.environment
        return started

    def client(self, service: OwnService) -> Any:
        """boto3 that tries once: what it is told is all that happened."""
        assert self.environment
        return boto3.session.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).client(
            "rekognition",
            endpoint_url=service.url,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60, max_pool_connections=16),
        )

    def close(self) -> None:
        self._stack.close()

    def logged(self) -> Counter[str]:
        """How often each call is in the log, by request id. The log is verified from its public key alone first."""
        office = open_office(self.in_process("reader"))
        office.logbook.take_over()
        office.logbook.shards.current()[1].publish()
        found: Counter[str] = Counter()

        def count(_period: str, _index: int, entry: bytes) -> None:
            found.update(_requests(office.logbook, entry))

        audit_series(office.public_log.fetch, office.logbook.keys.verifiers, {}, entry=count)
        office.logbook.close()
        return found

    def in_process(self, name: str) -> Settings:
        """The settings of one more service, to be opened here."""
        return from_environment(self.settings, data_dir=self.folder / name)


def _requests(logbook: Logbook, entry: bytes) -> list[str]:
    told = json.loads(entry)
    if told["kind"] != CALL:
        return []
    return [str(logbook.payloads.open(told["commitments"][0])["request_id"])]


@dataclass
class History:
    """What clients did and were told, by face; and the ids of the calls that were answered, and of all."""

    events: dict[tuple[str, int], list[Event]] = field(default_factory=lambda: defaultdict(list))
    answered: list[str] = field(default_factory=list)
    away: Counter[str] = field(default_factory=Counter)
    _ids: dict[tuple[str, int], str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def run(self, clients: Sequence[Any], operations: int, seed: int, threads: int = 8) -> None:
        """`threads` at once ask any of `clients`, until there were so many operations."""

        def work(number: int) -> None:
            chance = random.Random(seed * threads + number)
            for _ in range(operations // threads):
                self._step(chance.choice(clients), chance)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))

    def wrong(self) -> list[tuple[str, int]]:
        """The faces whose history no service that does one thing at a time could have told."""
        return [face for face, events in self.events.items() if not linearizable(events)]

    def _step(self, client: Any, chance: random.Random) -> None:
        face = collection, person = chance.choice(COLLECTIONS), chance.randrange(PERSONS)
        kind = chance.choice(("index", "index", "delete", "search", "search", "find", "list"))
        asked = self._ids.get(face)
        if kind in ("delete", "find", "list") and asked is None:
            kind = "index"
        start = time.monotonic()
        try:
            told = _ask(client, kind, collection, person, asked)
            end = time.monotonic()
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else GONE
            if code not in AWAY:
                raise
            with self._lock:
                self.away[code] += 1
                if kind in ("index", "delete"):
                    self.events[face].append(Event(kind, start, asked=asked))
            # What is away is not asked at once again.
            time.sleep(0.1)
            return
        answer, request = told
        with self._lock:
            self.answered.append(request)
            if kind == "index":
                self._ids[face] = str(answer)
            if kind in ("find", "list"):
                # That a face is not there under this id does not say that there is none.
                kind, answer = ("search", asked) if answer else ("missing", asked)
            self.events[face].append(Event(kind, start, end, asked, answer))


def _ask(client: Any, kind: str, collection: str, person: int, asked: str | None) -> tuple[str | bool | None, str]:
    """What was answered, and the id of the request."""
    image, where = {"Bytes": picture_of(person)}, {"CollectionId": collection}
    match kind:
        case "index":
            answer = client.index_faces(**where, Image=image, ExternalImageId=f"person-{person}")
            (record,) = answer["FaceRecords"]
            return record["Face"]["FaceId"], _id(answer)
        case "search":
            answer = client.search_faces_by_image(**where, Image=image, FaceMatchThreshold=95)
            found = [match["Face"]["FaceId"] for match in answer["FaceMatches"]]
            assert len(found) <= 1, found
            return (found[0] if found else None), _id(answer)
        case "delete":
            answer = client.delete_faces(**where, FaceIds=[asked])
            return answer["DeletedFaces"] == [asked], _id(answer)
        case "list":
            answer = client.list_faces(**where, FaceIds=[asked])
            return bool(answer["Faces"]), _id(answer)
        case _:
            try:
                answer = client.search_faces(**where, FaceId=asked, FaceMatchThreshold=95)
                return True, _id(answer)
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidParameterException":
                    raise
                return False, _id(error.response)


def _id(answer: Any) -> str:
    return str(answer["ResponseMetadata"]["RequestId"])
