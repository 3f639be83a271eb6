"""A real browser that looks at pages as people do: Debian's Chromium through Playwright, and axe-core within it.

Where there is no Chromium the tests skip and say so; where npm cannot fetch axe-core, everything else is looked at, and
the skip of `tests/pages/test_browser.py` says that. Nothing of ours runs in Playwright's event loop: a test that uses
`browser` calls no `asyncio.run`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
NO_CHROMIUM = f"there is no {CHROMIUM}; `apt-get install chromium` brings it"
NO_AXE = "axe-core could not be fetched by npm: what it looks for was not looked for"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
DESKTOP, PHONE = (1280, 800), (320, 640)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# A camera made by the browser, which nobody has to allow.
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_PACKAGE = Path(__file__).parents[1] / "js" / "axe"
# Reports what the policy of the page's own headers refused, as the console does not tell a script of it.
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""
_AXE = """async (only) => (await axe.run(document, {runOnly: only, resultTypes: ["violations"]})).violations.map(
  (each) => `${each.id}: ${each.help}: ${each.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`)"""
# Where a shape is on the screen, without the breadth of its line.
PLACE = """each => {
  const box = each.getBBox(), to = each.getScreenCTM();
  return {x: to.e + box.x * to.a, y: to.f + box.y * to.d, width: box.width * to.a, height: box.height * to.d};
}"""
_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def open_browser(*more: str) -> Iterator[Browser]:
    """A browser without a window, with `more` arguments. Skips the test where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        # In a container Chromium may neither make namespaces of its own nor use /dev/shm of 64 MiB.
        made = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *more]
        )
        try:
            yield made
        finally:
            made.close()


@dataclass
class Visit:
    """A page in a window of its own, and what it did that no page may: errors, and requests to elsewhere."""

    page: Page
    origin: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the service, and wait until it is there."""
        self.page.goto(self.origin + path)
        return self.page


@contextmanager
def visiting(browser: Browser, origin: str, *, scripts: bool = True, **context: Any) -> Iterator[Visit]:
    """A window on the service at `origin`, with cookies of its own; `context` are Playwright's options of it."""
    window = browser.new_context(java_script_enabled=scripts, **context)
    try:
        yield _watched(window, origin)
    finally:
        window.close()


def look(browser: Browser, origin: str, path: str, cookies: Any = (), **context: Any) -> None:
    """Look at a page on a desk and on a phone, by day and by night; fails for whatever is wrong with it.

    It has no finding of axe-core, breaks no content security policy, writes no error to the console, asks no other
    host for anything, and scrolls down alone.
    """
    with visiting(browser, origin, **context) as visit:
        visit.page.context.add_cookies(list(cookies))
        visit.go(path)
        _narrow(visit.page, path)
        visit.wrong += visit.page.evaluate("window.violations")
    assert not visit.wrong, f"{path}: {visit.wrong}"
    with visiting(browser, origin, bypass_csp=True, **context) as visit:
        visit.page.context.add_cookies(list(cookies))
        look_here(visit.go(path))


def look_here(page: Page) -> None:
    """Look at a page as it stands, such as one that a form led to, in a window with `bypass_csp`."""
    _narrow(page, page.url)
    findings = _findings(page)
    assert not findings, f"{page.url}: " + "\n".join(findings)


def axe() -> str | None:
    """The text of axe-core, fetched by npm once, or None. Workers that fetch it at the same time each put it whole."""
    found = _PACKAGE / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists() and shutil.which("npm"):
        _fetch()
    return found.read_text() if found.exists() else None


def _narrow(page: Page, path: str) -> None:
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(_WIDE) <= 0, f"{path} scrolls sideways at {width} pixels"


def _findings(page: Page) -> list[str]:
    script = _axe()
    if script is None:
        return []
    page.evaluate(script)
    found = []
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            # A scheme changes colours alone: everything else is looked at once a width.
            rules: Any = TAGS if scheme == SCHEMES[0] else {"type": "rule", "values": OF_COLOURS}
            found += [f"{width} {scheme}: {each}" for each in page.evaluate(_AXE, rules)]
    return found


def _watched(window: BrowserContext, origin: str) -> Visit:
    page = window.new_page()
    visit = Visit(page, origin)
    host = urlsplit(origin).netloc
    page.add_init_script(_WATCH)
    page.on("pageerror", lambda error: visit.wrong.append(f"error: {error}"))

    def told(message: Any) -> None:
        # Of a page that says "there is no such thing" the console tells its status.
        if message.type in ("error", "warning") and message.location["url"] != page.url:
            visit.wrong.append(f"{message.text} ({message.location['url']})")

    def asked(request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != host:
            visit.wrong.append(f"asked {request.url}")

    page.on("console", told)
    page.on("request", asked)
    return visit


_axe = cache(axe)


def _fetch() -> None:
    with tempfile.TemporaryDirectory(dir=_PACKAGE) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_PACKAGE / name, folder)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
        if subprocess.run(command, cwd=folder, check=False).returncode == 0:
            modules = _PACKAGE / "node_modules"
            try:
                (Path(folder) / "node_modules").rename(modules)
            except OSError:
                # Another worker was first.
                if not modules.exists():
                    raise
