"""Objects in S3-compatible buckets, with the operator's credentials on behalf of an organization."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from regard.settings import Settings
from regard.stores.client import check, store_client
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable, StoreFaltered
from regard.stores.grants import Grants
from regard.stores.patience import Patience
from regard.stores.stored import Stored, asked, told, whole

# A store that goes on for ever, byte by byte, is given up after all of this.
_MOST_SECONDS = 30.0
# Calls that were given up go on until the store ends them. So many may hang before no more are begun.
_MOST_HANGING = 64


class Buckets:
    """What may be read and written for whom, and the doing. Thread-safe.

    Raises ValueError for settings that cannot be right.
    """

    def __init__(self, settings: Settings) -> None:
        check(settings)
        self._settings = settings
        self._patience = Patience(_MOST_SECONDS, _MOST_HANGING)
        self._readable = _grants("s3_allowed", settings)
        self._writable = _grants("s3_writable", settings)

    def read(self, organization: str, bucket: str, name: str, version: str | None, most: int) -> bytes:
        """The bytes of an object. Raises BucketRefused, ObjectUnavailable, ObjectTooLarge (over `most`)."""
        _require(self._readable, organization, "read", bucket, name)
        data = self._patience.of(lambda: self._read(_request(bucket, name, version), most))
        if len(data) > most:
            raise _too_large(bucket, name, most)
        return data

    def found(self, organization: str, bucket: str, name: str, version: str | None, most: int) -> Stored:
        """An object that is too large for memory, of which nothing is read yet.

        Raises BucketRefused, ObjectUnavailable, ObjectTooLarge (over `most`).
        """
        _require(self._readable, organization, "read", bucket, name)
        stored = Stored(self._client, self._patience, _request(bucket, name, version))
        if stored.size > most:
            raise _too_large(bucket, name, most)
        return stored

    def names(self, organization: str, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
        """The objects whose names begin with `prefix`, in order, each with its ETag.

        Raises BucketRefused unless all that begin so may be read, ObjectUnavailable.
        """
        _require(self._readable, organization, "list", bucket, prefix, prefix)
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                yield from ((each["Key"], each["ETag"]) for each in page.get("Contents", ()))
        except ResponseParserError:
            # It would repeat all that came.
            raise ObjectUnavailable("the store did not answer as S3 does") from None
        except (BotoCoreError, ClientError, OSError) as error:
            raise ObjectUnavailable(str(error)) from error

    def require_writable(self, organization: str, bucket: str, prefix: str) -> None:
        """Raise BucketRefused unless all whose names begin with `prefix` may be written."""
        _require(self._writable, organization, "write", bucket, prefix, prefix)

    def write(self, organization: str, bucket: str, name: str, data: bytes, kind: str, kms: str = "") -> None:
        """Put an object of the media type `kind` there, in place of what was. Raises BucketRefused, ObjectUnavailable.

        The store encrypts it with a key of its KMS, where `kms` names one.
        Where it raises StoreFaltered the same may be written again, and is there once.
        """
        _require(self._writable, organization, "write", bucket, name, name)
        sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms} if kms else {}
        self._patience.of(lambda: self._write(Bucket=bucket, Key=name, Body=data, ContentType=kind, **sealed))

    def remove(self, organization: str, bucket: str, name: str) -> None:
        """Delete an object that was written there. Raises BucketRefused, ObjectUnavailable."""
        _require(self._writable, organization, "write", bucket, name, name)
        request = {"Bucket": bucket, "Key": name}
        try:
            self._client.delete_object(**request)
        except ClientError as error:
            raise told(error, request) from error
        except (BotoCoreError, OSError) as error:
            raise StoreFaltered(str(error)) from error

    def _read(self, request: dict[str, str], most: int) -> bytes:
        with closing(asked(self._client, request)["Body"]) as body:
            return whole(body, most)

    def _write(self, **request: Any) -> None:
        try:
            self._client.put_object(**request)
        except ClientError as error:
            raise told(error, request) from error
        except (BotoCoreError, OSError) as error:
            raise StoreFaltered(str(error)) from error

    @cached_property
    def _client(self) -> Any:
        return store_client(self._settings)


def _grants(setting: str, settings: Settings) -> Grants:
    def start(path: str) -> str:
        bucket, _, prefix = path.partition("/")
        return f"{bucket}/{prefix}" if bucket else ""

    return Grants(setting, getattr(settings, setting), "bucket/prefix", start)


def _require(grants: Grants, organization: str, verb: str, bucket: str, name: str, entry: str = "") -> None:
    """Raise BucketRefused unless all that begins with `name` is allowed. `entry` is the prefix that would allow it."""
    if not grants.allow(organization, f"{bucket}/{name}"):
        raise BucketRefused(
            f"organization {organization} may not {verb} s3://{bucket}/{name}; "
            f"the operator allows it with {grants.variable}={organization}={bucket}/{entry}"
        )


def _request(bucket: str, name: str, version: str | None) -> dict[str, str]:
    return {"Bucket": bucket, "Key": name} | ({"VersionId": version} if version else {})


def _too_large(bucket: str, name: str, most: int) -> ObjectTooLarge:
    return ObjectTooLarge(f"s3://{bucket}/{name} has more than {most} bytes")
