"""`regard work`: a worker on jobs."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from regard.commands.common.output import say
from regard.settings import from_environment

# A still picture that somebody waits for comes before films that nobody watches being looked at.
_NICE = 10
# A service starts its workers when there is work: one that has none takes memory for nothing.
_IDLE_SECONDS = 300.0


def work(
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept [REGARD_DATA_DIR].")] = None,
    while_open: Annotated[
        bool, typer.Option("--while-open", help="End when standard input ends: so a service ends its workers.")
    ] = False,
) -> None:
    """Work on jobs, one at a time, until told to stop. `regard serve` starts such workers itself."""
    from regard import house
    from regard.stewardship.office import open_office

    os.nice(_NICE)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    if while_open:
        threading.Thread(target=_watch_input, args=(stop,), name="input", daemon=True).start()
    office = open_office(from_environment(data_dir=data_dir))
    if not while_open:
        say("A worker waits for jobs. Ctrl-C ends it; what it is at is gone on with later.")
    house.work(office, stop, _IDLE_SECONDS if while_open else math.inf)
    office.logbook.close()
    # The step that is being done is not waited for: it is done again.
    sys.stdout.flush()
    os._exit(0)


def _watch_input(stop: threading.Event) -> None:
    # Nothing is ever written there.
    while os.read(0, 1):
        pass
    stop.set()
    # Whoever started this is gone: what still holds on after a moment is left as a kill would leave it.
    threading.Event().wait(5)
    os._exit(0)
