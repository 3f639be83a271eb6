"""An S3 server of its own for tests, over HTTP: it takes any credentials, and forgets everything at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

KEY_ID, SECRET = "store", "store-secret"


@contextmanager
def store() -> Iterator[str]:
    """The address of a store that is empty, until the end of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def store_client(address: str) -> Any:
    """boto3 for that store."""
    return boto3.client(
        "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET
    )


def store_settings(address: str, allowed: str) -> dict[str, str]:
    """What lets a service read from that store."""
    return {
        "REGARD_S3_ENDPOINT": address,
        "REGARD_S3_REGION": "us-east-1",
        "REGARD_S3_ACCESS_KEY_ID": KEY_ID,
        "REGARD_S3_SECRET_ACCESS_KEY": SECRET,
        "REGARD_S3_ALLOWED": allowed,
    }
