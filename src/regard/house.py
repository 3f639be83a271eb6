"""The rooms behind the wire, opened in the order in which each stands on those before it; and work in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event

from regard.jobs.job import Outcome
from regard.jobs.slots import is_free, slot
from regard.jobs.working import Task, Worker
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import Work, works
from regard.operations.custom.retraining import Retraining
from regard.operations.service import Service, open_service
from regard.operations.streams.looking import tools
from regard.stewardship.door import open_audits, open_gate
from regard.stewardship.gate.audits import Audits
from regard.stewardship.holdings import Holdings, open_holdings
from regard.stewardship.logbook.models_told import tell_models
from regard.stewardship.office import Office
from regard.streams.running import Runners
from regard.vision.eyes import Eyes, open_eyes


@dataclass(frozen=True, slots=True)
class House:
    """The rooms behind the wire."""

    holdings: Holdings
    audits: Audits
    eyes: Eyes
    service: Service


def open_house(office: Office, ran: Callable[[str, float], None] = lambda _name, _seconds: None) -> House:
    """Open what stands on the office; all that commands in this process need. `ran` is told of each inference."""
    holdings = open_holdings(office)
    audits = open_audits(office)
    gate = open_gate(office, holdings, audits)
    eyes = open_eyes(office.settings, ran)
    tell_models(office.engine, office.logbook, eyes.weights.digests)
    service = open_service(office, holdings, gate, eyes)
    holdings.also.append(Retraining(service.answer, service.rooms).sweep)
    return House(holdings, audits, eyes, service)


def work(office: Office, stop: Event, idle: float = math.inf) -> None:
    """Work on jobs and live video until told to stop, or nothing was to do for `idle` seconds.

    What is not over then is gone on with by whoever works next.
    """
    # What keeps jobs durable is imported by workers alone.
    from regard.jobs.engine import Engine, place_of

    house = open_house(office)
    rooms, desk = house.service.rooms, house.holdings.jobs
    for room in (office.logbook, house.eyes):
        room.start()
    with slot(workers := office.settings.data_dir / "workers") as name:
        worker = Worker(desk, {start: partial(_at_work, each, rooms) for start, each in works().items()}, name)
        engine = Engine(desk, worker, place_of(office.settings), name)
        runners = Runners(tools(rooms), name, partial(is_free, workers))
        # A camera waits for nobody, and the engine takes seconds to begin.
        for each in (runners, engine):
            each.start()
        engine.run(stop, idle, house.holdings.streams.processors.busy)
        runners.close()
        worker.leave()


def _at_work(function: Work, rooms: Rooms, task: Task) -> Outcome:
    return function(task, rooms)
