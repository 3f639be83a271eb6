"""Who is told of the end of a job: owed in the transaction that ends it, and sent until it was taken, or a day is over.

A notice may come twice, where whoever sent it was killed before it could say so; it never fails a job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from regard.database import reading
from regard.jobs import tables
from regard.jobs.desk import Desk
from regard.jobs.errors import JobChanged, NoSuchJob
from regard.jobs.job import Job, Outcome, State
from regard.jobs.outbox import Outbox
from regard.jobs.sns import TopicRefused, Topics
from regard.jobs.webhooks import Webhook

SNS, WEBHOOK = "sns", "webhook"
KINDS = (SNS, WEBHOOK)
_MOST_ERROR = 500
_of = tables.job_notices.c
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told of the end of a job, and how that stands. Times are seconds since 1970.

    `to` is the ARN of a topic, or the address of the webhook. `error` is what the last try ended with.
    """

    kind: str
    to: str
    tries: int
    created_at: float
    next_at: float
    sent_at: float | None
    given_up: bool
    error: str

    @property
    def state(self) -> str:
        """SENT, WAITING (for the next try) or GIVEN_UP."""
        return "SENT" if self.sent_at is not None else "GIVEN_UP" if self.given_up else "WAITING"


class Notices:
    """The outbox. Thread-safe; any number of processes may send from it."""

    def __init__(self, desk: Desk, topics: Topics, webhook: Webhook | None) -> None:
        self._desk, self._topics, self._webhook = desk, topics, webhook
        waiting = _of.sent_at.is_(None) & _of.given_up.is_(False)
        self._outbox = Outbox(desk.engine, tables.job_notices, "jobs/notices", lambda: desk.clock(), waiting)

    def require(self, organization: str, channel: Mapping[str, str]) -> None:
        """Raise TopicRefused unless the topic of a NotificationChannel may be published to for the organization."""
        self._topics.require(organization, channel["SNSTopicArn"])

    def owe(self, connection: Connection, job: Job, _outcome: Outcome) -> None:
        """Keep, within the transaction that ends a job, who is to be told of it."""
        said = message(job)
        if channel := job.given.get("NotificationChannel"):
            self._owe(connection, job, SNS, channel["SNSTopicArn"], said)
        if self._webhook is not None:
            beside = {"type": "job.ended", "timestamp": _iso(job), "data": {**said, "Organization": job.organization}}
            self._owe(connection, job, WEBHOOK, self._webhook.address, beside)

    def of(self, job: str) -> list[Notice]:
        """Who is told of the end of a job, in the order in which they were owed."""
        with reading(self._desk.engine) as connection:
            rows = connection.execute(select(tables.job_notices).where(_of.job == job).order_by(_of.id)).mappings()
            return [self._notice({**row}) for row in rows.all()]

    def owed(self) -> int:
        """How many notices are yet to be taken."""
        return self._outbox.owed()

    def send_due(self, kind: str, over: Callable[[], bool] = lambda: False) -> int:
        """Send what is due of a kind, one after the other, until it is `over`; how many whom they are for took."""
        sent = 0
        while not over() and (row := self._outbox.taken(kind)) is not None:
            sent += self._send(row)
        return sent

    def _owe(self, connection: Connection, job: Job, kind: str, to: str, said: dict[str, Any]) -> None:
        sealed = self._desk.rows.seal(job.id, _what(kind), [job.organization, to, said])
        now = self._desk.clock()
        of = {"job": job.id, "kind": kind, "sealed": sealed, "created_at": now, "next_at": now}
        connection.execute(insert(tables.job_notices).values(of | {"tries": 0, "given_up": False, "error": ""}))

    def _send(self, row: Mapping[str, Any]) -> bool:
        try:
            organization, to, said = self._opened(row)
            self._give(row, organization, to, msgspec.json.encode(said).decode())
        except (NoSuchJob, JobChanged) as error:
            self._failed(row, error, given_up=True)
        except (OSError, TopicRefused) as error:
            self._failed(row, error)
        except Exception as error:
            # Whatever was answered in the place of SNS: the notices behind this one are sent all the same.
            _log.exception("the notice %s of the job %s was not sent", row["id"], row["job"])
            self._failed(row, error)
        else:
            with self._outbox.writing() as connection:
                self._outbox.note(connection, row, sent_at=self._desk.clock(), error="")
            return True
        return False

    def _give(self, row: Mapping[str, Any], organization: str, to: str, said: str) -> None:
        if row["kind"] == SNS:
            self._topics.publish(organization, to, said)
        elif self._webhook is None:
            raise OSError("REGARD_WEBHOOK_URL is not set any more.")
        else:
            self._webhook.post(f"msg_{row['job']}_{row['id']}", said, self._desk.clock())

    def _failed(self, row: Mapping[str, Any], error: Exception, *, given_up: bool = False) -> None:
        again = self._outbox.again(row)
        _log.warning("the notice of the end of the job %s was not taken: %s", row["job"], error)
        told = {"next_at": again.at, "given_up": given_up or again.given_up, "error": str(error)[:_MOST_ERROR]}
        with self._outbox.writing() as connection:
            self._outbox.note(connection, row, **told)

    def _opened(self, row: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
        organization, to, said = self._desk.rows.opened(row["job"], _what(row["kind"]), row["sealed"])
        return organization, to, said

    def _notice(self, row: Mapping[str, Any]) -> Notice:
        plain = {name: row[name] for name in Notice.__dataclass_fields__ if name != "to"}
        return Notice(**plain, to=self._opened(row)[1])


def message(job: Job) -> dict[str, Any]:
    """What SNS is told of a job that ended, in AWS's words: its time is in milliseconds."""
    told = {
        "JobId": job.id,
        "Status": "SUCCEEDED" if job.state is State.SUCCEEDED else "FAILED",
        "API": job.operation,
        "JobTag": job.given.get("JobTag"),
        "Timestamp": int((job.ended_at or 0) * 1000),
        "Video": _video(job.given.get("Video", {}).get("S3Object")),
    }
    return {name: value for name, value in told.items() if value is not None}


def _video(place: Mapping[str, Any] | None) -> dict[str, str] | None:
    return {"S3ObjectName": place["Name"], "S3Bucket": place["Bucket"]} if place else None


def _iso(job: Job) -> str:
    return datetime.fromtimestamp(job.ended_at or 0, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _what(kind: str) -> str:
    return f"notice/{kind}"
