"""The messenger: as long as a worker lives, what is owed is sent."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy.exc import OperationalError

from regard.jobs.messenger import Messenger
from regard.jobs.notices import SNS
from tests.jobs.test_notices import CHANNEL, Office


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

    def away(kind: str) -> int:
        asked.append(kind)
        if asked.count(SNS) > 1:
            twice.set()
        raise OperationalError("SELECT", {}, Exception("gone"))

    office.notices.send_due = away  # type: ignore[method-assign]
    messenger = Messenger(office.notices, 0.01)
    messenger.start()
    assert twice.wait(10)
    messenger.close()
