"""botocore's clients, held to bounds of time, of bytes and of place."""

from __future__ import annotations

import io
from typing import Any

import botocore.session
from botocore.config import Config

from regard.settings import Settings
from regard.stores.errors import ObjectUnavailable

# A silent store is tried again after these.
_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 3, 10, 2
# What a store says of an error, and what it says else beside the bytes of objects: a thousand names of 1,024 bytes.
_MOST_ERROR_BYTES = 64 * 1024
_MOST_ANSWER_BYTES = 8 << 20


class _Bounded:
    """botocore's HTTP session. What is no object is read up to a bound, and a store of one's own redirects nobody.

    botocore follows redirects between AWS's regions; to a store at an `endpoint` it would ask the same again, until
    Python has no stack left.
    """

    def __init__(self, session: Any, endpoint: str | None) -> None:
        self._session = session
        self._endpoint = endpoint

    def send(self, request: Any) -> Any:
        """The answer to a request. Raises as the session does, and ObjectUnavailable."""
        streams, request.stream_output = request.stream_output, True
        answer = self._session.send(request)
        if self._endpoint and 300 <= answer.status_code < 400:
            answer.raw.close()
            raise ObjectUnavailable(
                f"{self._endpoint} answers with a redirect ({answer.status_code}), which is not followed: name the "
                "store itself in REGARD_S3_ENDPOINT."
            )
        if answer.status_code >= 300 or not streams:
            said = answer.raw.read(_MOST_ERROR_BYTES if answer.status_code >= 300 else _MOST_ANSWER_BYTES)
            answer.raw.close()
            answer.raw = io.BytesIO(said)
            answer._content = said
        return answer

    def close(self) -> None:
        """Let go of its connections."""
        self._session.close()


def bounded_client(service: str, config: Config, endpoint: str | None = None, **given: Any) -> Any:
    """botocore's client of an AWS service, or of what answers like it at an `endpoint`.

    Without credentials, region or endpoint of its own it goes by botocore's usual chain.
    """
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _TRIES, "mode": "standard"},
    ).merge(config)
    client: Any = botocore.session.get_session().create_client(service, endpoint_url=endpoint, config=config, **given)
    client._endpoint.http_session = _Bounded(client._endpoint.http_session, endpoint)
    return client


def store_client(settings: Settings) -> Any:
    """botocore's client for the store that the settings name, with the operator's credentials."""
    return bounded_client(
        "s3",
        Config(
            s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
            # Stores of one's own may not know AWS's checksums; without, botocore sends the MD5 where one is needed.
            request_checksum_calculation="when_required",
        ),
        settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key,
    )


def check(settings: Settings) -> None:
    """Raise ValueError for settings that would fail every call, while the operator still looks."""
    endpoint = settings.s3_endpoint
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ValueError(f"REGARD_S3_ENDPOINT: {endpoint!r} is no address. Begin it with http:// or https://.")
    if (settings.s3_access_key_id is None) != (settings.s3_secret_access_key is None):
        raise ValueError("REGARD_S3_ACCESS_KEY_ID and REGARD_S3_SECRET_ACCESS_KEY go together. Set both, or neither.")
