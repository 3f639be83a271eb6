"""The composition root: opens the house and what stands before it, in order, and serves it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import ExitStack
from socket import socket

from regard.house import open_house
from regard.jobs.crew import Crew
from regard.jobs.messenger import Messenger
from regard.ledger.witnesses.cosigning import open_cosigning
from regard.operations.common.warming import Warming
from regard.pages.routes import open_pages
from regard.settings import told_to_workers
from regard.stewardship.office import Office
from regard.streams.messages import KINDS
from regard.wire.app import open_application
from regard.wire.exposure import told_to_commands, url
from regard.wire.listen import listen
from regard.wire.live.conversation import Conversations
from regard.wire.metrics import Metrics
from regard.wire.pool import open_pool
from regard.wire.watchdog import Watchdog


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
