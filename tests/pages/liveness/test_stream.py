"""The stream of the page: who has the link that the maker of a session was told holds it, once, and nobody else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Message

from regard.pages.liveness.stream import PATH, PersonStream
from regard.vision.liveness.challenge import MOVEMENT
from regard.vision.liveness.findings import Check, Findings
from regard.wire.live.conversation import Conversations
from regard.wire.pool import Pool
from tests.helpers.live import Judging, Peer, Stage, answers, film, scope_of, ticking

CALM = {"ChallengePreferences": [{"Type": MOVEMENT}]}
ASKED = "video-width=320&video-height=240&challenge-versions=FaceMovementChallenge_1.0.0"


@dataclass
class Browser(Peer):
    """A page's socket: also what it was let in with, and the reason that it was closed with."""

    subprotocol: str | None = None
    reason: str = ""

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self.subprotocol = message["subprotocol"]
        elif message["type"] == "websocket.close" and self.code is None:
            self.reason = message["reason"]
        await super()._send(message)


def _app(stage: Stage) -> Starlette:
    keys, conversations = stage.room.organizations.key, Conversations(stage.service, Pool(2, 64), clock=ticking())
    stream = PersonStream(conversations, stage.sessions, keys, stage.metrics, clock=lambda: stage.room.now)
    return Starlette(routes=[WebSocketRoute(PATH, stream)])


def _link(stage: Stage, **settings: Any) -> tuple[str, str]:
    """The session and the token of a link, as whoever makes a session is told it."""
    _, call = stage.ask("CreateFaceLivenessSession", Settings=CALM | settings)
    path, token = call.remarks["x-regard-liveness-page"].split("#")
    return path.removeprefix("/liveness/"), token


def _held(stage: Stage, session: str, *protocols: str, asked: str = ASKED) -> Browser:
    """The socket of a page that streams a film, whoever it is let in as."""

    async def hold() -> Browser:
        scope = {**scope_of(f"/liveness/{session}/stream?{asked}"), "subprotocols": [*protocols]}
        browser = Browser(_app(stage), scope)
        browser.start()
        posed = await browser.posed()
        if posed:
            browser.send(*answers(posed, stage.room.now, film()))
        await browser.ended()
        return browser

    return asyncio.run(hold())


def test_a_link_holds_a_session_as_a_call_of_who_made_it(stage: Stage, judge: Judging) -> None:
    session, token = _link(stage, AuditImagesLimit=1)
    before = len(stage.calls())
    browser = _held(stage, session, "regard.liveness", token)
    assert browser.names == ["ServerSessionInformationEvent", "DisconnectionEvent"]
    assert (browser.subprotocol, browser.code, browser.reason) == ("regard.liveness", 1000, "done")
    assert stage.calls()[before:] == [("StartFaceLivenessSession", "allowed", "answered")]
    result = stage.result(session)
    assert (result["Status"], result["Confidence"]) == ("SUCCEEDED", 97.5)
    assert result["Metadata"] == {"SDKType": "regard.liveness"}
    assert len(judge.seen) == 1


def test_a_person_is_told_that_it_could_not_be_told(stage: Stage, judge: Judging) -> None:
    judge.findings = Findings(0, False, (Check("shape", False, 0.1, 0.5, "It was flat."),), None, ())
    browser = _held(stage, *_with(_link(stage)))
    assert (browser.code, browser.reason) == (1000, "unsure")


@pytest.mark.parametrize("kind", ["none", "another's", "an older one", "too many"])
def test_without_its_token_a_session_is_not_there(stage: Stage, judge: Judging, kind: str) -> None:
    session, token = _link(stage)
    offered = {
        "none": ["regard.liveness"],
        "another's": ["regard.liveness", _link(stage)[1]],
        "an older one": ["regard.liveness", token[:-1] + ("0" if token[-1] != "0" else "1")],
        "too many": ["regard.liveness", "x" * 64, token],
    }[kind]
    browser = _held(stage, session, *offered)
    assert (browser.names, browser.code) == (["SessionNotFoundException"], 1008)
    assert stage.kept(session).status == "CREATED"
    assert not judge.seen


def test_a_link_is_good_for_one_session(stage: Stage, judge: Judging) -> None:
    session, token = _link(stage)
    assert _held(stage, session, "regard.liveness", token).code == 1000
    again = _held(stage, session, "regard.liveness", token)
    assert again.names == ["ValidationException"]
    assert "used already" in again.told[0][1]["Message"]
    assert len(judge.seen) == 1


def test_a_link_dies_with_its_session(tmp_path: Path, judge: Judging) -> None:
    stage = Stage(tmp_path)
    link = _link(stage)
    stage.room.now += 181
    assert "expired" in _held(stage, *_with(link)).told[0][1]["Message"]
    stage.close()


def test_what_a_rule_refuses_a_link_does_not_open(tmp_path: Path, judge: Judging) -> None:
    stage = Stage(tmp_path)
    first, second = _link(stage), _link(stage)
    stage.enable(False)
    assert _held(stage, *_with(first)).names == ["AccessDeniedException"]
    stage.enable()
    stage.room.organizations.keys.revoke(stage.key.access_key_id)
    assert _held(stage, *_with(second)).names == ["UnrecognizedClientException"]
    assert not judge.seen
    stage.close()


@pytest.mark.parametrize("asked", ["", "video-width=320&video-width=320&video-height=240&challenge-versions=x"])
def test_an_address_that_lacks_something_or_has_it_twice_is_refused(stage: Stage, asked: str) -> None:
    browser = _held(stage, *_with(_link(stage)), asked=asked)
    assert (browser.names, browser.code) == (["ValidationException"], 1008)


def test_the_session_is_the_one_of_the_path(stage: Stage, judge: Judging) -> None:
    """One that stands in the query beside it counts for nothing."""
    (session, token), (other, _) = _link(stage), _link(stage)
    assert _held(stage, session, "regard.liveness", token, asked=f"{ASKED}&session-id={other}").code == 1000
    assert (stage.kept(session).status, stage.kept(other).status) == ("SUCCEEDED", "CREATED")


def test_what_is_no_id_is_no_stream(stage: Stage) -> None:
    browser = _held(stage, "x", "regard.liveness", str(uuid4()))
    assert not browser.told


def _with(link: tuple[str, str]) -> tuple[str, str, str]:
    session, token = link
    return session, "regard.liveness", token
