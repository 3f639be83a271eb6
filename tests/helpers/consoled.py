"""The console in the process of a test, on a service without models; and somebody who uses it without a browser."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from regard.house import open_house
from regard.ledger.witnesses.cosigning import open_cosigning
from regard.operations.common.rooms import Rooms
from regard.operations.service import Service
from regard.pages.console.desk import COOKIE
from regard.pages.console.routes import console_pages
from regard.pages.public.votes import Votes
from regard.stewardship.people.inbox import open_inbox
from regard.stewardship.staff.passkeys import Place
from regard.stewardship.staff.reception import open_reception
from regard.stewardship.staff.staff import Kind, Person, Role
from regard.vision import eyes
from regard.vision.things.moderation import Moderator
from regard.wire.pool import open_pool
from tests.helpers.authenticator import Authenticator
from tests.helpers.fakes import Clock, FakeAnalyzer, FakeModerator
from tests.helpers.started import started

ORIGIN = "http://localhost:4599"
PLACE = Place(ORIGIN)
_MARK = re.compile(r'action="([^"]+)"[^>]*>\s*<input type="hidden" name="mark" value="([0-9a-f]{64})">')


class Console:
    """A service in `folder`, whose staff and sessions go by a clock that tests move."""

    def __init__(self, folder: Path, changed: Callable[[Rooms], Rooms] = lambda rooms: rooms) -> None:
        """`changed` gives the rooms that are worked with, for those that there are."""
        self.folder, self.clock = folder, Clock()
        # Keys that were issued a moment ago go by the real time.
        self.clock.now = time.time()
        self.office = started(folder)
        with patch.object(eyes, "open_analyzer", lambda *_: FakeAnalyzer()):
            house = open_house(self.office)
        rooms = changed(replace(house.service.rooms, moderator=cast(Moderator, FakeModerator(90.0))))
        self.house = replace(house, service=Service(house.service.gate, rooms))
        self.organization = self.office.organizations.operator().id
        self.reception = open_reception(self.office.engine, self.office.key, self.clock)
        self.council = self.house.service.gate.council
        settings, logbook = self.office.settings, self.office.logbook
        self.inbox = open_inbox(settings, self.office.engine, self.office.key, logbook)
        self.pool = open_pool(settings)
        cosigning = open_cosigning(settings, logbook.shards, self.office.public_log)
        self.routes: list[Route] = console_pages(
            self.office,
            self.house.holdings,
            self.house.service,
            self.pool,
            cosigning,
            self.inbox,
            Votes(self.council),
            lambda: None,
            self.clock,
        )
        self.app = Starlette(routes=self.routes)

    def somebody(self, name: str = "ada", role: Role = Role.OPERATOR, organization: str = "") -> Somebody:
        """Somebody who registered a passkey, and is signed in."""
        token = self.reception.staff.invite(organization or self.organization, name, role)
        person, _ = self.reception.staff.look(token)
        passkey = Authenticator(ORIGIN)
        self.reception.passkeys.register(PLACE, token, passkey.create(self.reception.passkeys.creation(PLACE, person)))
        user = Somebody(self, person, passkey)
        user.cookie = self.reception.sessions.open(person, Kind.INVITATION)
        return user

    def near(self) -> Somebody:
        """Somebody who came by a local link."""
        person = self.reception.staff.redeem(self.reception.local_link(self.organization))
        user = Somebody(self, person, Authenticator(ORIGIN))
        user.cookie = self.reception.sessions.open(person, Kind.LOCAL)
        return user

    def close(self) -> None:
        self.pool.close()
        self.house.holdings.close()
        self.office.logbook.close()
        self.office.engine.dispose()


@dataclass
class Somebody:
    """Whoever asks the console; `cookie` is what the browser keeps."""

    console: Console
    person: Person
    passkey: Authenticator
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"origin": ORIGIN, "accept": "text/html"})

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self._ask("GET", path, **more)

    def post(self, path: str, data: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form as a page gives it out: with its mark, and with a touch of the passkey."""
        session = self.console.reception.sessions.look(self.cookie)
        given = {"mark": self.console.reception.sessions.mark(session, path), "touch": self.touch(path)}
        return self._ask("POST", path, data=given | dict(data or {}), **more)

    def send(self, path: str, data: Mapping[str, str], **more: Any) -> httpx.Response:
        """Send these fields, and nothing else."""
        return self._ask("POST", path, data=dict(data), **more)

    def send_body(self, path: str, media: str, body: bytes) -> httpx.Response:
        """Send these bytes, whatever they are."""
        return self._ask("POST", path, content=body, headers={"content-type": media})

    def touch(self, path: str) -> str:
        session = self.console.reception.sessions.look(self.cookie)
        if session.how is Kind.LOCAL:
            return ""
        act = f"touch/{session.digest.hex()}{path}"
        return self.passkey.get(self.console.reception.passkeys.request(PLACE, act, self.person))

    def marks(self, path: str) -> dict[str, str]:
        """The marks of the forms on a page, by where they are sent."""
        return dict(_MARK.findall(self.get(path).text))

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            address = more.pop("client", ("127.0.0.1", 50_000))
            origin = more.pop("at", ORIGIN)
            headers = self.headers | more.pop("headers", {})
            if self.cookie:
                headers["cookie"] = f"{COOKIE}={self.cookie}"
            transport = httpx.ASGITransport(self.console.app, client=address)
            async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())


def options_in(text: str) -> dict[str, Any]:
    """What a form on a page asks a passkey with."""
    from html import unescape

    found = re.search(r'data-passkey="([^"]*)"', text)
    assert found
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told
