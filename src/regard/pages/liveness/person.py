"""`/liveness/SESSION`: the page on which a person shows that they are before the camera, in any browser.

Whoever created the session is told the page's address with a token behind `#`, which no browser sends to a server; the
page hands it over when it opens the stream. The page itself knows nothing of a session: it is the same for all.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regard.pages.frame import page

PATH = "/liveness/{session:uuid}"


def person_page() -> Route:
    """The route."""

    def answer(_: Request) -> Response:
        return page("liveness.html", 200, {"cache-control": "no-store"})

    return Route(PATH, answer, methods=["GET"])
