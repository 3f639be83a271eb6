"""Senders: what counts as this machine, and whose address counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.wire.senders import NoSender, address_of, is_from_here
from tests.helpers.wire_client import Request
from tests.helpers.wire_stub import Wire, detect, scope_of

HERE = ("127.0.0.1", 50_000)
Headers = Sequence[tuple[str, str]]


def near(*more: tuple[str, str], host: str | None = "localhost:4599", client: tuple[str, int] | None = HERE) -> bool:
    headers = [*more] if host is None else [("Host", host), *more]
    return is_from_here(scope_of(headers, client=client), behind_proxy=False)


def sender(*values: str, client: tuple[str, int] | None = HERE, behind_proxy: bool = True) -> str:
    lines = [("X-Forwarded-For", value) for value in values]
    return address_of(scope_of(lines, client=client), behind_proxy=behind_proxy)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:4599", "LocalHost", "127.0.0.1:4599", "127.0.0.1", "[::1]:4599", "[::1]"])
def test_this_machine_is_near_by_each_of_its_names(peer: str, host: str) -> None:
    assert near(("User-Agent", "Boto3/1"), ("X-Amzn-Trace-Id", "Root=1"), host=host, client=(peer, 1))


@pytest.mark.parametrize("client", [("192.0.2.7", 1), ("::ffff:192.0.2.7", 1), ("no address", 1), None])
def test_nobody_elsewhere_is_near(client: tuple[str, int] | None) -> None:
    assert not near(client=client)


# What four proxies add that pass on Host: nginx, HAProxy and Caddy, Apache, Envoy; and others.
@pytest.mark.parametrize(
    "name",
    [
        *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "Via"),
        *("X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Envoy-External-Address", "CDN-Loop"),
        *("X-Original-Forwarded-For", "X-Cluster-Client-IP", "Client-IP", "X-Forwarded", "x-forwarded-for"),
    ],
)
@pytest.mark.parametrize("value", ["127.0.0.1", "", "1.1 proxy"])
def test_what_an_undeclared_proxy_passes_on_is_not_from_this_machine(name: str, value: str) -> None:
    assert not near((name, value))


@pytest.mark.parametrize(
    "host",
    [
        *("rebound.example:4599", "regard.test", "192.0.2.1", "0.0.0.0:4599", "localhost.example", "127.0.0.1.example"),
        *("example@127.0.0.1", "::1", "[::1", "localhost:x", "localhost, rebound.example", "", "[2001:db8::1]:4599"),
    ],
)
def test_a_name_that_was_turned_to_this_machine_is_not_near(host: str) -> None:
    assert not near(host=host)


def test_a_request_for_no_host_or_for_two_is_not_near() -> None:
    assert not near(host=None)
    assert not near(("Host", "rebound.example"))


def test_nothing_is_near_behind_a_declared_proxy() -> None:
    assert not is_from_here(scope_of([("Host", "localhost")], client=HERE), behind_proxy=True)


@pytest.mark.parametrize("more", [{"host": "regard.test"}, {"X-Forwarded-For": "203.0.113.9"}, {"Via": "1.1 proxy"}])
def test_a_signed_call_through_an_undeclared_proxy_is_not_from_this_machine(more: dict[str, str]) -> None:
    wire = Wire()
    request = detect(host=more.get("host", "localhost:4599"))
    added = {name: value for name, value in more.items() if name != "host"}
    wire.ask(Request(request.body, {**request.headers, **added}), client=HERE)
    assert [call.loopback for call in wire.calls] == [False]


@pytest.mark.parametrize(
    ("lines", "whose"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        (["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        (["203.0.113.9,203.0.113.8", "203.0.113.7 , 198.51.100.1 "], "198.51.100.1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
    ],
)
def test_behind_a_proxy_the_last_address_over_all_lines_is_the_senders(lines: list[str], whose: str) -> None:
    assert sender(*lines) == whose


@pytest.mark.parametrize(
    "lines", [[], [""], ["unknown"], ["198.51.100.1", ""], ["198.51.100.1,"], ["_hidden"], ["198.51.100.1.9"]]
)
def test_behind_a_proxy_what_is_no_address_is_nobodys(lines: list[str]) -> None:
    with pytest.raises(NoSender, match="X-Forwarded-For"):
        sender(*lines)


@given(st.lists(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30), max_size=4))
def test_no_line_that_a_client_writes_changes_what_the_proxy_saw(lines: list[str]) -> None:
    assert sender(*lines, "198.51.100.1") == "198.51.100.1"
    if lines:
        assert sender(*lines[:-1], f"{lines[-1]}, 198.51.100.1") == "198.51.100.1"


def test_without_a_proxy_the_peer_is_the_sender_whatever_is_forwarded() -> None:
    assert sender("203.0.113.9", behind_proxy=False) == "127.0.0.1"
    with pytest.raises(NoSender):
        sender(client=None, behind_proxy=False)
