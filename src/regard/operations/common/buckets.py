"""Objects in S3-compatible buckets, read with the operator's credentials on behalf of an organization."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from regard.settings import Settings

# A slow or silent store must not hold a worker: the answer to the caller is an error within this time.
_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 3, 10, 2


class BucketRefused(PermissionError):
    """The organization may not have this object read for it."""


class ObjectUnavailable(LookupError):
    """The object is not there, or the store did not give it."""


class ObjectTooLarge(ValueError):
    """The object has more bytes than the reader takes."""


class Buckets:
    """What may be read for whom, and the reading. Thread-safe. Raises ValueError for settings that cannot be right.

    Without an entry in the setting `s3_allowed` nothing may be read: the credentials are the operator's, and
    a caller could otherwise use them to look into any bucket that the operator can see.
    """

    def __init__(self, settings: Settings) -> None:
        _check(settings)
        self._settings = settings
        self._allowed = [_parse(entry) for entry in settings.s3_allowed]

    def read(self, organization: str, bucket: str, name: str, version: str | None, most: int) -> bytes:
        """The bytes of an object. Raises BucketRefused, ObjectUnavailable, ObjectTooLarge (over `most`)."""
        if not self._may_read(organization, bucket, name):
            raise BucketRefused(
                f"organization {organization} may not read s3://{bucket}/{name}; "
                f"the operator allows it with REGARD_S3_ALLOWED={organization}={bucket}/"
            )
        request = {"Bucket": bucket, "Key": name} | ({"VersionId": version} if version else {})
        try:
            answer = self._client.get_object(**request)
            with answer["Body"] as body:
                data: bytes = body.read(most + 1)
        except (BotoCoreError, ClientError, OSError) as error:
            raise ObjectUnavailable(str(error)) from error
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

    def _may_read(self, organization: str, bucket: str, name: str) -> bool:
        return any(
            who in ("*", organization) and bucket == where and name.startswith(prefix)
            for who, where, prefix in self._allowed
        )

    @cached_property
    def _client(self) -> Any:
        settings = self._settings
        return botocore.session.get_session().create_client(
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
