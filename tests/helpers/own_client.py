"""Signs requests to our own HTTP API with botocore, as any client may."""

from __future__ import annotations

import json
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = "/stewardship/v1"
# The first who asks a service that warmed nothing waits for its models, beside other tests.
_PATIENCE = 60.0


class OwnClient:
    """Asks our own API, with an access key or a person's token."""

    def __init__(self, url: str, key: str = "", secret: str = "", token: str = "") -> None:
        self._url = url
        self._key, self._secret, self._token = key, secret, token

    def __call__(
        self, method: str, path: str, body: Any = None, *, service: str = "regard", data: bytes = b""
    ) -> httpx.Response:
        """The answer to `body` as JSON, or to `data` as it is."""
        data = data if body is None else json.dumps(body).encode()
        url = f"{self._url}{ROOT}{path}"
        if self._token:
            headers = {"authorization": f"Bearer {self._token}"}
            return httpx.request(method, url, content=data, headers=headers, timeout=_PATIENCE)
        request = AWSRequest(method, url, data=data)
        SigV4Auth(Credentials(self._key, self._secret), service, "us-east-1").add_auth(request)
        return httpx.request(method, url, content=data, headers=dict(request.headers), timeout=_PATIENCE)
