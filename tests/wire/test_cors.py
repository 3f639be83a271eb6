"""Scripts of other origins, as browsers ask on their behalf."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

import regard
from regard.operations.common.errors import ApiError
from regard.settings import SettingError, from_environment
from regard.stewardship.policy.call import Call
from regard.wire.cors import SENT, TOLD, open_to
from tests.helpers.wire_client import Request
from tests.helpers.wire_stub import Answered, Wire, detect, exchange, messages, scope_of

PAGE = "https://photos.example"
ALLOWED = "access-control-allow-origin"


def preflight(*origins: str, origin: str = PAGE, asked: str = ",".join(SENT), path: str = "/") -> Answered:
    """What a browser is answered that asks whether a page may send headers."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    scope = scope_of(headers.items(), method="OPTIONS", path=path)
    return asyncio.run(exchange(open_to(origins, Wire().app), scope, messages(b"")))


def asked(request: Request, *origins: str, wire: Wire, origin: str = PAGE) -> Answered:
    """The answer to a request that a page makes."""
    scope = scope_of({**request.headers, "Origin": origin}.items())
    return asyncio.run(exchange(open_to(origins, wire.app), scope, messages(request.body)))


def test_a_browser_is_told_that_awss_sdk_may_call() -> None:
    answer = preflight(PAGE)
    assert answer.status == 200
    assert answer.headers[ALLOWED] == PAGE
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert set(SENT) <= set(answer.headers["access-control-allow-headers"].lower().split(", "))


def test_answers_may_be_read_with_their_headers() -> None:
    answer = asked(detect(), PAGE, wire=Wire())
    assert answer.document == {"FaceDetails": []}
    assert answer.headers[ALLOWED] == PAGE
    assert answer.headers["access-control-expose-headers"].split(", ") == list(TOLD)


def test_errors_may_be_read_too_before_and_after_the_signature() -> None:
    def refuse(_: Call) -> dict[str, object]:
        raise ApiError("AccessDeniedException", "no")

    late = asked(detect(), PAGE, wire=Wire(refuse))
    early = asked(Request(b"{}", {"Content-Type": "text/plain"}), PAGE, wire=Wire())
    assert (late.code, early.code) == ("AccessDeniedException", "UnsupportedMediaTypeException")
    assert late.headers[ALLOWED] == early.headers[ALLOWED] == PAGE


def test_any_page_may_call_where_the_setting_says_so() -> None:
    assert preflight("*").headers[ALLOWED] == "*"
    assert asked(detect(), "*", wire=Wire()).headers[ALLOWED] == "*"


@pytest.mark.parametrize("origins", [(), ("https://other.example",)])
def test_no_other_page_may(origins: tuple[str, ...]) -> None:
    assert ALLOWED not in preflight(*origins).headers
    assert ALLOWED not in asked(detect(), *origins, wire=Wire()).headers


def test_a_header_that_no_sdk_sends_is_not_allowed() -> None:
    assert preflight(PAGE, asked="cookie").status == 400


def test_pages_beside_the_api_stay_closed() -> None:
    assert ALLOWED not in preflight("*", path="/metrics").headers


def test_every_header_that_says_something_is_told() -> None:
    named = {
        found
        for file in Path(regard.__file__).parent.rglob("*.py")
        for found in re.findall(r'"(x-regard-[a-z-]+)"', file.read_text())
    }
    assert named <= {*TOLD, *SENT}
    assert "x-regard-withheld" in named


def test_the_setting_names_origins() -> None:
    read = from_environment({"REGARD_CORS_ORIGINS": "https://a.example, http://localhost:8000"})
    assert read.cors_origins == ("https://a.example", "http://localhost:8000")
    assert from_environment({}).cors_origins == ()
    for wrong in ("a.example", "https://a.example/", "https://a.example/path"):
        with pytest.raises(SettingError, match="REGARD_CORS_ORIGINS"):
            from_environment({"REGARD_CORS_ORIGINS": wrong})
