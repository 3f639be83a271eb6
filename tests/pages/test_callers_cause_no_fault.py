"""Whatever a caller sends is refused by its cause: nothing that is sent is answered as a fault of ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.council.collections import MOST_DAYS
from tests.helpers.databases import POSTGRESQL, SQLITE, on, settings_of
from tests.helpers.own_client import ROOT, OwnClient
from tests.helpers.running import Running
from tests.helpers.served_fakes import running_fakes

MANY = 10
NOTICE = {"version": "2026-03", "language": "en", "sha256": "ab" * 32}
CONSENT = {"subject": "alice", "collection": "members", "purpose": "development", "notice": NOTICE}
PAGES = (
    "/consents/text",
    "/consents",
    "/consents/signed",
    "/subject-tokens",
    "/subjects/alice/mismatches",
    "/redact",
    "/audit/batches",
    "/reports",
    "/seals/none/shares",
)
_DEEP = b"[" * 100_000
BODIES = (
    b"",
    b"null",
    b"\xff\xfe",
    b'{"image":"AA\xff"}',
    _DEEP,
    b'{"subject":' + _DEEP,
    b'{"unknown":' + _DEEP,
    b"9" * 100_000,
    b'{"subject":"\\ud800"}',
    b'{"subject":1e999}',
    b'{"subject":"a","identity_check":"\\u0000"}',
    b'{"subject":"a","identity_check":"seen","hours":' + b"9" * 5_000 + b"}",
    b'{"candidate":"\\u0000"}',
    b'{"member":"\\u0000","share":"AA=="}',
    b'{"image":"AA==","text":["(a"]}',
)


@dataclass
class Served:
    """A running service, and how its first key asks it."""

    service: Running
    own: OwnClient
    signer: Signer

    @property
    def url(self) -> str:
        return self.service.url + ROOT

    def signed(self, terms: dict[str, Any]) -> dict[str, Any]:
        """A consent on other terms than were drawn up, signed by the person."""
        text: str = self.own("POST", "/consents/text", CONSENT).json()["text"]
        form, _, body = text.partition("\n")
        note = sign_note(f"{form}\n{canonical(json.loads(body) | terms).decode()}\n", [self.signer])
        return {"note": note.decode(), "subject_key": str(self.signer.verifier)}


@pytest.fixture(scope="module", params=[SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.long)])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("faults") / "data"
    with on(request.param), running_fakes(folder, None, **settings_of(folder)) as service:
        known = service.environment
        own = OwnClient(service.url, known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"])
        yield Served(service, own, Signer.generate("alice"))


@pytest.mark.long
@pytest.mark.parametrize("days", [-(10**30), -1, 0, MOST_DAYS + 1, 10**9, 2**63, 10**30])
def test_no_number_of_days_is_too_large_to_be_refused(served: Served, days: int) -> None:
    for path in ("/consents/text", "/consents"):
        answer = served.own("POST", path, CONSENT | {"days": days})
        assert answer.status_code == 400
        assert str(MOST_DAYS) in answer.json()["cause"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("given", "expires"),
    [
        ("9999-12-31T23:59:58Z", "9999-12-31T23:59:59Z"),
        ("9998-01-01T00:00:00Z", "9999-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00+14:00"),
    ],
)
def test_no_date_is_too_far_to_be_refused(served: Served, given: str, expires: str) -> None:
    answer = served.own("POST", "/consents/signed", served.signed({"given": given, "expires": expires}))
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("path", PAGES)
def test_no_body_is_a_fault_of_ours(served: Served, path: str) -> None:
    for body in BODIES:
        answer = httpx.post(served.url + path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code < 500, (path, body[:40])
        if body:
            answer = served.own("POST", path, None, data=body)
            assert answer.status_code < 500, (path, body[:40])


def test_no_text_is_a_fault_of_ours(served: Served) -> None:
    asked = [
        ("POST", "/consents", CONSENT | {"purpose": "\0"}),
        ("POST", "/consents", CONSENT | {"purpose": "x" * 500}),
        ("POST", "/consents", CONSENT | {"notice": NOTICE | {"version": "a\0b"}}),
        ("POST", "/consents/signed", served.signed({"purpose": "x" * 500})),
        ("POST", "/subject-tokens", {"subject": "a", "identity_check": "a\0b"}),
        ("POST", "/subjects/alice/mismatches", {"request": "\0"}),
        ("GET", "/consents?subject=%00", None),
        ("GET", "/consents?collection=%00", None),
    ]
    for method, path, body in asked:
        assert served.own(method, path, body).status_code == 400, (path, body)
    long = "x" * 3_000
    assert served.own("POST", f"/subjects/{long}/erasure").status_code == 200
    for user in (b"111122223333/a\0b:c", b"\0/a:c", b"1/\xed\xa0\x80:c", b"1/a:\0"):
        login = {"authorization": f"Basic {base64.b64encode(user).decode()}"}
        assert httpx.get(f"{served.service.url}/review", headers=login).status_code == 401
    for path in ("/seals/%00", "/reports/%00", "/seals/%ff"):
        assert httpx.get(served.url + path).status_code == 404
    share = {"member": "a", "share": "AA=="}
    assert httpx.post(f"{served.url}/seals/%00/shares", json=share).status_code == 404
    for path in ("/log/%00/checkpoint", f"/log/2026-11/receipts/{'9' * 5_000}", "/log/2026-11/tile/0/%00"):
        assert httpx.get(served.service.url + path).status_code == 404


def test_equal_calls_at_once_are_no_fault_of_ours(served: Served) -> None:
    known = served.service.environment
    session = boto3.session.Session(known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    config = Config(max_pool_connections=MANY, retries={"total_max_attempts": 1})
    client = session.client("rekognition", endpoint_url=served.service.url, config=config)
    for number in range(MANY):
        client.create_collection(CollectionId=f"c{number}")
    note = served.signed({})

    def called(operation: str, **given: Any) -> int:
        try:
            return int(getattr(client, operation)(**given)["ResponseMetadata"]["HTTPStatusCode"])
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"])

    def once(number: int, turn: int) -> list[int]:
        token = {"UserId": "u", "ClientRequestToken": f"token-{turn}"}
        return [
            called("create_collection", CollectionId=f"made-{turn}"),
            called("create_user", CollectionId=f"c{number}", **token),
            served.own("POST", "/consents/signed", note).status_code,
        ]

    turns = count()
    for _ in range(3):
        turn, begin = next(turns), Barrier(MANY)

        def one(number: int, turn: int = turn, begin: Barrier = begin) -> list[int]:
            begin.wait()
            return once(number, turn)

        with ThreadPoolExecutor(MANY) as pool:
            answers = list(pool.map(one, range(MANY)))
        assert {status for each in answers for status in each} <= {200, 201, 400}
        # Of the same ClientRequestToken for ten collections one is done.
        assert [each[1] for each in answers].count(200) == 1
