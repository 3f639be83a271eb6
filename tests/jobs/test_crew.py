"""The crew: workers begin when there is work, begin again when they end, and end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.jobs import crew
from regard.jobs.crew import Crew

PATIENCE = 30.0
# A worker that says in a file that it is there, and reads its standard input to the end.
WAITS = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); os.read(0, 1)"
ENDS = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')"
OWNER = """
import sys, time
from regard.jobs.crew import Crew
Crew(1, lambda: True, {}, sys.argv[1:]).start()
time.sleep(600)
"""


def _command(code: str, file: Path) -> list[str]:
    return [sys.executable, "-c", code, str(file)]


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def _begun(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_begin_with_the_first_job_and_end_with_the_crew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_LOOK_SECONDS", 0.05)
    file, busy = tmp_path / "begun", [False]
    works = Crew(2, lambda: busy[0], {}, _command(WAITS, file))
    works.start()
    time.sleep(0.2)
    assert not _begun(file)
    busy[0] = True
    _until(lambda: len(_begun(file)) == 2)
    works.close()
    assert not any(_runs(each) for each in _begun(file))


def test_a_worker_that_ends_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(crew, "_LEAST_PAUSE", 0.05)
    file = tmp_path / "begun"
    works = Crew(1, lambda: True, {}, _command(ENDS, file))
    works.start()
    _until(lambda: len(_begun(file)) >= 3)
    works.close()


def test_one_that_ran_well_and_was_killed_is_followed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_LEAST_PAUSE", 600.0)
    monkeypatch.setattr(crew, "_STEADY_SECONDS", 0.0)
    file = tmp_path / "begun"
    works = Crew(1, lambda: True, {}, _command(WAITS, file))
    works.start()
    _until(lambda: len(_begun(file)) == 1)
    os.kill(_begun(file)[0], signal.SIGKILL)
    _until(lambda: len(_begun(file)) == 2)
    works.close()


def test_a_worker_that_ends_for_lack_of_work_is_followed_by_another_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(crew, "_LEAST_PAUSE", 0.05)
    file, busy = tmp_path / "begun", [True]
    works = Crew(1, lambda: busy[0], {}, _command(ENDS, file))
    works.start()
    _until(lambda: len(_begun(file)) >= 1)
    busy[0] = False
    time.sleep(0.3)
    quiet = len(_begun(file))
    time.sleep(0.3)
    assert len(_begun(file)) == quiet
    busy[0] = True
    _until(lambda: len(_begun(file)) > quiet)
    works.close()


def test_no_worker_is_started_where_none_is_wanted(tmp_path: Path) -> None:
    works = Crew(0, lambda: True, {}, _command(WAITS, tmp_path / "begun"))
    works.start()
    works.close()
    assert not (tmp_path / "begun").exists()


def test_workers_end_when_who_started_them_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "begun"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, *_command(WAITS, file)])
    try:
        _until(lambda: len(_begun(file)) == 1)
    finally:
        owner.kill()
        owner.wait()
    _until(lambda: not _runs(_begun(file)[0]))
