"""The page of a session of liveness, in a browser with a made camera: what a person sees, and what the service is sent.

The service is played here, so that it says what a service says seldom; `test_in_a_browser.py` has the real one.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

import av
import pytest
from botocore.eventstream import EventStreamBuffer
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from regard.pages.frame import static_files
from regard.pages.liveness.person import person_page
from tests.helpers.browser import CAMERA, Visit, look_here, open_browser, visiting
from tests.helpers.ledger.served_log import serving

pytestmark = pytest.mark.long

CALM, LIGHT = "Go on without colours", "Go on with colours"
OVAL = {"CenterX": 300, "CenterY": 250, "Width": 200, "Height": 320}
COLOURS = [(255, 0, 0, 0, 260), (0, 255, 0, 200, 260), (0, 0, 255, 200, 0)]
TOKEN = "a-token_of-43-characters"


def movement() -> dict[str, Any]:
    return {"FaceMovementChallenge": {"OvalParameters": OVAL, "ChallengeConfig": {}}}


def colours() -> dict[str, Any]:
    told = [
        {"FreshnessColor": {"RGB": [*rgb]}, "DownscrollDuration": scroll, "FlatDisplayDuration": flat}
        for *rgb, scroll, flat in COLOURS
    ]
    return {"FaceMovementAndLightChallenge": movement()["FaceMovementChallenge"] | {"ColorSequences": told}}


@dataclass
class Played:
    """A session that the service plays: what it says first, how it closes, and what came."""

    says: list[tuple[str, str, Any]]
    closes: tuple[int, str] = (1000, "done")
    came: list[tuple[str, Any]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    protocols: list[str] = field(default_factory=list)
    left: int | None = None
    id: str = field(default_factory=lambda: str(uuid4()))

    def told(self, kind: str) -> list[Any]:
        return [body for name, body in self.came if name == kind]


def challenge(given: dict[str, Any]) -> tuple[str, str, Any]:
    return "event", "ServerSessionInformationEvent", {"SessionInformation": {"Challenge": given}}


class Stage:
    """The pages, and the service as it is played."""

    def __init__(self) -> None:
        self.played: dict[str, Played] = {}
        routes = [person_page(), *static_files(), WebSocketRoute("/liveness/{session}/stream", self._stream)]
        self.app = Starlette(routes=routes)

    def play(self, *says: tuple[str, str, Any], **more: Any) -> Played:
        made = Played([*says], **more)
        self.played[made.id] = made
        return made

    async def _stream(self, socket: WebSocket) -> None:
        session = self.played[socket.path_params["session"]]
        session.asked, session.protocols = dict(socket.query_params), socket.scope["subprotocols"]
        await socket.accept("regard.liveness")
        for kind, name, body in session.says:
            await socket.send_bytes(_framed(kind, name, body))
            if kind == "exception":
                await socket.close()
                return
        try:
            while not session.came or session.came[-1][1].get("VideoChunk") != "":
                frames: Any = EventStreamBuffer()
                frames.add_data(await socket.receive_bytes())
                session.came += [(frame.headers[":event-type"], json.loads(frame.payload)) for frame in frames]
        except WebSocketDisconnect as gone:
            session.left = gone.code
            return
        await socket.send_bytes(_framed("event", "DisconnectionEvent", {"TimestampMillis": 1}))
        await socket.close(*session.closes)


def _framed(kind: str, name: str, body: Any) -> bytes:
    told = {":message-type": kind, f":{kind}-type": name, ":content-type": "application/json"}
    headers = b"".join(
        struct.pack(">B", len(key)) + key.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for key, value in told.items()
    )
    payload = json.dumps(body).encode()
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    rest = struct.pack(">I", zlib.crc32(head)) + headers + payload
    return head + rest + struct.pack(">I", zlib.crc32(head + rest))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser with a camera that nobody is before."""
    with open_browser(*CAMERA) as opened:
        yield opened


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


@pytest.fixture(scope="module")
def address(stage: Stage) -> Iterator[str]:
    with serving(stage.app) as told:
        yield told


