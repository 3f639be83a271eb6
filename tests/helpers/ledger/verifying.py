"""The script of the page that verifies logs, asked as the page asks it: in a browser, and under node where that is."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from regard.pages.frame import static_files
from tests.helpers.ledger.served_log import Book, serving

Ask = Callable[..., dict[str, Any]]
"""A task of `tests/js/verifying.mjs`, with what it is told: what comes back."""

_TASKS = Path(__file__).parents[2] / "js" / "verifying.mjs"
_SCRIPT = Path(str(files("regard.pages"))) / "static" / "verify.mjs"
_ASK = """async ([task, told]) => {
  const [tasks, script] = await Promise.all([import("/verifying.mjs"), import("/static/verify.mjs")]);
  return tasks[task](script, told);
}"""


def under_node(task: str, **told: Any) -> dict[str, Any]:
    """Ask under node. Skips the test where there is none."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine: apt-get install nodejs")
    command = [node, "--no-warnings", str(_TASKS), str(_SCRIPT), task]
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@contextmanager
def within(browser: Browser) -> Iterator[Ask]:
    """Ask in a browser, on an empty page of this machine."""
    tasks = Response(_TASKS.read_bytes(), media_type="text/javascript")
    routes = [Route("/", lambda _: HTMLResponse("")), Route("/verifying.mjs", lambda _: tasks), *static_files()]
    with serving(Starlette(routes=routes)) as address:
        page = browser.new_page()
        page.goto(address)

        def ask(task: str, **told: Any) -> dict[str, Any]:
            return dict(page.evaluate(_ASK, [task, told]))

        yield ask
        page.close()


def told_of(book: Book, folder: Path, **more: Any) -> dict[str, Any]:
    """What a verifier is told of a log that lies in a folder as `copy` makes it."""
    found = {path.relative_to(folder).as_posix(): encoded(path) for path in folder.rglob("*") if path.is_file()}
    return {"key": book.key, "files": found} | more


def encoded(data: Path | bytes) -> str:
    """The bytes of a file, or bytes, in base64."""
    return base64.b64encode(data.read_bytes() if isinstance(data, Path) else data).decode()
