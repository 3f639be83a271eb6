"""Objects in S3-compatible buckets, read with the operator's credentials on behalf of an organization."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing
from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from regard.settings import Settings

# A silent store is tried again after these; one that goes on for ever, byte by byte, is given up after all of it.
_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 3, 10, 2
_MOST_SECONDS = 30.0
# Reads that were given up go on until the store ends them. So many may hang before no more are begun.
_MOST_HANGING = 64
# What a store says of an error.
_MOST_ERROR_BYTES = 64 * 1024
_PIECE_BYTES = 1 << 20


class BucketRefused(PermissionError):
    """The organization may not have this object read for it."""


class ObjectUnavailable(LookupError):
    """The object is not there, or the store did not give it."""


class ObjectTooLarge(ValueError):
    """The object has more bytes than the reader takes."""


class Patience:
    """Waits for work only so long. Thread-safe."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(most)

    def of(self, work: Callable[[], bytes]) -> bytes:
        """What `work` gives or raises, in a thread of its own. Raises ObjectUnavailable where it takes too long."""
        if not self._free.acquire(blocking=False):
            raise ObjectUnavailable("too many reads from the store have not come to an end: look after the store")
        done: Future[bytes] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)
            finally:
                self._free.release()

        # One that hangs keeps no process from ending.
        threading.Thread(target=run, name="store", daemon=True).start()
        try:
            return done.result(self._seconds)
        except FutureTimeout:
            raise ObjectUnavailable(f"the store did not come to an end within {self._seconds:.0f} seconds") from None


class _Bounded:
    """botocore's HTTP session. An error's text is read up to a bound, and a store of one's own redirects nobody.

    botocore follows redirects between AWS's regions; to a store at an `endpoint` it would ask the same again, until
    Python has no stack left.
    """

    def __init__(self, session: Any, endpoint: str | None) -> None:
        self._session = session
        self._endpoint = endpoint

    def send(self, request: Any) -> Any:
        """The answer to a request. Raises as the session does, and ObjectUnavailable."""
        answer = self._session.send(request)
        if self._endpoint and 300 <= answer.status_code < 400:
            answer.raw.close()
            raise ObjectUnavailable(
                f"{self._endpoint} answers with a redirect ({answer.status_code}), which is not followed: name the "
                "store itself in REGARD_S3_ENDPOINT."
            )
        if answer.status_code >= 300:
            said = answer.raw.read(_MOST_ERROR_BYTES)
            answer.raw.close()
            answer.raw = io.BytesIO(said)
            answer._content = said
        return answer

    def close(self) -> None:
        """Let go of its connections."""
        self._session.close()


class Buckets:
    """What may be read for whom, and the reading. Thread-safe. Raises ValueError for settings that cannot be right.

    Without an entry in the setting `s3_allowed` nothing may be read: the credentials are the operator's, and
    a caller could otherwise use them to look into any bucket that the operator can see.
    """

    def __init__(self, settings: Settings) -> None:
        _check(settings)
        self._settings = settings
        self._patience = Patience(_MOST_SECONDS, _MOST_HANGING)
        self._allowed = [_parse(entry) for entry in settings.s3_allowed]

    def read(self, organization: str, bucket: str, name: str, version: str | None, most: int) -> bytes:
        """The bytes of an object. Raises BucketRefused, ObjectUnavailable, ObjectTooLarge (over `most`)."""
        if not self._may_read(organization, bucket, name):
            raise BucketRefused(
                f"organization {organization} may not read s3://{bucket}/{name}; "
                f"the operator allows it with REGARD_S3_ALLOWED={organization}={bucket}/"
            )
        request = {"Bucket": bucket, "Key": name} | ({"VersionId": version} if version else {})
        data = self._patience.of(lambda: self._read(request, most))
        if len(data) > most:
            raise ObjectTooLarge(f"s3://{bucket}/{name} has more than {most} bytes")
        return data

    def names(self, organization: str, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
        """The objects whose names begin with `prefix`, in order, each with its ETag.

        Raises BucketRefused unless all that begin so may be read, ObjectUnavailable.
        """
        if not self._may_read(organization, bucket, prefix):
            raise BucketRefused(
                f"organization {organization} may not list s3://{bucket}/{prefix}; "
                f"the operator allows it with REGARD_S3_ALLOWED={organization}={bucket}/{prefix}"
            )
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                yield from ((each["Key"], each["ETag"]) for each in page.get("Contents", ()))
        except (BotoCoreError, ClientError, OSError) as error:
            raise ObjectUnavailable(str(error)) from error

    def _read(self, request: dict[str, str], most: int) -> bytes:
        """The bytes of an object, or of one that is too large at least `most` + 1. Raises ObjectUnavailable."""
        data = bytearray()
        try:
            with closing(self._client.get_object(**request)["Body"]) as body:
                # To the very end, where botocore looks whether all came that was promised.
                while len(data) <= most and (piece := body.read(_PIECE_BYTES)):
                    data += piece
        except (BotoCoreError, ClientError, OSError) as error:
            raise ObjectUnavailable(str(error)) from error
        return bytes(data)

    def _may_read(self, organization: str, bucket: str, name: str) -> bool:
        return any(
            who in ("*", organization) and bucket == where and name.startswith(prefix)
            for who, where, prefix in self._allowed
        )

    @cached_property
    def _client(self) -> Any:
        settings = self._settings
        client: Any = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key_id,
            aws_secret_access_key=settings.s3_secret_access_key,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": _TRIES, "mode": "standard"},
                s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
            ),
        )
        client._endpoint.http_session = _Bounded(client._endpoint.http_session, settings.s3_endpoint)
        return client


def _check(settings: Settings) -> None:
    """Raise ValueError for what would fail every read, while the operator still looks."""
    endpoint = settings.s3_endpoint
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ValueError(f"REGARD_S3_ENDPOINT: {endpoint!r} is no address. Begin it with http:// or https://.")
    if (settings.s3_access_key_id is None) != (settings.s3_secret_access_key is None):
        raise ValueError("REGARD_S3_ACCESS_KEY_ID and REGARD_S3_SECRET_ACCESS_KEY go together. Set both, or neither.")


def _parse(entry: str) -> tuple[str, str, str]:
    organization, given, path = entry.partition("=")
    bucket, _, prefix = path.partition("/")
    if not (organization and given and bucket):
        raise ValueError(f"REGARD_S3_ALLOWED: {entry!r} is not of the form ORGANIZATION=bucket/prefix")
    return organization, bucket, prefix
