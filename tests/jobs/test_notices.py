"""Notices: who waits for a job hears of its end at least once, whatever dies or is away meanwhile; no job waits."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from regard.jobs.desk import DAY, Desk
from regard.jobs.errors import JobFailed
from regard.jobs.job import Asked, Outcome, State
from regard.jobs.notices import SNS, WEBHOOK, Notices
from regard.jobs.sns import TopicRefused, Topics
from regard.jobs.webhooks import Webhook
from regard.jobs.working import Task, Worker, waiting
from tests.helpers.fakes import ORGANIZATION, Clock, open_rooms
from tests.helpers.working import with_jobs

TOPIC = f"arn:aws:sns:us-east-1:{ORGANIZATION}:AmazonRekognitionFilms"
CHANNEL = {"SNSTopicArn": TOPIC, "RoleArn": f"arn:aws:iam::{ORGANIZATION}:role/any"}
VIDEO = {"S3Object": {"Bucket": "films", "Name": "party/one.mp4"}}


@dataclass
class Taker:
    """Stands in for SNS and for the webhook's address: takes what comes, or does not."""

    address: str = "https://example.org/hook"
    broken: BaseException | None = None
    taken: list[tuple[str, ...]] = field(default_factory=list)

    def publish(self, organization: str, topic: str, message: str) -> None:
        self._take(organization, topic, message)

    def post(self, name: str, message: str, at: float) -> None:
        self._take(name, message, str(at))

    def _take(self, *what: str) -> None:
        if self.broken is not None:
            raise self.broken
        self.taken.append(what)


