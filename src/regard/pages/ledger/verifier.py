"""`/log/verify.html`: the page that checks receipts and the log in the browser of whoever does not trust the server.

It is one file, the same bytes from any service of a version, from a mirror and from disk: its style and its script are
within it, allowed by their digests in a policy of its own. No other page has anything inline.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import OPEN, named
from regard.pages.frame import HEADERS, rendered

VERIFIER = "/log/verify.html"
_SCRIPT, _STYLE = "verify.mjs", "style.css"
_POLICY = "content-security-policy"


@cache
def verifier_page() -> bytes:
    """The file. It names no service and no key, so that it is the same for everybody."""
    return rendered("verify.html", policy=_policy(), script=Markup(_part(_SCRIPT)), style=Markup(_part(_STYLE)))


def verifier_digest() -> str:
    """The SHA-256 of the file, in hexadecimal: what a copy of it from anywhere must have."""
    return hashlib.sha256(verifier_page()).hexdigest()


def verifier_route(path: str = VERIFIER) -> Route:
    """The route of the file; a witness, or anybody else, may serve it too."""
    # A page cannot forbid in itself that others frame it.
    headers = HEADERS | OPEN | {_POLICY: f"{_policy()}; frame-ancestors 'none'", "cache-control": "no-cache"}

    def answer(_: Request) -> Response:
        return HTMLResponse(verifier_page(), headers=headers | named())

    return Route(path, answer, methods=["GET"])


def _policy() -> str:
    """What the page may do: run its own script, and read a log wherever that is."""
    return (
        f"default-src 'none'; script-src {_digest(_SCRIPT)}; style-src {_digest(_STYLE)}; img-src data:; "
        "connect-src http: https:; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    )


def _digest(name: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(_part(name).encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (files("regard.pages") / "static" / name).read_text("utf-8")
