"""What the public log says of the model files: which digests a process runs, said again where they are others."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import Engine

from regard.database import RECORDS, writing
from regard.stewardship.logbook.logbook import Logbook, NotLogged
from regard.stewardship.records import records

MODELS = "regard/models"  # a kind of record


def tell_models(engine: Engine, logbook: Logbook, digests: Mapping[str, str]) -> None:
    """Have the log say the SHA-256 of each model file by name, when it is another than was said last.

    `digests` are those that this process loads: a file of other bytes it refuses. What cannot be logged now follows
    before the process answers calls again.
    """
    with suppress(LookupError):
        if records.last(engine, MODELS).body["weights"] == digests:
            return
    with writing(engine, RECORDS) as connection:
        record = records.append(connection, MODELS, time.time(), {"weights": dict(digests)})
    with suppress(NotLogged):
        logbook.take_over(record)
