"""What processors tell: frames to S3, messages to SNS and to the webhook, records to Kinesis.

Owed in the transaction in which it is found, and sent until it was taken, or a day is over. A message may come twice,
where whoever sent it was killed before it could say so; none is lost. What was taken is deleted.

What a live search found is about people: so much of it waits at most, and none once what allowed the search is over.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, select, true

from regard.database import writing
from regard.gallery.gallery import Gallery
from regard.jobs.outbox import Outbox
from regard.jobs.sns import Topics
from regard.jobs.webhooks import Webhook
from regard.sealing import SealBroken, SealingKey
from regard.stores.buckets import Buckets
from regard.stores.errors import ObjectUnavailable
from regard.streams import drops, tables
from regard.streams.kinesis import DataStreams
from regard.traces import owe

FRAME, SNS, WEBHOOK, KINESIS = "frame", "sns", "webhook", "kinesis"
KINDS = (FRAME, SNS, WEBHOOK, KINESIS)
SUBJECT = "Rekognition Stream Processing Event"
# Of what one live search found so much waits at most for whoever does not take it: the oldest goes then. For Kinesis,
# five frames a second with two people on each, for five minutes. The webhook is told of the same.
MOST_FOUND: Mapping[str, int] = {KINESIS: 3000, WEBHOOK: 1000}
_MOST_ERROR = 500
_of = tables.stream_messages.c
_log = logging.getLogger(__name__)


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """A picture for a bucket; or what else is put there, of another `media` type."""

    bucket: str
    name: str
    data: bytes
    kms: str = ""
    media: str = "image/jpeg"


class Message(msgspec.Struct, frozen=True, array_like=True):
    """Words for a topic, or for the webhook."""

    to: str
    words: str


class Records(msgspec.Struct, frozen=True, array_like=True):
    """Records for a data stream, all with one key."""

    to: str
    key: str
    records: list[bytes]


_TYPES: Mapping[str, type[Any]] = {FRAME: Frame, SNS: Message, WEBHOOK: Message, KINESIS: Records}


class Messages:
    """The outbox of stream processors. Thread-safe; any number of processes may send from it."""

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        key: SealingKey,
        clock: Callable[[], float],
        sinks: tuple[Buckets, Topics, Webhook | None, DataStreams],
    ) -> None:
        """`key` is the root key, under which messages are sealed. `sinks` are where they go."""
        self._engine, self._gallery, self._clock = engine, gallery, clock
        self._key = SealingKey(key.derived("streams/messages"))
        self._naming = key.derived("streams/searches")
        # The processors that may search now, by their ARNs, and of each what allows it; None where nobody knows.
        self.searches: Callable[[], Mapping[str, str]] | None = None
        self.buckets, self.topics, self.webhook, self.streams = sinks
        self._outbox = Outbox(engine, tables.stream_messages, "streams/messages", clock, true())

    def owe(
        self,
        connection: Connection,
        organization: str,
        what: Frame | Message | Records,
        kind: str,
        *,
        after: str = "",
        whose: str = "",
        search: str = "",
    ) -> str:
        """Keep what is to be sent, within the transaction of what it tells; its name.

        It waits for the message `after`. `whose` is the subject whom it is about: after their erasure it is not sent.
        `search` is the ARN of the processor whose search of faces found it.
        """
        name, person = str(uuid4()), self._gallery.person_key_name(organization, whose) if whose else ""
        mark = self._mark(search, self._allowing().get(search, "")) if search else None
        data, context = msgspec.msgpack.encode(what), _context(name, organization, kind, mark)
        if person:
            own = self._gallery.house_key(person, make=True)
            assert own is not None
            data = own.seal(data, context)
        now = self._clock()
        row = {"name": name, "organization": organization, "kind": kind, "after": after, "whose": person, "tries": 0}
        row |= {"sealed": self._key.seal(data, context), "created_at": now, "next_at": now, "error": "", "search": mark}
        connection.execute(insert(tables.stream_messages).values(row))
        if mark is not None:
            self._make_room(connection, mark, kind)
        return name

    def owed(self, organization: str | None = None, kind: str | None = None) -> int:
        """How many messages nobody took yet; of one organization or of one kind, where they are named."""
        wanted = [(_of.organization, organization), (_of.kind, kind)]
        return self._outbox.owed(and_(true(), *(column == value for column, value in wanted if value is not None)))

    def send_due(self, kind: str, over: Callable[[], bool] = lambda: False) -> int:
        """Send what is due of a kind, one after the other, until it is `over`; how many were taken."""
        sent, other = 0, tables.stream_messages.alias()
        ready = (_of.after == "") | ~select(other.c.id).where(other.c.name == _of.after).exists()
        while not over() and (row := self._outbox.taken(kind, ready)) is not None:
            sent += self._send(row)
        return sent

    def forget(self, organization: str, whose: str) -> None:
        """Delete what was to be told of a subject."""
        self._delete(_of.whose == self._gallery.person_key_name(organization, whose))

    def expire(self) -> int:
        """Delete what searches found that nothing allows any more; how much."""
        if self.searches is None:
            return 0
        over = _of.search.is_not(None) & _of.search.not_in(self._marks())
        return sum(self._drop(kind, over & (_of.kind == kind)) for kind in KINDS)

    def dropped(self) -> int:
        """How many messages were given up: too many, not taken for a day, or of a search that is not allowed now."""
        return drops.dropped(self._engine)

    def _make_room(self, connection: Connection, mark: bytes, kind: str) -> None:
        of = (_of.search == mark) & (_of.kind == kind)
        count = connection.execute(select(func.count()).select_from(tables.stream_messages).where(of)).scalar_one()
        if (more := count - MOST_FOUND[kind]) > 0:
            oldest = select(_of.id).where(of).order_by(_of.id).limit(more)
            connection.execute(delete(tables.stream_messages).where(_of.id.in_(oldest)))
            drops.note(connection, kind, more)
            owe(connection)

    def _allowing(self) -> Mapping[str, str]:
        return {} if self.searches is None else self.searches()

    def _marks(self) -> list[bytes]:
        return [self._mark(*each) for each in self._allowing().items()]

    def _mark(self, search: str, by: str) -> bytes:
        return hmac.digest(self._naming, f"{search}\n{by}".encode(), hashlib.sha256)

    def _may(self, row: Mapping[str, Any]) -> bool:
        return row["search"] is None or self.searches is None or row["search"] in self._marks()

    def _send(self, row: Mapping[str, Any]) -> bool:
        if not self._may(row):
            self._drop(row["kind"], _of.id == row["id"])
            return False
        try:
            what = self._opened(row)
            if what is not None:
                self._give(row, what)
        except SealBroken:
            _log.error("a message of a stream processor was changed in the database, and is not sent")
        except Exception as error:
            # Whatever was answered in the place of S3, SNS or Kinesis: what is behind this one is sent all the same.
            if not isinstance(error, OSError | ObjectUnavailable):
                _log.exception("a message of a stream processor was not sent")
            return self._failed(row, error)
        self._delete(_of.id == row["id"])
        return True

    def _give(self, row: Mapping[str, Any], what: Frame | Message | Records) -> None:
        organization = row["organization"]
        if isinstance(what, Frame):
            self.buckets.write(organization, what.bucket, what.name, what.data, what.media, what.kms)
        elif isinstance(what, Records):
            self.streams.put(organization, what.to, what.key, what.records)
        elif row["kind"] == SNS:
            self.topics.publish(organization, what.to, what.words, SUBJECT)
        elif self.webhook is None:
            raise OSError("REGARD_WEBHOOK_URL is not set any more.")
        else:
            self.webhook.post(f"msg_{row['name']}", what.words, self._clock())

    def _failed(self, row: Mapping[str, Any], error: Exception) -> bool:
        again = self._outbox.again(row)
        _log.warning("what a stream processor tells (%s) was not taken: %s", row["kind"], error)
        if again.given_up:
            self._drop(row["kind"], _of.id == row["id"])
            return False
        with self._outbox.writing() as connection:
            self._outbox.note(connection, row, next_at=again.at, error=str(error)[:_MOST_ERROR])
        return False

    def _opened(self, row: Mapping[str, Any]) -> Frame | Message | Records | None:
        """What a row holds; None where the person whom it is about was erased. Raises SealBroken."""
        context = _context(row["name"], row["organization"], row["kind"], row["search"])
        data = self._key.open(row["sealed"], context)
        if row["whose"]:
            own = self._gallery.house_key(row["whose"])
            try:
                if own is None:
                    return None
                data = own.open(data, context)
            except SealBroken:
                # They were erased, and came back since: under another key.
                return None
        what: Frame | Message | Records = msgspec.msgpack.decode(data, type=_TYPES[row["kind"]])
        return what

    def _delete(self, which: ColumnElement[bool]) -> None:
        with writing(self._engine, "streams/messages") as connection:
            if connection.execute(delete(tables.stream_messages).where(which)).rowcount:
                owe(connection)

    def _drop(self, kind: str, which: ColumnElement[bool]) -> int:
        """Delete messages of a kind that nobody took, and count them."""
        with writing(self._engine, "streams/messages") as connection:
            gone = connection.execute(delete(tables.stream_messages).where(which)).rowcount
            if gone:
                drops.note(connection, kind, gone)
                owe(connection)
        return gone


def _context(name: str, organization: str, kind: str, search: bytes | None) -> bytes:
    return f"stream/message/{name}/{organization}/{kind}".encode() + (b"" if search is None else b"/" + search)


def words_of(told: Mapping[str, Any]) -> str:
    """JSON of what is told."""
    return msgspec.json.encode(told).decode()


def records_of(told: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """JSON of each record."""
    return [msgspec.json.encode(each) for each in told]
