"""Webhooks: signed as Standard Webhooks says, to the operator's address and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook as Checking
from standardwebhooks import WebhookVerificationError

from regard.fetching import Unfetched
from regard.jobs.webhooks import Webhook
from regard.settings import Settings
from tests.helpers.hooks import SECRET, taking
from tests.helpers.malicious import OK, endless, hostile, leading

pytestmark = pytest.mark.sqlite("a webhook has nothing to do with a database")


def test_a_webhook_is_signed_so_that_any_library_of_the_standard_checks_it() -> None:
    with taking() as (address, came):
        Webhook(address, SECRET).post("msg_1", '{"type":"job.ended"}', time.time())
    ((headers, body),) = came
    assert Checking(SECRET).verify(body, headers) == {"type": "job.ended"}
    assert (headers["webhook-id"], headers["content-type"]) == ("msg_1", "application/json")
    for changed in (body.replace(b"ended", b"begun"), body):
        with pytest.raises(WebhookVerificationError):
            Checking(SECRET if changed != body else "whsec_AAAA").verify(changed, headers)


@pytest.mark.parametrize("status", [301, 400, 410, 500, 503])
def test_one_that_is_not_taken_is_an_error_with_its_cause(status: int) -> None:
    def says(_path: str) -> Iterator[bytes]:
        yield f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()

    with hostile(says) as server, pytest.raises(OSError, match=str(status)):
        Webhook(server.address, SECRET).post("msg_1", "{}", time.time())


def test_one_that_leads_elsewhere_is_not_followed() -> None:
    with (
        hostile(lambda _path: iter([OK])) as other,
        hostile(leading(other.address)) as server,
        pytest.raises(Unfetched),
    ):
        Webhook(server.address, SECRET).post("msg_1", "{}", time.time())
    assert other.asked == []


def test_an_answer_without_an_end_is_let_go_of() -> None:
    with hostile(endless) as server, pytest.raises(Unfetched, match="more than"):
        Webhook(server.address, SECRET).post("msg_1", "{}", time.time())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -base64 24") as refused:
        Webhook.of(Settings(webhook_url="https://example.org", webhook_secret=secret))
    assert len(secret) < 7 or secret not in str(refused.value)


def test_settings_that_cannot_be_right_are_refused_by_name() -> None:
    assert Webhook.of(Settings()) is None
    with pytest.raises(ValueError, match="go together"):
        Webhook.of(Settings(webhook_url="https://example.org"))
    with pytest.raises(ValueError, match="go together"):
        Webhook.of(Settings(webhook_secret=SECRET))
    with pytest.raises(ValueError, match="REGARD_WEBHOOK_URL"):
        Webhook.of(Settings(webhook_url="example.org/hook", webhook_secret=SECRET))
