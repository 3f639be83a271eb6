"""The engine gets ids and numbers alone, says nothing, and runs nothing that somebody wrote into its tables."""

from __future__ import annotations

import base64
import pickle
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.films import film_of, numbered

WORK = """
import sys, threading, time
from pathlib import Path
from tests.jobs.test_killed import desk_of, rooms_at, start
from tests.helpers.working import worker
from regard.database import sqlite_url
from regard.jobs import engine

folder = Path(sys.argv[1])
rooms = rooms_at((folder, sqlite_url(folder / "regard.db"), None))
job = start(rooms)
running = engine.Engine(desk_of(rooms), worker(rooms, "one"), sqlite_url(folder / "jobs.db"), "one")
running.start()
until = time.monotonic() + 60
while desk_of(rooms).find(job).state.open and time.monotonic() < until:
    running.sweep()
    time.sleep(0.1)
assert desk_of(rooms).find(job).state == "succeeded", desk_of(rooms).find(job)
"""
PLANTED = "planted"


class Planted:
    """What writes a file as it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({PLANTED!r}, 'w')",)


def _worked(folder: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "/usr/bin:/bin"}
    words = [sys.executable, "-c", WORK, str(folder)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment, cwd=folder, check=True)


@pytest.mark.long
@pytest.mark.slow("works on two jobs, each in a process of its own")
def test_the_engine_says_nothing_keeps_no_words_and_reads_no_pickles(tmp_path: Path) -> None:
    film_of(tmp_path / "film.mp4", numbered(50, (48, 64)))
    done = _worked(tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("jobs.db*"))
    assert b"film.mp4" not in kept
    assert b"pickle" not in kept
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("jobs.db*")} == {0o600}
    planted = base64.b64encode(pickle.dumps(Planted())).decode()
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.execute("UPDATE workflow_status SET serialization = 'py_pickle', status = 'PENDING'")
        changed = connection.execute("UPDATE workflow_input SET inputs = ?", (planted,)).rowcount
        connection.commit()
    assert changed
    _worked(tmp_path)
    assert not (tmp_path / PLANTED).exists()