@dataclass(frozen=True)
class Held:
    """Sessions that were held at the same time, each in a window of its own."""

    calm: Played
    light: Played
    stopped: Played
    seen: dict[str, str]
    wrong: list[str]


@pytest.fixture(scope="module")
def held(browser: Browser, stage: Stage, address: str) -> Iterator[Held]:
    """Three people, each before a camera: one goes on without colours, two with, of whom one leaves halfway."""
    calm, light = stage.play(challenge(movement())), stage.play(challenge(colours()), closes=(1000, "unsure"))
    stopped = stage.play(challenge(colours()))
    ways = [(calm, CALM), (light, LIGHT), (stopped, LIGHT)]
    with (
        visiting(browser, address, bypass_csp=True) as one,
        visiting(browser, address) as two,
        visiting(browser, address, reduced_motion="reduce") as three,
    ):
        visits = [one, two, three]
        for visit, (session, way) in zip(visits, ways, strict=True):
            _begin(visit, session, way)
        # What is looked at is the stage as it stands before the film begins.
        look_here(one.page)
        for visit in visits:
            visit.page.get_by_role("button", name="Begin").press("Enter")
            expect(visit.page.get_by_role("button")).to_have_text(["Stop"])
        _until(lambda: bool(stopped.told("ClientSessionInformationEvent")))
        three.page.keyboard.press("Escape")
        seen = {}
        for visit, (session, _) in zip(visits, ways, strict=True):
            result = visit.page.get_by_role("status").filter(has=visit.page.locator("h2"))
            expect(result).to_be_visible(timeout=60_000)
            expect(result).to_be_focused()
            seen[session.id] = result.inner_text()
        wrong = [each for visit in visits for each in visit.wrong]
        wrong += [each for visit in visits for each in visit.page.evaluate("window.violations")]
        yield Held(calm, light, stopped, seen, wrong)


def _begin(visit: Visit, session: Played, way: str) -> None:
    page = visit.go(f"/liveness/{session.id}#{TOKEN}")
    page.get_by_role("button", name=way).press("Enter")
    expect(page.get_by_role("button", name="Begin")).to_be_focused()


def _until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow("three people hold still, come nearer and hold still again")
def test_the_page_says_what_came_of_it(held: Held) -> None:
    assert held.seen[held.calm.id].startswith("You were seen")
    assert held.seen[held.light.id].startswith("It could not be told")
    assert "You stopped" in held.seen[held.stopped.id]


def test_it_breaks_no_policy_and_asks_no_other_host(held: Held) -> None:
    assert not held.wrong


def test_it_hands_the_token_over_beside_the_address(held: Held) -> None:
    assert held.calm.protocols == ["regard.liveness", TOKEN]
    assert TOKEN not in str(held.calm.asked)
    assert (held.calm.asked["video-width"], held.calm.asked["video-height"]) == ("640", "480")


def test_the_way_that_somebody_chose_is_the_only_one_that_the_service_is_told_of(held: Held) -> None:
    assert held.calm.asked["challenge-versions"] == "FaceMovementChallenge_1.0.0"
    assert held.light.asked["challenge-versions"] == "FaceMovementAndLightChallenge_2.0.0"


def test_the_service_is_sent_what_amazons_client_sends_in_its_order(held: Held) -> None:
    kinds = [name for name, _ in held.calm.came]
    assert kinds[:2] == ["VideoEvent", "ClientSessionInformationEvent"]
    assert kinds[-2:] == ["ClientSessionInformationEvent", "VideoEvent"]
    begun, ended = (each["Challenge"]["FaceMovementChallenge"] for each in held.calm.told(kinds[1]))
    assert begun["ChallengeId"] == ended["ChallengeId"]
    assert begun["InitialFace"] == ended["InitialFace"]
    # The oval of the end is the service's, that of the beginning half as wide about the same middle.
    small, oval = begun["InitialFace"]["BoundingBox"], ended["TargetFace"]["BoundingBox"]
    assert oval == pytest.approx({"Left": 200 / 640, "Top": 90 / 480, "Width": 200 / 640, "Height": 320 / 480})
    assert small == pytest.approx({"Left": 250 / 640, "Top": 170 / 480, "Width": 100 / 640, "Height": 160 / 480})
    times = [
        begun["VideoStartTimestamp"],
        begun["InitialFace"]["InitialFaceDetectedTimestamp"],
        ended["TargetFace"]["FaceDetectedInTargetPositionStartTimestamp"],
        ended["TargetFace"]["FaceDetectedInTargetPositionEndTimestamp"],
        ended["VideoEndTimestamp"],
    ]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 5000


