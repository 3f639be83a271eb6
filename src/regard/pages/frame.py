"""The frame of every HTML page: one stylesheet, no script, and headers that let nothing else in.

What is within it is either blocks of `evaluation.document`, or HTML that was made with :func:`safe`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from regard.evaluation.document import Block, as_html
from regard.names import shown
from regard.pages.exchanges import named

STYLE = "/style.css"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_FRAME = Template(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>$title – regard</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f'<link rel="stylesheet" href="{STYLE}"></head>\n'
    '<body><header><a class="skip" href="#main">Skip to the content</a></header>\n'
    '<main id="main">\n$blocks\n</main></body></html>\n'
)


def safe(text: str) -> str:
    """Words of anybody as text in HTML: no markup, no control characters, none that turn the direction of writing."""
    return escape(shown(text))


def document(blocks: Iterable[Block]) -> bytes:
    """A page of blocks, whose first heading is its title. Whatever they say is text."""
    return as_html(blocks, _FRAME, safe).encode()


def framed(title: str, body: str, status: int, headers: dict[str, str]) -> Response:
    """An answer with a page whose `body` is HTML already. `headers` come besides those that every page has."""
    return HTMLResponse(_FRAME.substitute(title=safe(title), blocks=body), status, HEADERS | headers)


def stylesheet() -> Route:
    """The route of the one stylesheet."""
    style = files("regard.pages").joinpath("style.css").read_bytes()

    def answer(_: Request) -> Response:
        headers = named() | {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
        return Response(style, headers=headers, media_type="text/css")

    return Route(STYLE, answer, methods=["GET"])
