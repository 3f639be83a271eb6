"""AWS's client for sessions of liveness on the web, unchanged, with a service that speaks TLS.

Its streaming modules run under node, with a recorder whose film is in a file; its component in Chromium, with a camera
that was made. npm brings them; where npm or the browser is not there the tests skip and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import av
import boto3
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser
from skimage.data import astronaut
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.helpers.browser import open_browser, visiting
from tests.helpers.certificates import certificate_in
from tests.helpers.clients import with_packages
from tests.helpers.ledger.served_log import serving
from tests.helpers.lively import DRAWN, lively
from tests.helpers.made_camera import camera
from tests.helpers.running import Running

JS = Path(__file__).parent / "js" / "liveness"
WIDTH, HEIGHT, SECONDS, RATE = 480, 640, 9, 12


@dataclass(frozen=True)
class Secured:
    """A service that speaks TLS, and the certificate that its clients trust."""

    service: Running
    certificate: Path

    def client(self) -> Any:
        told = self.service.environment
        return boto3.client(
            "rekognition",
            endpoint_url=self.service.url,
            region_name="us-east-1",
            verify=str(self.certificate),
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("liveness")
    certificate, key = certificate_in(folder)
    given = {"REGARD_TLS_CERTIFICATE": str(certificate), "REGARD_TLS_KEY": str(key)}
    with lively(folder / "data", DRAWN, **given) as service:
        yield Secured(service, certificate)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and what it needs."""
    return with_packages(JS, tmp_path_factory.mktemp("js"), "--ignore-scripts")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film, as Chromium's recorder makes one, of a photograph that is brought nearer."""
    path = tmp_path_factory.mktemp("film") / "film.webm"
    portrait = Image.fromarray(astronaut())
    with av.open(str(path), "w", format="webm") as film:
        stream = film.add_stream("libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 1_000_000
        stream.time_base = Fraction(1, RATE)
        for number in range(SECONDS * RATE):
            side = round(WIDTH * (0.7 + 0.6 * min(1, number / (2 * RATE))))
            picture = Image.new("RGB", (WIDTH, HEIGHT))
            picture.paste(portrait.resize((side, side)), ((WIDTH - side) // 2, (HEIGHT - side) // 2))
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


def test_what_npm_brings_is_the_same_each_time_wherever_it_comes_from() -> None:
    asked = json.loads((JS / "package.json").read_text())["dependencies"]
    lock = json.loads((JS / "package-lock.json").read_text())["packages"]
    assert lock.pop("")["dependencies"] == asked
    assert {name: lock[f"node_modules/{name}"]["version"] for name in asked} == asked
    assert all(each["integrity"].startswith("sha512-") for each in lock.values())
    assert not [name for name, each in lock.items() if "resolved" in each]


@pytest.mark.long
@pytest.mark.slow("renders a film, and holds a session with it")
def test_a_session_is_held_by_the_modules_of_amazons_client(secured: Secured, modules: Path, photo: Path) -> None:
    """With the colours in their order and time; a photograph that nothing lights is not taken for somebody."""
    client = secured.client()
    session = client.create_face_liveness_session()["SessionId"]
    told = _held(secured, modules, session, photo)
    assert told == {
        "events": ["ServerSessionInformationEvent", "DisconnectionEvent"],
        "challenge": "FaceMovementAndLightChallenge",
        "error": "",
    }
    results = client.get_face_liveness_session_results(SessionId=session)
    assert results["Status"] == "SUCCEEDED"
    assert results["Confidence"] == 0
    assert results["Challenge"] == {"Type": "FaceMovementAndLightChallenge", "Version": "2.0.0"}
    assert results["Metadata"] == {"SDKType": "ui-react-liveness"}
    again = _held(secured, modules, session, photo)
    assert again["error"].startswith("ValidationException")
    assert "used already" in again["error"]


@pytest.mark.long
def test_the_way_without_colours_is_held_where_it_is_preferred(secured: Secured, modules: Path, photo: Path) -> None:
    client = secured.client()
    preferred = {"ChallengePreferences": [{"Type": "FaceMovementChallenge"}], "AuditImagesLimit": 2}
    session = client.create_face_liveness_session(Settings=preferred)["SessionId"]
    told = _held(secured, modules, session, photo)
    assert (told["challenge"], told["error"]) == ("FaceMovementChallenge", "")
    assert client.get_face_liveness_session_results(SessionId=session)["Status"] == "SUCCEEDED"


PAGE = """<!doctype html><html lang="en"><head><title>A session</title><link rel="icon" href="data:,"></head>
<body><div id="root"></div><script type="module" src="/component.js"></script></body></html>"""


@pytest.fixture(scope="module")
def site(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page with the component, and of what it loads: its face finder, from its own package."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(["node", "finder.mjs", str(folder)], cwd=modules, check=True)
    bundle = ["npx", "esbuild", "component.mjs", "--bundle", "--format=esm", f"--outfile={folder}/component.js"]
    told = ['--define:process.env.NODE_ENV="production"', "--log-level=error"]
    subprocess.run([*bundle, *told], cwd=modules, check=True)
    for path in (modules / "node_modules/@tensorflow/tfjs-backend-wasm/dist").glob("*.wasm"):
        shutil.copy(path, folder)
    routes = [Route("/", lambda _: HTMLResponse(PAGE)), Mount("/", StaticFiles(directory=folder))]
    with serving(Starlette(routes=routes)) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(*camera(tmp_path_factory.mktemp("camera"), seconds=16, rate=15)) as opened:
        yield opened


@pytest.mark.long
@pytest.mark.parametrize("kind", ["FaceMovementChallenge", "FaceMovementAndLightChallenge"])
def test_the_component_holds_a_session(secured: Secured, site: str, browser: Browser, kind: str) -> None:
    """A rendered head in place of the camera is believed as far as it moves, and not once colours have to light it."""
    believed = kind == "FaceMovementChallenge"
    # A camera that is made by software stutters while the machine is busy; people may try again, too.
    for _ in range(3):
        results = _shown(secured, site, browser, kind)
        assert (results["Status"], results["Challenge"]["Type"]) == ("SUCCEEDED", kind)
        if not believed or results["Confidence"] > 0:
            break
    assert (results["Confidence"] > 0) == believed, results["ResponseMetadata"]["HTTPHeaders"].get("x-regard-liveness")


def _shown(secured: Secured, site: str, browser: Browser, kind: str) -> dict[str, Any]:
    """The results of a session that the component held before the made camera."""
    client = secured.client()
    session = client.create_face_liveness_session(Settings={"ChallengePreferences": [{"Type": kind}]})["SessionId"]
    key = secured.service.environment
    given = {"accessKeyId": key["AWS_ACCESS_KEY_ID"], "secretAccessKey": key["AWS_SECRET_ACCESS_KEY"]}
    address = urlencode({**given, "endpointOverride": secured.service.url, "sessionId": session})
    sockets = []
    with visiting(browser, site, ignore_https_errors=True) as visit:
        visit.page.on("websocket", lambda socket: sockets.append(urlsplit(socket.url).netloc))
        page = visit.go(f"/#{address}")
        # The film of the camera begins anew until the component finds a face that is far enough away.
        page.wait_for_function("window.told", timeout=90_000)
        assert page.evaluate("window.told") == "complete"
        assert not visit.wrong
    assert sockets == [urlsplit(secured.service.url).netloc]
    return dict(client.get_face_liveness_session_results(SessionId=session))


def _held(secured: Secured, modules: Path, session: str, film: Path) -> dict[str, Any]:
    """What `session.mjs` tells of a session that it held."""
    trusted = {"NODE_EXTRA_CA_CERTS": str(secured.certificate), "AWS_REGION": "us-east-1"}
    environment = {**os.environ, **secured.service.environment, **trusted}
    command = ["node", "--experimental-websocket", "--no-warnings", "session.mjs"]
    given = [secured.service.url, session, str(film), str(SECONDS)]
    done = subprocess.run([*command, *given], env=environment, cwd=modules, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
