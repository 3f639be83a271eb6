"""The desk: what is kept of a job is sealed, noticed when it is edited, and goes with whoever is erased."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from regard.database import reading
from regard.jobs import tables
from regard.jobs.desk import Desk
from regard.jobs.errors import JobChanged, JobFailed, NoSuchJob, Superseded
from regard.jobs.job import Asked, Job, Outcome, Part, State, Step
from regard.jobs.working import MOST_TRIES, Task, Work, Worker, give_up_on_the_silent, waiting
from regard.operations.common.rooms import Rooms
from tests.helpers.fakes import ORGANIZATION, Client, Clock, open_rooms
from tests.helpers.working import with_jobs

SECRET = "the-name-of-a-film"
ALICE, BOB = "external/alice", "external/bob"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock) -> Rooms:
    rooms = with_jobs(open_rooms(tmp_path, clock), tmp_path, clock)
    client = Client(rooms)
    client("CreateCollection", CollectionId="friends")
    client.index("friends", 1, ExternalImageId="alice")
    return rooms


@pytest.fixture
def desk(rooms: Rooms) -> Desk:
    assert rooms.jobs is not None
    return rooms.jobs


def start(desk: Desk, operation: str = "StartWork") -> str:
    asked = Asked(ORGANIZATION, "AKIA", "testing", operation, {"Video": SECRET, "JobTag": "t"}, {"beside": 1})
    with desk.engine.begin() as connection:
        return desk.start(connection, asked)


def run(desk: Desk, job: str, work: Work, holder: str = "one") -> None:
    Worker(desk, {"StartWork": work}, holder).run(job, desk.find(job).round)


def three(task: Task) -> Outcome:
    """Three steps, each with a part about nobody and one about somebody."""
    for number in range(3):
        task.step(partial(of_both, number))
    return Outcome({"told": 1}, {"frames": 30})


def of_both(number: int) -> Step:
    return Step((Part(f"{number}-of-all".encode(), 1), Part(f"{number}-of-her".encode(), 1, ALICE)), 10, 30)


def told(desk: Desk, job: str, after: int = 0) -> list[bytes]:
    return [data for _, _, data in desk.found(desk.find(job), after)]


def test_a_job_that_was_worked_on_says_so(desk: Desk, clock: Clock) -> None:
    job = start(desk)
    assert (desk.find(job).state, desk.find(job).given["Video"]) == (State.QUEUED, SECRET)
    run(desk, job, three)
    found = desk.find(job)
    assert (found.state, found.steps, found.done, found.whole) == (State.SUCCEEDED, 3, 30, 30)
    assert (found.end, found.ended_at) == ({"told": 1}, clock.now)
    assert told(desk, job) == [b"0-of-all", b"0-of-her", b"1-of-all", b"1-of-her", b"2-of-all", b"2-of-her"]


def test_neither_what_is_asked_nor_what_is_found_is_in_the_files_in_clear(desk: Desk, tmp_path: Path) -> None:
    run(desk, start(desk), three)
    with reading(desk.engine) as connection:
        rows = [repr(row) for table in (tables.jobs, tables.job_parts) for row in connection.execute(select(table))]
    assert len(rows) == 7
    assert not any(word in row for row in rows for word in (SECRET, "of-all", "of-her", "alice"))


def test_steps_that_are_done_are_not_done_again(desk: Desk) -> None:
    done: list[int] = []

    def step(number: int) -> Step:
        done.append(number)
        return Step((Part(b"%d" % number, 1),), 1)

    def stopping(task: Task) -> Outcome:
        for number in range(4):
            if number == 2 and len(done) == 2:
                raise KeyboardInterrupt
            task.step(partial(step, number))
        return Outcome({})

    job = start(desk)
    with pytest.raises(KeyboardInterrupt):
        run(desk, job, stopping)
    assert desk.find(job).steps == 2
    done.append(-1)
    run(desk, job, stopping)
    assert done == [0, 1, -1, 2, 3]
    assert told(desk, job) == [b"0", b"1", b"2", b"3"]


def test_who_was_taken_for_dead_writes_no_more(desk: Desk, clock: Clock) -> None:
    job = start(desk)

    def sleeping(task: Task) -> Outcome:
        clock.now += 60
        assert give_up_on_the_silent(desk) == [job]
        run(desk, job, three, "two")
        with pytest.raises(Superseded):
            task.step(lambda: Step((Part(b"late", 1),), 10))
        raise Superseded

    run(desk, job, sleeping)
    assert told(desk, job) == told(desk, job, 0)
    assert b"late" not in told(desk, job)
    assert desk.find(job).state is State.SUCCEEDED


def test_a_job_that_ends_its_workers_is_given_up(desk: Desk, clock: Clock) -> None:
    job = start(desk)

    def fatal(_task: Task) -> Outcome:
        raise KeyboardInterrupt

    for _ in range(MOST_TRIES):
        with pytest.raises(KeyboardInterrupt):
            run(desk, job, fatal)
    run(desk, job, fatal)
    assert desk.find(job).state is State.FAILED
    assert "workers ended while they worked on it" in desk.find(job).cause


def test_what_goes_wrong_is_told_to_the_operator_and_what_the_work_says_to_who_asked(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_task: Task) -> Outcome:
        raise ZeroDivisionError("words of a film")

    def refusing(_task: Task) -> Outcome:
        raise JobFailed("The film is of the wrong kind.")

    first, second, third = start(desk), start(desk), start(desk, "StartOther")
    run(desk, first, broken)
    run(desk, second, refusing)
    run(desk, third, broken)
    assert desk.find(first).cause == "An error of the service; its log says more."
    assert "words of a film" in caplog.text
    assert desk.find(second).cause == "The film is of the wrong kind."
    assert desk.find(third).cause == "This service does not know StartOther."


def test_a_job_that_is_cancelled_stops_before_its_next_step_and_can_be_tried_again(desk: Desk) -> None:
    job = start(desk)

    def cancelled(task: Task) -> Outcome:
        if desk.find(job).steps:
            return three(task)
        task.step(lambda: Step((Part(b"0-of-all", 1), Part(b"0-of-her", 1, ALICE)), 10, 30))
        assert desk.cancel(job)
        task.step(lambda: Step((Part(b"never", 1),), 10))
        raise AssertionError("it went on")

    run(desk, job, cancelled)
    assert (desk.find(job).state, desk.find(job).cause) == (State.FAILED, "Cancelled by the operator.")
    assert not desk.cancel(job)
    assert desk.retry(job)
    assert not desk.retry(job)
    assert waiting(desk) == [(job, 2)]
    run(desk, job, cancelled)
    assert desk.find(job).state is State.SUCCEEDED
    assert told(desk, job)[:2] == [b"0-of-all", b"0-of-her"]


def test_a_round_that_is_over_is_not_worked_on(desk: Desk) -> None:
    job = start(desk)
    desk.cancel(job)
    desk.retry(job)
    Worker(desk, {"StartWork": three}, "one").run(job, 1)
    assert desk.find(job).state is State.QUEUED


def test_what_is_about_somebody_goes_with_them(desk: Desk, rooms: Rooms) -> None:
    job = start(desk)
    run(desk, job, three)
    assert desk.forget(ORGANIZATION, BOB) == 0
    rooms.gallery.destroy_person_key(ORGANIZATION, ALICE)
    # From here on nobody reads it, also before its rows are gone.
    assert told(desk, job) == [b"0-of-all", b"1-of-all", b"2-of-all"]
    assert desk.forget(ORGANIZATION, ALICE) == 3
    assert told(desk, job) == [b"0-of-all", b"1-of-all", b"2-of-all"]


def test_whoever_was_erased_while_a_step_was_done_is_not_in_what_it_found(desk: Desk, rooms: Rooms) -> None:
    def erased_meanwhile(task: Task) -> Outcome:
        task.step(partial(of_both, 0))
        with rooms.gallery.writing() as connection:
            rooms.gallery.subjects.erase(connection, ORGANIZATION, ALICE, desk.clock())
        desk.forget(ORGANIZATION, ALICE)
        rooms.gallery.destroy_person_key(ORGANIZATION, ALICE)
        task.step(partial(of_both, 1))
        return Outcome({})

    job = start(desk)
    run(desk, job, erased_meanwhile)
    assert told(desk, job) == [b"0-of-all", b"1-of-all"]
    assert rooms.gallery.house_key(rooms.gallery.person_key_name(ORGANIZATION, ALICE)) is None


@pytest.mark.parametrize(
    "column", [each.name for each in tables.jobs.columns if each.name not in ("id", "organization", "expires_at")]
)
def test_an_edit_of_a_job_is_noticed(desk: Desk, column: str) -> None:
    job = start(desk)
    run(desk, job, three)
    with desk.engine.begin() as connection:
        value = {"operation": "StartOther", "state": "failed", "access_key": "X", "purpose": "other"}.get(column)
        kind = tables.jobs.c[column].type.python_type
        edited = value or (b"x" if kind is bytes else 77)
        connection.execute(update(tables.jobs).values({column: edited}))
    with pytest.raises(JobChanged):
        desk.find(job)


@pytest.mark.parametrize("edit", ["changed", "moved", "gone"])
def test_an_edit_of_what_was_found_is_noticed(desk: Desk, edit: str) -> None:
    job = start(desk)
    run(desk, job, three)
    of = tables.job_parts.c
    with desk.engine.begin() as connection:
        if edit == "changed":
            connection.execute(update(tables.job_parts).where(of.step == 1).values(sealed=b"x" * 40))
        elif edit == "moved":
            other = connection.execute(select(of.sealed).where(of.step == 2, of.place == 0)).scalar_one()
            connection.execute(update(tables.job_parts).where(of.step == 1, of.place == 0).values(sealed=other))
        else:
            connection.execute(delete(tables.job_parts).where(of.step == 1))
    with pytest.raises(JobChanged):
        told(desk, job)


def test_the_queue_tells_how_long_it_is(desk: Desk, clock: Clock) -> None:
    assert not desk.busy()
    first = start(desk)
    clock.now += 5
    start(desk)

    def half(task: Task) -> Outcome:
        task.step(lambda: Step((Part(b"", 0),), 10))
        clock.now += 4
        queue = desk.queue()
        assert (queue.waiting, queue.running, queue.oldest, queue.rate) == (1, 1, 4.0, 2.5)
        return Outcome({})

    assert desk.queue().oldest == 5.0
    assert desk.busy()
    run(desk, first, half)
    assert desk.queue().running == 0


def test_keys_go_before_rows_and_a_job_without_its_key_is_gone(desk: Desk, rooms: Rooms) -> None:
    job = start(desk)
    rooms.gallery.destroy_house_keys([f"job/{job}"])
    with pytest.raises(NoSuchJob):
        desk.find(job)
    assert desk.all() == []


def test_the_end_of_a_job_is_one_transaction(desk: Desk) -> None:
    def refuses(_connection: object, _job: Job, _outcome: Outcome) -> None:
        raise KeyboardInterrupt

    job = start(desk)
    desk.at_end.append(refuses)
    with pytest.raises(KeyboardInterrupt):
        run(desk, job, three)
    assert desk.find(job).state is State.RUNNING
    desk.at_end.clear()
    run(desk, job, three)
    assert desk.find(job).state is State.SUCCEEDED
    with reading(desk.engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM job_leases")).scalar() == 0
