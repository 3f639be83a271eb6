"""The frame of every HTML page: its templates, its one stylesheet, its scripts, and headers that let nothing else in.

Templates lie in `templates/`; each extends `frame.html`. Whatever a template is given is text: markup is escaped, and
what steers a terminal or turns the direction of writing is left out (`regard.names`). HTML is only what a template
says itself, and what was made with :func:`fragment` or :func:`safe`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from regard.evaluation.document import Block, Heading, as_html
from regard.names import shown
from regard.pages.exchanges import named

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# The pages that every page leads to, in this order: where, and in which words.
NAVIGATION: list[tuple[str, str]] = [
    ("/policy", "Policy"),
    ("/council", "Council"),
    ("/log", "Log"),
    ("/reports", "Reports"),
    ("/models", "Models"),
    ("/appeal", "Appeal"),
    ("/me", "What is held on me"),
]
STATIC = "/static"
_MEDIA = {"css": "text/css", "mjs": "text/javascript", "svg": "image/svg+xml"}
_BARE = Template("$blocks")


def safe(text: str) -> str:
    """Words of anybody as text in HTML: no markup, no control characters, none that turn the direction of writing."""
    return escape(shown(text))


def fragment(blocks: Iterable[Block]) -> Markup:
    """Blocks of a document as HTML, for a template to set within a page. Whatever they say is text."""
    return Markup(as_html(blocks, _BARE, safe))


def rendered(template: str, **told: Any) -> bytes:
    """A template with what it is told; what it asks for and is not told raises."""
    return _environment().get_template(template).render(**told).encode()


def page(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **told: Any) -> Response:
    """An answer with a template. `headers` come besides those that every page has."""
    return HTMLResponse(rendered(template, **told), status, HEADERS | named() | dict(headers or {}))


def document(blocks: Iterable[Block], here: str = "") -> bytes:
    """A page of blocks, whose first heading is its title. `here` is its place in the navigation."""
    blocks = list(blocks)
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return rendered("bare.html", title=title, body=fragment(blocks), here=here)


def framed(title: str, body: str, status: int, headers: dict[str, str]) -> Response:
    """An answer with a page whose `body` is HTML already. `headers` come besides those that every page has."""
    return HTMLResponse(rendered("bare.html", title=title, body=Markup(body)), status, HEADERS | headers)


def static_files() -> list[Route]:
    """The stylesheet and the scripts, by their names."""

    def route(name: str) -> Route:
        media = _MEDIA[name.rpartition(".")[2]]

        def answer(request: Request) -> Response:
            # An address that names the content never has another; scripts that import one another name none.
            age = "max-age=31536000, immutable" if request.url.query == _digest(name) else "max-age=300"
            kept = {"cache-control": f"public, {age}", "x-content-type-options": "nosniff"}
            return Response(_content(name), headers=named() | kept, media_type=media)

        return Route(f"{STATIC}/{name}", answer, methods=["GET"])

    return [route(each.name) for each in (files("regard.pages") / "static").iterdir() if each.is_file()]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("regard.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_as_text,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = _moment
    made.globals |= {"navigation": NAVIGATION, "static": _address, "here": ""}
    return made


def _as_text(value: Any) -> Any:
    return value if isinstance(value, Markup) else shown(str(value))


def _moment(told: str) -> str:
    """An hour as the log tells it, such as 2026-11-29T16:00Z, for people."""
    at = time.strptime(told, "%Y-%m-%dT%H:%MZ")
    return time.strftime(f"{at.tm_mday} %B %Y, %H:%M UTC", at)


@cache
def _content(name: str) -> bytes:
    return (files("regard.pages") / "static" / name).read_bytes()


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:16]


def _address(name: str) -> str:
    """Where a file of `static/` is, by its content: a new version has a new address."""
    return f"{STATIC}/{name}?{_digest(name)}"
