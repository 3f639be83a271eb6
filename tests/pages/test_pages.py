from __future__ import annotations

import re
from functools import partial
from importlib.metadata import version

import pytest

from regard.pages import pages as front
from regard.pages.public.kept import KEPT_SECONDS, Kept
from regard.wire.metrics import Metrics
from tests.helpers.wire_client import Request
from tests.helpers.wire_stub import Answered, Wire, detect


def get(path: str, method: str = "GET", wire: Wire | None = None) -> Answered:
    return asked(path, method, {}, wire)


def asked(path: str, method: str, headers: dict[str, str], wire: Wire | None = None) -> Answered:
    return (wire or Wire()).ask(Request(b"", {"Host": "regard.test", **headers}), path=path, method=method)


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


class Costly(Metrics):
    """Metrics that tell how often they were looked up."""

    looked = 0

    def text(self) -> bytes:
        self.looked += 1
        return super().text()


def test_figures_are_looked_up_once_a_second_however_often_strangers_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some are read from databases: at 150 pages a second, callers waited six times as long.
    # A busy machine may take longer than a second to ask nine times.
    monkeypatch.setattr(front, "Kept", partial(Kept, seconds=60 * KEPT_SECONDS))
    costly = Costly()
    wire = Wire(metrics=costly)
    assert len({get("/metrics", wire=wire).body for _ in range(9)}) == 1
    assert costly.looked == 1


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


# As Chromium and Firefox send it.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(("path", "method", "status"), [("/nothing", "GET", 404), ("/healthz", "DELETE", 405)])
def test_a_browser_is_shown_a_refusal_as_a_page(path: str, method: str, status: int) -> None:
    answer = asked(path, method, {"Accept": BROWSER})
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert b'<html lang="en">' in answer.body
    assert (answer.body.count(b"<main"), answer.body.count(b"<h1")) == (1, 1)
    assert b'name="viewport"' in answer.body
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'"
    )
    assert path.encode() in answer.body


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0", "text/html;q=x"]
)
def test_a_program_is_refused_as_aws_would(accept: str) -> None:
    answer = asked("/nothing", "GET", {"Accept": accept} if accept else {})
    assert (answer.status, answer.code) == (404, "UnknownOperationException")
    assert answer.headers["vary"] == "Accept"


def test_what_a_stranger_writes_into_an_address_is_text_on_the_page() -> None:
    answer = asked("/<script>alert(1)</script>/\u202e", "GET", {"Accept": BROWSER})
    assert answer.status == 404
    assert b"<script" not in answer.body
    assert "\u202e".encode() not in answer.body


def test_a_wrong_method_is_told_which_are_right() -> None:
    assert asked("/healthz", "PUT", {}).headers["allow"] == "GET, HEAD"


def test_pages_have_one_stylesheet_that_nothing_else_stands_in() -> None:
    answer = get("/static/style.css")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert len(answer.body) <= 10_240
    assert not re.search(rb"url\(|@import|https?:", answer.body)


def test_scripts_of_any_page_may_read_what_anyone_may_and_no_more() -> None:
    assert get("/").headers["access-control-allow-origin"] == "*"
    assert get("/log/2026-11/nothing").headers["access-control-allow-origin"] == "*"
    for path, method in (("/metrics", "GET"), ("/nothing", "GET"), ("/log/x", "POST")):
        told = get(path, method).headers.get("access-control-allow-origin")
        assert told == ("*" if path == "/log/x" else None)
