"""The composition root: opens the rooms, in the order in which each stands on those before it, and serves them."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from socket import socket
from threading import Event

from regard.jobs.crew import Crew
from regard.jobs.job import Outcome
from regard.jobs.messenger import Messenger
from regard.jobs.slots import is_free, slot
from regard.jobs.working import Task, Worker
from regard.ledger.witnesses.cosigning import open_cosigning
from regard.operations.common.rooms import Rooms
from regard.operations.common.warming import Warming
from regard.operations.common.works import Work, works
from regard.operations.custom.retraining import Retraining
from regard.operations.service import Service, open_service
from regard.operations.streams.looking import tools
from regard.pages.routes import open_pages
from regard.settings import told_to_workers
from regard.stewardship.door import open_audits, open_gate
from regard.stewardship.gate.audits import Audits
from regard.stewardship.holdings import Holdings, open_holdings
from regard.stewardship.logbook.models_told import tell_models
from regard.stewardship.office import Office
from regard.streams.messages import KINDS
from regard.streams.running import Runners
from regard.vision.eyes import Eyes, open_eyes
from regard.wire.app import open_application
from regard.wire.exposure import told_to_commands, url
from regard.wire.listen import listen
from regard.wire.live.conversation import Conversations
from regard.wire.metrics import Metrics
from regard.wire.pool import open_pool
from regard.wire.watchdog import Watchdog


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


def serve(office: Office, on: socket, announce: Callable[[str, list[str]], None]) -> None:
    """Serve on a socket until told to stop; once it answers, `announce` gets the address and what is in force."""
    settings, logbook, find_key = office.settings, office.logbook, office.organizations.key
    metrics = Metrics()
    house = open_house(office, metrics.model_ran)
    pool = open_pool(settings)
    cosigning = open_cosigning(settings, logbook.shards, office.public_log)

    watchdog = Watchdog(pool, settings.stuck_after)
    warming = Warming(house.service.rooms, settings.warm)

    def trouble() -> str | None:
        if not pool.open:
            return "shutting down"
        return logbook.trouble or cosigning.trouble or watchdog.trouble or warming.trouble

    service, weights = house.service, house.eyes.weights
    conversations = Conversations(service, pool)
    pages = open_pages(office, house.holdings, service, pool, metrics, cosigning, weights, conversations, trouble)
    app = open_application(settings, service, find_key, pool, metrics, conversations, pages)

    jobs, streams = house.holdings.jobs, house.holdings.streams

    def busy() -> bool:
        return jobs.busy() or streams.processors.busy()

    crew = Crew(settings.jobs_workers, busy, told_to_workers(settings))
    messenger = Messenger(house.holdings.notices)
    courier = Messenger(streams.messages, kinds=KINDS)

    metrics.watch(pool)
    metrics.watch_jobs(house.holdings.jobs)
    metrics.watch_notices(house.holdings.notices)
    metrics.watch_streams(streams)
    metrics.watch_witnesses(cosigning)
    # Who waits for the log's disk lets the next begin.
    logbook.rest = pool.hand_on

    for room in (logbook, house.holdings, cosigning, house.eyes, watchdog, crew, messenger, courier):
        room.start()

    def finished() -> None:
        for room in (pool, crew, messenger, courier, warming, watchdog, cosigning, house.eyes, house.holdings, logbook):
            room.close()

    running = ExitStack()

    def answers(port: int) -> None:
        # What is open by now stays: no collection of garbage, for which every request waits, need walk it again.
        gc.freeze()
        address = url(settings, port)
        running.enter_context(told_to_commands(settings, address))
        announce(address, [*house.service.gate.council.opening(), *house.audits.opening()])
        warming.start()

    with running:
        listen(app, settings, on, answers, finished)