def test_the_film_is_one_that_the_service_reads(held: Held) -> None:
    film = b"".join(base64.b64decode(each["VideoChunk"]) for each in held.calm.told("VideoEvent"))
    with av.open(io.BytesIO(film), "r") as opened:
        frames = list(opened.decode(video=0))
    assert (frames[0].width, frames[0].height) == (640, 480)
    # A browser on a busy machine leaves frames out.
    assert len(frames) > 10


def test_each_colour_is_told_as_it_comes_down_and_as_it_stands(held: Held) -> None:
    events = held.light.told("ClientSessionInformationEvent")
    shown = [each["Challenge"]["FaceMovementAndLightChallenge"].get("ColorDisplayed") for each in events]
    told = [each for each in shown if each]
    assert [each["SequenceNumber"] for each in told] == [0, 1, 1, 2]
    stands = [each["CurrentColor"] == each["PreviousColor"] for each in told]
    assert stands == [True, False, True, False]
    assert [each["CurrentColor"]["RGB"] for each in told] == [[*COLOURS[number][:3]] for number in (0, 1, 1, 2)]
    times = [each["CurrentColorStartTimestamp"] for each in told]
    # Each stage is there for its time at least.
    for (begun, ended), least in zip(pairwise(times), (260, 200, 260), strict=True):
        assert ended - begun >= least


def test_who_leaves_sends_no_more(held: Held) -> None:
    assert held.stopped.left == 4003
    assert all(chunk["VideoChunk"] for chunk in held.stopped.told("VideoEvent"))


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (("exception", "SessionNotFoundException", {"Message": "x"}), "used before"),
        (("exception", "AccessDeniedException", {"Message": "x"}), "A rule of this service"),
        (("exception", "ValidationException", {"Message": "no <b>such</b>"}), "no <b>such</b>"),
        (challenge(colours()), "no way but the other one"),
    ],
    ids=["used", "denied", "invalid", "colours for who chose none"],
)
def test_the_page_says_why_it_does_not_go_on(
    browser: Browser, stage: Stage, address: str, says: tuple[str, str, Any], words: str
) -> None:
    session = stage.play(says)
    with visiting(browser, address) as visit:
        page = visit.go(f"/liveness/{session.id}#{TOKEN}")
        page.get_by_role("button", name=CALM).click()
        assert words in _why(page)
        assert not page.locator("dialog").is_visible()
        # Nothing is offered again once the link is spent.
        assert page.get_by_role("button", name=CALM).is_visible() == (says[0] == "exception")
        assert not visit.wrong


def test_a_link_without_its_token_opens_no_camera(browser: Browser, stage: Stage, address: str) -> None:
    with visiting(browser, address) as visit:
        page = visit.go(f"/liveness/{stage.play().id}")
        page.get_by_role("button", name=CALM).click()
        assert "not whole" in _why(page)
        assert not page.evaluate("document.querySelector('video').srcObject")


def test_without_scripts_it_says_what_it_takes(browser: Browser, address: str) -> None:
    with visiting(browser, address, scripts=False) as visit:
        page = visit.go(f"/liveness/{uuid4()}")
        assert "This needs a camera and scripts" in page.locator("main").inner_text()


def test_the_way_without_colours_stands_first(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        page = visit.go(f"/liveness/{uuid4()}#{TOKEN}")
        assert page.get_by_role("button").all_inner_texts()[:2] == [CALM, LIGHT]
        page.get_by_role("button", name=CALM).focus()
        assert page.evaluate("document.activeElement.id") == "calm"


def _why(page: Page) -> str:
    result = page.locator("#result")
    expect(result).to_be_visible()
    return result.inner_text()
