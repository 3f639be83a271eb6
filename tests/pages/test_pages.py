from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from tests.helpers.wire_client import Request
from tests.helpers.wire_stub import Answered, Wire, detect


def get(path: str, method: str = "GET", wire: Wire | None = None) -> Answered:
    return (wire or Wire()).ask(Request(b"", {"Host": "regard.test"}), path=path, method=method)


def test_the_home_page_says_what_this_is() -> None:
    answer = get("/")
    assert answer.status == 200
    assert answer.document["service"] == "regard"
    assert answer.document["version"] == version("regard")
    assert all(get(page).status == 200 for page in answer.document["pages"])


def test_a_service_that_lives_says_so_whatever_its_trouble() -> None:
    answer = get("/healthz", wire=Wire(trouble="shutting down"))
    assert (answer.status, answer.document) == (200, {"status": "alive"})


def test_a_service_says_whether_it_is_ready_and_why_not() -> None:
    assert get("/readyz").document == {"status": "ready"}
    answer = get("/readyz", wire=Wire(trouble="shutting down"))
    assert (answer.status, answer.document) == (503, {"status": "not ready", "cause": "shutting down"})


def test_metrics_are_served_as_prometheus_reads_them() -> None:
    wire = Wire()
    wire.ask(detect())
    answer = get("/metrics", wire=wire)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b'regard_requests_total{code="OK",operation="DetectFaces"} 1.0' in answer.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "NONSENSE"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics"])
def test_another_method_is_refused_as_aws_would(method: str, path: str) -> None:
    answer = get(path, method)
    assert (answer.status, answer.code) == (405, "UnknownOperationException")
    assert f"{path} takes GET and HEAD, not {method}".encode() in answer.body


def test_a_signed_request_that_is_no_post_is_refused() -> None:
    answer = Wire().ask(detect(), method="PUT")
    assert (answer.status, answer.code) == (405, "UnknownOperationException")


@pytest.mark.parametrize("path", ["/nothing", "/healthz/", "//", "/../etc/passwd", "/metrics/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_told_so(path: str, method: str) -> None:
    answer = get(path, method)
    assert (answer.status, answer.code) == (404, "UnknownOperationException")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_every_page_has_a_request_id(path: str, method: str) -> None:
    assert re.fullmatch(r"[0-9a-f-]{36}", get(path, method).headers["x-amzn-requestid"])
