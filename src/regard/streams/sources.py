"""Where the pictures of a stream come from: ARNs of Kinesis video streams, each with a source that the operator set.

AWS's arguments name streams of Kinesis, which nobody has at home. What they have is set beside the ARN once, with its
password, sealed; callers of the API never name an address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Engine, delete, insert, select

from regard.database import reading, writing
from regard.sealing import SealBroken, SealingKey
from regard.streams import tables
from regard.streams.cameras.places import Place, camera_of, is_address, place_of
from regard.streams.errors import NoSource, ProcessorChanged
from regard.traces import owe

_of = tables.stream_sources.c
# botocore's model, with the account to be read.
_ARN = re.compile(r"arn:[a-z\d-]+:kinesisvideo:[a-z\d-]+:(?P<organization>\d{12}):.+")


class Source(NamedTuple):
    """A stream by its ARN, its place as the operator wrote it, and since when."""

    arn: str
    text: str
    created_at: float

    @property
    def place(self) -> Place:
        """Where it is. Raises ValueError for a file that is gone."""
        return place_of(self.text)


class Sources:
    """The sources. Thread-safe. `key` is the root key."""

    def __init__(self, engine: Engine, key: SealingKey, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._key = SealingKey(key.derived("streams/sources"))
        self._naming = key.derived("streams/arns")
        self._cameras = key.derived("streams/cameras")
        self._clock = clock

    def put(self, arn: str, text: str) -> None:
        """Set the source of a stream, in place of the one it had. Raises ValueError for what is no ARN or no source."""
        place_of(text)
        digest, now = self._digest(arn), self._clock()
        sealed = self._key.seal(msgspec.json.encode([arn, text, now]), b"stream/source/" + digest)
        row = {"arn": digest, "organization": account_of(arn), "sealed": sealed, "created_at": now}
        with writing(self._engine, "streams/sources") as connection:
            if connection.execute(delete(tables.stream_sources).where(_of.arn == digest)).rowcount:
                owe(connection)
            connection.execute(insert(tables.stream_sources).values(row))

    def get(self, arn: str) -> Source:
        """The source of a stream. Raises NoSource, ProcessorChanged."""
        with reading(self._engine) as connection:
            row = connection.execute(select(tables.stream_sources).where(_of.arn == self._digest(arn))).one_or_none()
        if row is None:
            raise NoSource(f"No source is set for {arn}. The operator sets one: regard streams source {arn} ADDRESS")
        return self._opened(row)

    def camera(self, arn: str) -> str:
        """The digest of where a stream leads, by which a motion names its camera; empty where no camera is set."""
        try:
            return self.digest(self.get(arn))
        except NoSource:
            return ""

    def digest(self, source: Source) -> str:
        """The digest of a source: of its address without what logs in there.

        Empty for a film and for a pipe: anything may come through them, so that no motion can say what is looked at.
        """
        return camera_of(source.text, self._cameras) if is_address(source.text) else ""

    def all(self) -> list[Source]:
        """All sources, by their ARNs. Raises ProcessorChanged."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(tables.stream_sources)).all()
        return sorted(self._opened(row) for row in rows)

    def remove(self, arn: str) -> bool:
        """Let go of the source of a stream; whether it had one."""
        with writing(self._engine, "streams/sources") as connection:
            gone = connection.execute(delete(tables.stream_sources).where(_of.arn == self._digest(arn))).rowcount
            if gone:
                owe(connection)
        return bool(gone)

    def _digest(self, arn: str) -> bytes:
        return hmac.digest(self._naming, arn.encode(), hashlib.sha256)

    def _opened(self, row: Any) -> Source:
        digest = bytes(row.arn)
        try:
            clear = self._key.open(row.sealed, b"stream/source/" + digest)
            source = Source(*msgspec.json.decode(clear, type=tuple[str, str, float]))
            if (source.created_at, account_of(source.arn)) != (row.created_at, row.organization):
                raise SealBroken
        except SealBroken:
            raise ProcessorChanged("the source of a stream was changed in the database. Set it again.") from None
        return source


def account_of(arn: str) -> str:
    """The account in the ARN of a stream of Kinesis video. Raises ValueError."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise ValueError(
            f"{arn} is no ARN of a Kinesis video stream: arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/0"
        )
    return found["organization"]
