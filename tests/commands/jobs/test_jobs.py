"""`regard jobs`, as an operator types it."""

from __future__ import annotations

import json

import pytest

from regard.jobs.desk import Desk
from regard.jobs.errors import JobFailed
from regard.jobs.job import Asked, Outcome, State
from regard.jobs.working import Task, Worker
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import Office
from tests.helpers.commands import run


@pytest.fixture
def desk(office: Office) -> Desk:
    return open_holdings(office).jobs


def start(desk: Desk, office: Office, **given: str) -> str:
    operator = office.organizations.operator().id
    with desk.engine.begin() as connection:
        return desk.start(connection, Asked(operator, "AKIA", "development", "StartTextDetection", dict(given)))


def _refusing(_task: Task) -> Outcome:
    raise JobFailed("Unsupported codec/format. The file is empty.")


def test_jobs_are_listed_the_newest_first(desk: Desk, office: Office) -> None:
    jobs = [start(desk, office), start(desk, office, JobTag="street")]
    Worker(desk, {"StartTextDetection": _refusing}, "one").run(jobs[0])
    shown = run("jobs", "list")
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == [job[:12] for job in reversed(jobs)]
    told = json.loads(run("jobs", "list", "--json").stdout)
    assert [(each["job"], each["state"], each.get("tag")) for each in told] == [
        (jobs[1], "queued", "street"),
        (jobs[0], "failed", None),
    ]


def test_a_job_is_shown_with_why_it_failed_by_the_beginning_of_its_id(desk: Desk, office: Office) -> None:
    job = start(desk, office)
    Worker(desk, {"StartTextDetection": _refusing}, "one").run(job)
    for watching in ((), ("--watch",)):
        shown = run("jobs", "show", job[:10], *watching)
        assert shown.exit_code == 0, shown.output
        assert "Unsupported codec/format. The file is empty." in shown.stdout
    assert "no jobs begin with x" in str(run("jobs", "show", "x").exception)


def test_a_job_is_cancelled_once_and_tried_again(desk: Desk, office: Office) -> None:
    job = start(desk, office)
    assert run("jobs", "retry", job).exit_code == 1
    assert run("jobs", "cancel", job).exit_code == 0
    assert desk.find(job).state is State.FAILED
    assert run("jobs", "cancel", job).exit_code == 1
    assert run("jobs", "retry", job).exit_code == 0
    assert desk.find(job).state is State.QUEUED
