"""What the clients that tests ask with read from their packages, read once a process.

Each boto3 client lists 400 services and parses the models anew, 0.07 s of a processor; each `httpx.get` reads all
authorities that TLS trusts, 0.02 s, for addresses of this machine that speak none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

import httpx
from botocore.loaders import create_loader


@contextmanager
def files_read_once() -> Iterator[None]:
    """Until the end of the block, what one client has read another finds."""
    with (
        patch("botocore.session.create_loader", cache(create_loader)),
        patch("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context)),
    ):
        yield
