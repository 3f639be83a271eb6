"""What a process loads by and by, and does once at its first calls: imported where processes are forked, it is done for
all of them.

Half a second of a processor goes to the loops of a search, the operations' files and SQL that is compiled. Of those
that are killed after a tenth of one, hardly any would come to the work that it is to be killed in.
"""

from __future__ import annotations

import gc
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import regard.jobs.engine
import regard.server
import regard.vision.models.conversion
from regard.operations.common import registry
from regard.vision.models.runtime import opened_openvino
from tests.helpers.fakes import picture_of
from tests.helpers.logged import open_logged
from tests.helpers.statements import compiled_once


def _warm(folder: Path) -> None:
    """Ask a service everything once that the killed ones are asked, and leave nothing open."""
    logged = open_logged(folder)
    of: dict[str, Any] = {"CollectionId": "c"}
    seen: dict[str, Any] = {"Image": {"Bytes": picture_of(1)}}
    logged.ask("CreateCollection", **of)
    logged.ask("DetectFaces", **seen)
    answer, _ = logged.ask("IndexFaces", **of, **seen)
    faces = [record["Face"]["FaceId"] for record in answer["FaceRecords"]]
    logged.ask("SearchFacesByImage", **of, **seen)
    logged.ask("ListFaces", **of)
    logged.ask("CreateUser", **of, UserId="u")
    logged.ask("AssociateFaces", **of, UserId="u", FaceIds=faces)
    logged.ask("DeleteFaces", **of, FaceIds=faces)
    logged.logbook.close()


assert all((regard.jobs.engine, regard.server, regard.vision.models.conversion))
registry.ours()
opened_openvino()
# For as long as the process is there, and those that are forked from it.
_compiled = ExitStack()
_compiled.enter_context(compiled_once())
with tempfile.TemporaryDirectory() as _folder:
    _warm(Path(_folder))
    # No connection to a database may be open while a process is forked.
    gc.collect()
# What is forked beside a thread that holds a lock, as one that imports does, waits for that lock for ever.
assert threading.active_count() == 1, threading.enumerate()
# It stays: no collection of garbage, of whichever process, need walk it, and copy its pages so.
gc.freeze()
