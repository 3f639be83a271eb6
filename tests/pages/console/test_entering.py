"""Coming in and going out: by a link, by a passkey, from the service's machine; and from nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from regard.pages.console.desk import COOKIE
from regard.pages.console.entering import TRIES_A_MINUTE
from regard.pages.console.place import Elsewhere, Foreign, Places
from regard.settings import Settings
from regard.stewardship.staff.passkeys import Place
from regard.stewardship.staff.sessions import IDLE_SECONDS
from regard.stewardship.staff.staff import Kind, Role
from tests.helpers.authenticator import Authenticator
from tests.helpers.consoled import ORIGIN, Console, Somebody, options_in

_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
BODIES = [
    (_FORM, b"token=%00&touch=%00&mark=\xff"),
    (_FORM, b"a=&" * 50_000),
    ("multipart/form-data", b"none"),
    (_PARTS, b"--y\r\n\r\n"),
    (_PARTS, b'--x\r\nContent-Disposition: form-data; name="touch"\r\n\r\n\xff\r\n--x--'),
    ("application/json", b"{}"),
]


def _stranger(console: Console) -> Somebody:
    return Somebody(console, console.somebody("nobody").person, Authenticator(ORIGIN))


def _kept(answer: httpx.Response) -> str:
    told = answer.headers["set-cookie"]
    found = re.match(rf"{COOKIE}=([\w-]+); ", told)
    assert found, told
    return found[1]


def test_an_invitation_leads_to_a_passkey_and_that_into_the_console(console: Console) -> None:
    ada = _stranger(console)
    token = console.reception.staff.invite(console.organization, "ada", Role.AUDITOR)
    asked = ada.send("/console/enter", {"token": token})
    assert "You are invited as ada, auditor" in asked.text
    answer = ada.passkey.create(options_in(asked.text))
    done = ada.send("/console/passkeys", {"token": token, "touch": answer})
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    ada.cookie = _kept(done)
    assert ada.get("/console").status_code == 200
    assert ada.send("/console/enter", {"token": token}).status_code == 403


def test_a_passkey_signs_in_and_the_cookie_is_for_this_origin_alone(console: Console) -> None:
    ada = console.somebody()
    ada.cookie = ""
    answer = ada.passkey.get(options_in(ada.get("/console/sign-in").text))
    done = ada.send("/console/sign-in", {"touch": answer})
    attributes = done.headers["set-cookie"].split("; ", 1)[1].lower().split("; ")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(attributes)
    assert not any(each.startswith("domain") for each in attributes)
    ada.cookie = _kept(done)
    assert "ada, operator" in ada.get("/console").text


def test_after_signing_out_the_cookie_opens_nothing(console: Console) -> None:
    ada = console.somebody()
    marks = ada.marks("/console")
    done = ada.send("/console/sign-out", {"mark": marks["/console/sign-out"]})
    assert (done.status_code, done.headers["location"]) == (303, "/console/sign-in")
    refused = ada.get("/console")
    assert (refused.status_code, refused.headers["location"]) == (303, "/console/sign-in")
    assert console.reception.sessions.all() == []


def test_whoever_is_let_go_is_out_at_once_and_their_passkey_opens_nothing(console: Console) -> None:
    ada = console.somebody()
    assert ada.get("/console").status_code == 200
    console.reception.staff.revoke(console.organization, "ada")
    assert ada.get("/console").status_code == 303
    answer = ada.passkey.get(options_in(ada.get("/console/sign-in").text))
    assert ada.send("/console/sign-in", {"touch": answer}).status_code == 403


def test_half_an_hour_without_a_request_signs_out(console: Console) -> None:
    ada = console.somebody()
    console.clock.now += IDLE_SECONDS + 1
    assert ada.get("/console").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "http://localhost:1"},
        {"origin": ""},
    ],
)
def test_a_form_of_another_page_changes_nothing(console: Console, headers: dict[str, str]) -> None:
    ada = console.somebody()
    keys = len(console.office.organizations.keys.all())
    answer = ada.post("/console/keys", {"purpose": "content-moderation", "days": "9"}, headers=headers)
    assert answer.status_code == 403
    assert ada.post("/console/sign-out", headers=headers).status_code == 403
    token = console.reception.staff.invite(console.organization, "ben", Role.OPERATOR)
    assert ada.send("/console/enter", {"token": token}, headers=headers).status_code == 403
    assert len(console.office.organizations.keys.all()) == keys
    assert ada.get("/console").status_code == 200


def test_a_page_that_tells_no_referrer_is_known_by_what_the_browser_says(console: Console) -> None:
    ada = console.somebody()
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    assert ada.post("/console/keys", {"purpose": "content-moderation", "days": "9"}, headers=headers).status_code == 201


def test_a_form_with_anothers_mark_or_of_another_page_changes_nothing(console: Console) -> None:
    ada, ben = console.somebody(), console.somebody("ben")
    keys = len(console.office.organizations.keys.all())
    form = {"purpose": "content-moderation", "days": "9", "touch": ada.touch("/console/keys")}
    for mark in (ben.marks("/console/keys")["/console/keys"], ada.marks("/console/keys")["/console/sign-out"], "", "✓"):
        assert ada.send("/console/keys", form | {"mark": mark}).status_code == 403
    assert len(console.office.organizations.keys.all()) == keys


def test_what_is_for_good_takes_a_touch_for_this_one_act(console: Console) -> None:
    ada = console.somebody()
    form = {"purpose": "content-moderation", "days": "9"}
    another = ada.touch("/console/people/erased")
    for touch in ("", "{}", another):
        assert ada.post("/console/keys", form | {"touch": touch}).status_code == 403
    used = ada.touch("/console/keys")
    assert ada.post("/console/keys", form | {"touch": used}).status_code == 201
    assert ada.post("/console/keys", form | {"touch": used}).status_code == 403
    assert [key.caller.purpose for key in console.office.organizations.keys.all()].count("content-moderation") == 1


def test_a_local_link_opens_the_console_on_this_machine_alone(console: Console) -> None:
    near = _stranger(console)
    link = console.reception.local_link(console.organization)
    far = {"client": ("203.0.113.9", 9), "headers": {"host": "localhost:4599"}}
    assert near.send("/console/enter", {"token": link}, **far).status_code == 403
    done = near.send("/console/enter", {"token": link})
    near.cookie = _kept(done)
    assert near.get("/console").status_code == 200
    assert near.get("/console", **far).status_code == 403
    assert console.reception.sessions.all()[-1].how is Kind.LOCAL


def test_a_local_link_counts_as_a_touch_for_a_quarter_of_an_hour(console: Console) -> None:
    near = console.near()
    form = {"purpose": "content-moderation", "days": "9"}
    assert near.post("/console/keys", form).status_code == 201
    console.clock.now += 15 * 60 + 1
    refused = near.post("/console/keys", form)
    assert (refused.status_code, "regard console link" in refused.text) == (403, True)


def test_at_an_address_the_page_says_where_passkeys_work(console: Console) -> None:
    answer = console.somebody().get("/console/sign-in", at="http://127.0.0.1:4599")
    assert (answer.status_code, "http://localhost:4599/console" in answer.text) == (403, True)
    far = console.somebody("ben").get("/console/sign-in", at="http://faces.example.org", client=("203.0.113.9", 9))
    assert (far.status_code, "REGARD_CONSOLE_URL" in far.text) == (403, True)


def test_a_network_has_so_many_tries(console: Console) -> None:
    stranger = _stranger(console)
    answers = [stranger.send("/console/enter", {"token": "guessed"}).status_code for _ in range(TRIES_A_MINUTE + 1)]
    assert (set(answers[:-1]), answers[-1]) == ({403}, 429)


def test_whatever_is_sent_is_refused_by_its_cause(console: Console) -> None:
    ada = console.somebody()
    # Fewer than a network has tries a minute.
    for path in ("/console/enter", "/console/sign-in", "/console/passkeys", "/console/keys"):
        for media, body in BODIES:
            assert ada.send_body(path, media, body).status_code in (400, 403, 413), (path, media, body[:40])


def test_whatever_host_is_asked_for_is_one_or_is_told_where_it_is(console: Console) -> None:
    ada = console.somebody()
    for host in ("localhost:99999999", "localhost:", "[::1]:4599", "127.0.0.1", "localhost", "[", ""):
        assert ada.get("/console/sign-in", headers={"host": host}).status_code in (200, 403), host


def test_elsewhere_the_console_is_where_the_setting_says(tmp_path: Path) -> None:
    places = Places(Settings(data_dir=tmp_path, console_url="https://faces.example.org", behind_proxy=True))
    asked = {"type": "http", "method": "POST", "scheme": "http", "path": "/console", "client": ("203.0.113.9", 1)}

    def request(host: str, origin: str = "") -> Request:
        return Request(asked | {"headers": [(b"host", host.encode()), (b"origin", origin.encode())]})

    assert places.of(request("faces.example.org")) == Place("https://faces.example.org")
    assert places.check(request("faces.example.org", "https://faces.example.org")).rp_id == "faces.example.org"
    for host in ("localhost:4599", "evil.example", "faces.example.org.evil.example"):
        with pytest.raises(Elsewhere, match="The console is at https"):
            places.of(request(host))
    for origin in ("http://faces.example.org", "https://evil.example", ""):
        with pytest.raises(Foreign):
            places.check(request("faces.example.org", origin))


def test_pages_behind_the_login_stay_in_no_cache(console: Console) -> None:
    headers = console.somebody().get("/console").headers
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert headers["content-security-policy"].startswith("default-src 'none'")