class Office:
    """A desk whose jobs tell of their end, and who is told."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        rooms = with_jobs(open_rooms(folder, self.clock), folder, self.clock)
        assert rooms.jobs is not None
        self.desk: Desk = rooms.jobs
        self.topic, self.hook = Taker(), Taker()
        self.notices = self.opened(webhook=True)
        self.desk.at_end.append(self.notices.owe)

    def opened(self, *, webhook: bool) -> Notices:
        """The same outbox, as another process has it."""
        hook = cast(Webhook, self.hook) if webhook else None
        return Notices(self.desk, cast(Topics, self.topic), hook)

    def started(self, **given: Any) -> str:
        asked = Asked(ORGANIZATION, "AKIA", "testing", "StartLabelDetection", {"Video": VIDEO} | given)
        with self.desk.engine.begin() as connection:
            return self.desk.start(connection, asked)

    def ended(self, *, well: bool = True, **given: Any) -> str:
        """A job that came to its end."""

        def work(_task: Task) -> Outcome:
            if well:
                return Outcome({})
            raise JobFailed("Unsupported codec/format.")

        job = self.started(**given)
        ((_, number),) = waiting(self.desk)
        Worker(self.desk, {"StartLabelDetection": work}, "test-0").run(job, number)
        return job


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def _states(office: Office, job: str) -> list[tuple[str, str, int]]:
    return [(each.kind, each.state, each.tries) for each in office.notices.of(job)]


@pytest.mark.parametrize("well", [True, False])
def test_a_topic_hears_of_the_end_in_awss_words(office: Office, well: bool) -> None:
    office.clock.now = 1_510_865_364.756
    job = office.ended(well=well, NotificationChannel=CHANNEL, JobTag="one")
    assert office.topic.taken == []
    assert office.notices.send_due(SNS) == 1
    ((organization, topic, message),) = office.topic.taken
    assert (organization, topic) == (ORGANIZATION, TOPIC)
    assert json.loads(message) == {
        "JobId": job,
        "Status": "SUCCEEDED" if well else "FAILED",
        "API": "StartLabelDetection",
        "JobTag": "one",
        "Timestamp": 1_510_865_364_756,
        "Video": {"S3ObjectName": "party/one.mp4", "S3Bucket": "films"},
    }
    assert list(json.loads(message)) == ["JobId", "Status", "API", "JobTag", "Timestamp", "Video"]


def test_a_job_without_a_tag_has_none_in_its_message(office: Office) -> None:
    office.ended(NotificationChannel=CHANNEL)
    office.notices.send_due(SNS)
    assert "JobTag" not in json.loads(office.topic.taken[0][2])


def test_a_webhook_hears_of_every_job_and_whose_it_was(office: Office) -> None:
    job = office.ended()
    assert [office.notices.send_due(kind) for kind in (SNS, WEBHOOK)] == [0, 1]
    ((name, message, at),) = office.hook.taken
    told = json.loads(message)
    assert (told["type"], told["timestamp"]) == ("job.ended", "2027-01-15T08:00:00.000Z")
    assert (told["data"]["JobId"], told["data"]["Organization"]) == (job, ORGANIZATION)
    assert name.startswith(f"msg_{job}_")
    assert float(at) == office.clock.now


def test_nobody_is_told_twice_where_all_goes_well(office: Office) -> None:
    job = office.ended(NotificationChannel=CHANNEL)
    for _ in range(3):
        office.notices.send_due(SNS)
        office.notices.send_due(WEBHOOK)
        office.clock.now += 600
    assert (len(office.topic.taken), len(office.hook.taken)) == (1, 1)
    assert _states(office, job) == [(SNS, "SENT", 1), (WEBHOOK, "SENT", 1)]


def test_without_a_channel_or_a_webhook_nobody_is_owed_anything(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.desk.at_end[-1] = office.opened(webhook=False).owe
    assert _states(office, office.ended()) == []


def test_the_end_and_what_is_owed_for_it_are_one_transaction(office: Office) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("killed at the end")

    job = office.started(NotificationChannel=CHANNEL)
    office.desk.at_end.append(fail)
    with pytest.raises(RuntimeError):
        office.desk.cancel(job)
    assert (office.desk.find(job).state, _states(office, job)) == (State.QUEUED, [])
    office.desk.at_end.pop()
    office.desk.cancel(job)
    assert [each[:2] for each in _states(office, job)] == [(SNS, "WAITING"), (WEBHOOK, "WAITING")]


@pytest.mark.parametrize("broken", [OSError("NotFound: the topic is gone"), TopicRefused("not any more"), KeyError()])
def test_a_topic_that_is_gone_fails_no_job_and_is_tried_for_a_day(office: Office, broken: Exception) -> None:
    office.topic.broken = broken
    job = office.ended(NotificationChannel=CHANNEL)
    begun, tried = office.clock.now, list[float]()
    while office.notices.of(job)[0].state == "WAITING":
        assert office.notices.send_due(SNS) == 0
        tried.append(office.clock.now - begun)
        # Not a moment sooner.
        office.clock.now = office.notices.of(job)[0].next_at - 0.1
        office.notices.send_due(SNS)
        assert office.notices.of(job)[0].tries == len(tried)
        office.clock.now += 0.1
    pauses = [after - before for before, after in itertools.pairwise(tried)]
    assert [round(each) for each in pauses[:10]] == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560]
    assert {round(each) for each in pauses[10:]} == {3600}
    assert DAY - 3600 <= tried[-1] <= DAY
    (told, _) = office.notices.of(job)
    assert (told.state, told.to, told.error) == ("GIVEN_UP", TOPIC, str(broken))
    assert office.notices.owed() == 1
    assert office.desk.find(job).state is State.SUCCEEDED


def test_a_topic_that_comes_back_hears_of_it(office: Office) -> None:
    office.topic.broken = OSError("away")
    job = office.ended(NotificationChannel=CHANNEL)
    office.notices.send_due(SNS)
    assert office.notices.owed() == 2
    office.topic.broken = None
    assert office.notices.send_due(SNS) == 0
    office.clock.now += 5
    assert office.notices.send_due(SNS) == 1
    assert _states(office, job)[0] == (SNS, "SENT", 2)
    assert office.notices.owed() == 1


def test_a_webhook_that_is_away_keeps_no_topic_waiting(office: Office) -> None:
    office.hook.broken = OSError("away")
    job = office.ended(NotificationChannel=CHANNEL)
    office.notices.send_due(WEBHOOK)
    assert office.notices.send_due(SNS) == 1
    assert _states(office, job) == [(SNS, "SENT", 1), (WEBHOOK, "WAITING", 1)]


def test_every_try_of_a_webhook_has_the_same_name(office: Office) -> None:
    office.ended()
    office.hook.broken = SystemExit()
    with pytest.raises(SystemExit):
        # Killed after the address had taken it, and before that could be kept.
        office.notices.send_due(WEBHOOK)
    office.hook.broken = None
    names = []
    for _ in range(2):
        office.clock.now += 600
        office.opened(webhook=True).send_due(WEBHOOK)
        names += [taken[0] for taken in office.hook.taken]
        with office.desk.engine.begin() as connection:
            connection.execute(text("UPDATE job_notices SET sent_at = NULL"))
    assert len(names) == 3
    assert len(set(names)) == 1


def test_two_processes_do_not_send_the_same_at_once(office: Office) -> None:
    office.ended(NotificationChannel=CHANNEL)
    other = office.opened(webhook=True)
    publish = office.topic.publish

    def both(organization: str, topic: str, message: str) -> None:
        assert other.send_due(SNS) == 0
        publish(organization, topic, message)

    office.topic.publish = both  # type: ignore[method-assign]
    assert office.notices.send_due(SNS) == 1
    assert len(office.topic.taken) == 1


def test_one_that_was_killed_while_it_sent_leaves_it_to_others(office: Office) -> None:
    job = office.ended(NotificationChannel=CHANNEL)
    office.topic.broken = SystemExit()
    with pytest.raises(SystemExit):
        office.notices.send_due(SNS)
    office.topic.broken = None
    assert office.opened(webhook=True).send_due(SNS) == 0
    office.clock.now += 61
    assert office.opened(webhook=True).send_due(SNS) == 1
    assert _states(office, job)[0] == (SNS, "SENT", 2)


def test_a_job_started_again_by_its_token_tells_nobody_again(office: Office) -> None:
    asked = Asked(ORGANIZATION, "AKIA", "testing", "StartLabelDetection", {"NotificationChannel": CHANNEL}, token="t")
    with office.desk.engine.begin() as connection:
        job = office.desk.start(connection, asked)
    office.desk.cancel(job)
    office.notices.send_due(SNS)
    with office.desk.engine.begin() as connection:
        assert office.desk.start(connection, asked) == job
    office.notices.send_due(SNS)
    assert len(office.topic.taken) == 1


def test_what_is_owed_lies_sealed_and_a_changed_one_is_not_sent(office: Office) -> None:
    job = office.ended(NotificationChannel=CHANNEL)
    with office.desk.engine.begin() as connection:
        sealed = bytes(connection.execute(text("SELECT sealed FROM job_notices")).scalars().all()[0])
        assert b"party" not in sealed
        connection.execute(text("UPDATE job_notices SET sealed = :sealed"), {"sealed": sealed[:-1] + b"\0"})
    assert office.notices.send_due(SNS) == 0
    assert office.topic.taken == []
    with office.desk.engine.begin() as connection:
        told = connection.execute(text("SELECT given_up, error FROM job_notices WHERE job = :job"), {"job": job})
        assert any(row.given_up and "changed" in row.error for row in told)


def test_a_job_of_the_house_has_no_film_in_its_message(office: Office) -> None:
    with office.desk.engine.begin() as connection:
        job = office.desk.start(connection, Asked(ORGANIZATION, "AKIA", "testing", "StartMediaAnalysisJob", {}))
    office.desk.cancel(job)
    office.notices.send_due(WEBHOOK)
    assert "Video" not in json.loads(office.hook.taken[0][1])["data"]
