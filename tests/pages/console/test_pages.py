"""The pages of the console: each passes the gate, none reaches a table around it, and what strangers wrote is text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from regard.database import metadata
from regard.pages.console.desk import ROOT
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.policy.denied import Denied
from regard.stewardship.staff.staff import Role
from tests.helpers.consoled import Console, Somebody
from tests.helpers.fakes import picture_of
from tests.helpers.filled import MARKUP, filled

# Who somebody is, and under which key: what signing in and out stands on.
_OF_SIGNING_IN = {"staff", "staff_links", "passkeys", "staff_sessions", "used_challenges", "access_keys"}
_OF_SIGNING_IN |= {"stewardship_revision"}
_SIGNING_IN = {f"{ROOT}/{name}" for name in ("sign-in", "enter", "passkeys", "sign-out", "under")}


def _pages(console: Console) -> list[tuple[str, str]]:
    """Every page and form behind the login: its method, and an address of it."""
    found = []
    for route in console.routes:
        if route.path not in _SIGNING_IN:
            path = route.path.replace("{collection}", "staff").replace("{candidate}", "none").replace("{loop}", "none")
            path = path.replace("{project}", "parts").replace("{version}", "one")
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            found.append((method, path))
    return found


def _everybody(console: Console) -> dict[Role, Somebody]:
    return {role: console.somebody(str(role), role) for role in Role}


_FORM = {
    "purpose": "content-moderation",
    "days": "9",
    "key": "AKIA",
    "subject": "alice",
    "again": "alice",
    "check": "passport",
    "consent": "none",
    "report": "none",
    "verdict": "upheld",
    "same": "yes",
    "note": "none",
    "collection": "staff",
    "case": "C-1",
    "operation": "DetectFaces",
    "job": "none",
}


@contextmanager
def _tables_asked(console: Console) -> Iterator[set[str]]:
    """The tables that statements name meanwhile."""
    asked: set[str] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.update(set(re.findall(r"\w+", statement)) & metadata.tables.keys())

    event.listen(console.office.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(console.office.engine, "before_cursor_execute", note)


def test_no_page_reaches_a_table_but_through_the_gate(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(console)
    everybody = _everybody(console)

    def nobody_passes(call: Any) -> None:
        passed.append(call.operation.name)
        raise Denied("test", "Nobody passes the gate just now.")

    passed: list[str] = []
    monkeypatch.setattr(console.house.service.gate, "before", nobody_passes)
    pages = _pages(console)
    assert len(pages) > 20
    for method, path in pages:
        refused = 0
        for somebody in everybody.values():
            passed.clear()
            files = {"picture": ("a.png", picture_of(1), "image/png")}
            with _tables_asked(console) as asked:
                # What a form of a file is sent as.
                more = {"files": files} if path.endswith(("/try", "/search")) else {}
                answer = somebody.get(path) if method == "GET" else somebody.post(path, _FORM, **more)
            if path == "/console/try" and method == "GET" and answer.status_code == 200:
                # The empty form, which tells nothing of anybody.
                assert "Choose a picture" in answer.text
                assert asked <= _OF_SIGNING_IN
                refused += 1
                continue
            assert answer.status_code == 403, (method, path, answer.status_code)
            assert asked <= _OF_SIGNING_IN, (method, path, asked - _OF_SIGNING_IN)
            refused += bool(passed)
        assert refused, f"{method} {path} asks the gate for nobody"


def test_each_page_is_for_some_roles_and_for_nobody_who_is_signed_out(console: Console) -> None:
    filled(console)
    everybody = _everybody(console)
    allowed: dict[str, set[str]] = {}
    for method, path in _pages(console):
        if method == "GET":
            answers = {role: somebody.get(path) for role, somebody in everybody.items()}
            allowed[path] = {str(role) for role, answer in answers.items() if answer.status_code == 200}
    operators, read = {"operator"}, {"operator", "auditor"}
    governed = read | {"council"}
    assert allowed == {
        "/console": governed | {"reviewer"},
        "/console/health": governed,
        "/console/try": operators,
        "/console/collections": read,
        "/console/collections/staff": read,
        "/console/search": operators,
        "/console/labels": read,
        "/console/labels/parts": read,
        "/console/labels/parts/one": read,
        # It failed, and has none.
        "/console/labels/parts/one/model": set(),
        "/console/review": {"reviewer"},
        "/console/pictures": {"reviewer"},
        "/console/jobs": read,
        "/console/streams": governed,
        "/console/keys": read,
        "/console/organizations": governed,
        "/console/motions": governed,
        "/console/people": read,
        "/console/inbox": operators,
    }
    stranger = everybody[Role.OPERATOR]
    stranger.cookie = "guessed"
    for path in allowed:
        assert stranger.get(path).headers["location"] == "/console/sign-in"


def test_what_strangers_wrote_is_text_everywhere(console: Console) -> None:
    filled(console)
    firm = console.office.organizations.register(f"Firm {MARKUP}", "retail")
    console.office.organizations.edges.add(Edge(console.organization, EdgeKind.SUPPLIES, firm.id, MARKUP))
    ada = console.somebody(f"ada {MARKUP[:-1]}"[:60])
    shown = 0
    for method, path in _pages(console):
        if method == "GET":
            text = ada.get(path).text
            assert "<script>alert" not in text
            assert "<b>bold" not in text
            assert "\u202e" not in text
            title = re.search("<title>(.*)</title>", text)
            assert title
            assert "script" not in title[1]
            shown += text.count("&lt;script&gt;alert") > 1
    assert shown >= 3
