"""The pictures of pages that the documents show, taken anew: of a service of its own, on which nobody is enrolled.

    apt-get install chromium && pip install playwright
    python examples/screenshots.py [FOLDER]

They go to docs/pictures unless another folder is named. No face is in them, and no word of anybody.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


class Shot(NamedTuple):
    """A picture: its name, the page, and how wide and how high the window is, by day or by night."""

    name: str
    path: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"] = "light"


SHOTS = (
    Shot("home", "/", (1000, 720)),
    Shot("policy", "/policy?sector=law-enforcement&purpose=identity-verification", (1000, 640)),
    Shot("log-phone", "/log", (360, 720), "dark"),
)


def main() -> None:
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"REGARD_DATA_DIR": folder, "REGARD_WARM": "none", "REGARD_PORT": "0"}
        command = [sys.executable, "-m", "regard.cli", "serve"]
        service = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
        try:
            origin = _address(service)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
                for shot in SHOTS:
                    _take(browser, origin, shot, to / f"{shot.name}.png")
        finally:
            service.terminate()
            service.wait()


def _address(service: subprocess.Popen[str]) -> str:
    assert service.stdout
    for line in service.stdout:
        if line.startswith("regard listens on "):
            return line.removeprefix("regard listens on ").strip()
    raise SystemExit("the service did not start; its words are above")


def _take(browser: Browser, origin: str, shot: Shot, to: Path) -> None:
    width, height = shot.size
    window = browser.new_context(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
    page = window.new_page()
    page.goto(origin + shot.path)
    page.screenshot(path=to)
    window.close()
    print(to)


if __name__ == "__main__":
    main()
