"""One object of a store as it was found: read in parts, and the same object to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from regard.stores.errors import ObjectChanged, ObjectUnavailable, StoreFaltered
from regard.stores.patience import Patience, persist

# A part has to come within its time: a store may take hours for a film, but not stand still. So much in so long is
# 1.1 Mbit/s at least.
PART_BYTES = 8 << 20
PART_SECONDS = 60.0
_PIECE_BYTES = 1 << 20


class Stored:
    """An object in a store: its `size` in bytes, and the `etag` of what was there when it was asked about.

    `request` names it in botocore's words. Raises ObjectUnavailable for what has no size or no ETag.
    """

    def __init__(
        self, client: Any, patience: Patience, request: dict[str, str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._patience, self._request, self._sleep = client, patience, request, sleep
        # Not HEAD, which has no words for what is wrong. What is not read does not count.
        answer = patience.of(lambda: asked(client, request))
        answer["Body"].close()
        if answer.get("ContentLength") is None or not answer.get("ETag"):
            raise ObjectUnavailable(f"the store does not tell the length and the ETag of {self.name}")
        self.size: int = answer["ContentLength"]
        self.etag: str = answer["ETag"]

    @property
    def name(self) -> str:
        """Its bucket and its key, as s3://…."""
        return _name(self._request)

    def parts(self, begin: int = 0, part: int = PART_BYTES) -> Iterator[bytes]:
        """Its bytes from `begin` on, in order, at most `part` at a time. Raises ObjectChanged, ObjectUnavailable.

        A part that does not come is asked for again four times, after pauses that grow to 8 seconds.
        """
        while begin < self.size:
            data = self._part(begin, min(begin + part, self.size))
            yield data
            begin += len(data)

    def copy_to(self, file: BinaryIO, told: Callable[[int], None] = lambda _done: None) -> None:
        """Write its bytes to a file; `told` hears how many are there. Raises ObjectChanged, ObjectUnavailable."""
        done = 0
        for data in self.parts():
            file.write(data)
            done += len(data)
            told(done)

    def _part(self, begin: int, end: int) -> bytes:
        return persist(lambda: self._patience.of(lambda: self._read(begin, end), PART_SECONDS), self._sleep)

    def _read(self, begin: int, end: int) -> bytes:
        answer = asked(self._client, {**self._request, "Range": f"bytes={begin}-{end - 1}", "IfMatch": self.etag})
        with closing(answer["Body"]) as body:
            if answer.get("ETag") != self.etag:
                raise ObjectChanged(f"{self.name} was changed while it was read: start again")
            if answer.get("ContentRange", "").partition("/")[0] != f"bytes {begin}-{end - 1}":
                raise ObjectUnavailable(f"the store did not give the part of {self.name} that it was asked for")
            data = whole(body, end - begin)
        if len(data) != end - begin:
            raise StoreFaltered(f"the store gave {len(data)} bytes of {self.name} in place of {end - begin}")
        return data


def asked(client: Any, request: dict[str, str]) -> dict[str, Any]:
    """The answer to GetObject. Raises ObjectChanged, StoreFaltered and ObjectUnavailable."""
    try:
        answer: dict[str, Any] = client.get_object(**request)
    except ClientError as error:
        raise told(error, request) from error
    except (BotoCoreError, OSError) as error:
        raise StoreFaltered(str(error)) from error
    return answer


def whole(body: Any, most: int) -> bytes:
    """The bytes of an answer's body, or of one that is longer at least `most` + 1. Raises StoreFaltered."""
    data = bytearray()
    try:
        # To the very end, where botocore looks whether all came that was promised.
        while len(data) <= most and (piece := body.read(_PIECE_BYTES)):
            data += piece
    except (BotoCoreError, OSError) as error:
        raise StoreFaltered(str(error)) from error
    return bytes(data)


def told(error: ClientError, request: dict[str, Any]) -> ObjectUnavailable:
    """The error of a store, by whether to ask again is of use."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status == 412:
        return ObjectChanged(f"{_name(request)} was changed while it was read: start again ({error})")
    return StoreFaltered(str(error)) if status >= 500 or status == 429 else ObjectUnavailable(str(error))


def _name(request: dict[str, Any]) -> str:
    return f"s3://{request['Bucket']}/{request['Key']}"
