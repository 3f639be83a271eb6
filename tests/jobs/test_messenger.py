"""The messenger: as long as a worker lives, what is owed is sent."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError

import regard.jobs.outbox as outbox_room
from regard.jobs.desk import Desk
from regard.jobs.job import Asked
from regard.jobs.messenger import Messenger
from regard.jobs.notices import SNS, Notices
from regard.jobs.sns import Topics
from regard.jobs.webhooks import Webhook
from regard.settings import Settings
from tests.helpers.fakes import ORGANIZATION, Clock, open_rooms
from tests.helpers.hooks import SECRET, taking
from tests.helpers.killed import started
from tests.helpers.working import with_jobs
from tests.jobs.test_notices import CHANNEL, Office

KILLS = 100


def test_what_is_owed_is_sent_while_it_runs_and_not_after(tmp_path: Path) -> None:
    office, heard = Office(tmp_path), threading.Event()
    publish = office.topic.publish

    def take(organization: str, topic: str, message: str) -> None:
        publish(organization, topic, message)
        heard.set()

    office.topic.publish = take  # type: ignore[method-assign]
    messenger = Messenger(office.notices, 0.01)
    messenger.start()
    office.ended(NotificationChannel=CHANNEL)
    assert heard.wait(10)
    messenger.close()
    office.ended(NotificationChannel=CHANNEL)
    assert len(office.topic.taken) == 1


def test_a_database_that_is_away_for_a_while_ends_nothing(tmp_path: Path) -> None:
    office, twice = Office(tmp_path), threading.Event()
    asked: list[str] = []

    def away(kind: str, over: Callable[[], bool] = bool) -> int:
        asked.append(kind)
        if asked.count(SNS) > 1:
            twice.set()
        raise OperationalError("SELECT", {}, Exception("gone"))

    office.notices.send_due = away  # type: ignore[method-assign]
    messenger = Messenger(office.notices, 0.01)
    messenger.start()
    assert twice.wait(10)
    messenger.close()


def _send_until_killed(folder: Path, address: str, report: Connection) -> None:
    """Send from the outbox in `folder` to a webhook, as a service does."""
    outbox_room._TAKEN_SECONDS = 0.5
    rooms = with_jobs(open_rooms(folder), folder, cast(Clock, time.time))
    assert rooms.jobs is not None
    Messenger(Notices(rooms.jobs, Topics(Settings()), Webhook(address, SECRET)), 0.01).start()
    report.send("sends")
    threading.Event().wait()


@pytest.mark.slow("each kill takes a process")
def test_every_end_is_heard_of_however_often_the_sender_is_killed(tmp_path: Path, scale: float) -> None:
    rooms, chance = with_jobs(open_rooms(tmp_path), tmp_path, cast(Clock, time.time)), random.Random(1)
    desk = rooms.jobs
    assert desk is not None
    with taking() as (address, came):
        desk.at_end.append(Notices(desk, Topics(Settings()), Webhook(address, SECRET)).owe)
        jobs = []
        for _ in range(round(KILLS * scale)):
            process, ours = started(_send_until_killed, tmp_path, address)
            assert ours.poll(60)
            for _ in range(3):
                jobs.append(_ended(desk))
                time.sleep(chance.uniform(0, 0.03))
            process.kill()
            process.join()
            ours.close()
        process, ours = started(_send_until_killed, tmp_path, address)
        until = time.monotonic() + 60
        while {each.headers["webhook-id"].split("_")[1] for each in came} != set(jobs):
            assert time.monotonic() < until, "not all of it is sent"
            time.sleep(0.05)
        process.kill()
        process.join()
        ours.close()
    # One that was killed between the sending and the keeping of it is sent again, under the same name.
    assert len({each.headers["webhook-id"] for each in came}) == len(jobs) <= len(came)


def _ended(desk: Desk) -> str:
    asked = Asked(ORGANIZATION, "AKIA", "testing", "StartLabelDetection", {})
    with desk.engine.begin() as connection:
        job = desk.start(connection, asked)
    desk.cancel(job)
    return job
