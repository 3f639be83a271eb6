"""A service with a gate and a log, and without models: what callers get here is logged as it is in life."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from regard.database import open_database
from regard.ledger.log.log import Log
from regard.ledger.tree.notes import Signer
from regard.ledger.tree.tiles import read_entries
from regard.operations.common.registry import answered
from regard.operations.service import Service
from regard.sealing import master_key
from regard.settings import Settings
from regard.stewardship.council.council import first_start
from regard.stewardship.council.law import decided_alone
from regard.stewardship.gate.gate import Gate
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.policy.call import Call, Caller
from tests.helpers.databases import database_url
from tests.helpers.fakes import open_rooms


@dataclass
class Logged:
    """One process: a service, its logbook, and a key to call with."""

    service: Service
    logbook: Logbook
    caller: Caller
    organizations: Organizations

    def ask(self, name: str, /, caller: Caller | None = None, **parameters: Any) -> tuple[dict[str, Any], Call]:
        """The answer, and the call with what was remarked on it."""
        call = Call(caller or self.caller, answered()[name], parameters, "us-east-1", str(uuid4()), loopback=True)
        return self.service.answer(call), call

    def entries(self) -> list[dict[str, Any]]:
        """What the current shard of the log holds."""
        _, log = self.logbook.shards.current()
        size = log.publish().checkpoint.size
        return [json.loads(entry) for entry in read_entries(size, log.fetch)]

    def calls(self) -> list[dict[str, Any]]:
        """The entries that are calls."""
        return [entry for entry in self.entries() if entry["kind"] == "regard/call"]


def open_logged(
    folder: Path,
    clock: Callable[[], float] = time.time,
    open_log: Callable[[Path, Sequence[Signer]], Log] | None = None,
) -> Logged:
    """Open the service that is kept in `folder`; twice, and they are two processes on the same data."""
    engine = open_database(database_url(folder))
    key = master_key(folder / "master.key")
    first_start(engine, folder / "council.key", clock)
    organizations = Organizations(engine, key, decided_alone, clock=clock)
    organizations.first_start()
    logbook = Logbook(engine, folder / "log", key, clock=clock, open_log=open_log)
    gate = Gate(engine, Settings(data_dir=folder), logbook, clock=clock)
    rooms = replace(open_rooms(folder, clock), record=gate.record)
    return Logged(Service(gate, rooms), logbook, organizations.keys.all()[0].caller, organizations)
