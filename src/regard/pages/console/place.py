"""Where the console is, by which browsers and passkeys know it; and whether a form came from there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import Request

from regard.settings import Settings
from regard.stewardship.staff.passkeys import Place
from regard.wire.senders import is_from_here

_LOCAL = "localhost"
_PORT = re.compile(r":\d+$")


class Elsewhere(PermissionError):
    """The console is not at the address that was asked; the text says where it is."""


class Foreign(PermissionError):
    """A form that another page sent."""


class Places:
    """The one place that a setting names; and localhost, for whoever sits at the service's machine."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.console_url
        self._behind_proxy = settings.behind_proxy

    def is_near(self, request: Request) -> bool:
        """Whether a request came from this machine alone."""
        return is_from_here(request.scope, behind_proxy=self._behind_proxy)

    def of(self, request: Request) -> Place:
        """The place that a request asks for. Raises Elsewhere."""
        host = request.headers.get("host", "")
        near, port = self.is_near(request), _PORT.search(host)
        if near and host.removesuffix(port[0] if port else "") == _LOCAL:
            return Place(f"{request.scope['scheme']}://{host}")
        if self._url is not None and host == urlsplit(self._url).netloc:
            return Place(self._url)
        if near:
            there = f"http://{_LOCAL}{port[0] if port else ''}/console"
            # Browsers take a passkey for a name, and for no address (WebAuthn, 5.1.3).
            raise Elsewhere(f"Browsers take passkeys for a name alone: go to {there}.")
        raise Elsewhere(
            f"The console is at {self._url}."
            if self._url
            else "The console is at localhost alone. REGARD_CONSOLE_URL says where else it may be."
        )

    def check(self, request: Request) -> Place:
        """The place that a form was sent to, by one of its own pages. Raises Elsewhere, Foreign."""
        place, origin = self.of(request), request.headers.get("origin", "")
        # Of a page that tells no referrer a browser calls the origin `null`, and says besides whose page it was (Fetch
        # standard, "append a request Origin header"; Fetch Metadata, 2.3): a script cannot say that itself.
        own = origin == "null" and request.headers.get("sec-fetch-site") == "same-origin"
        if origin != place.origin and not own:
            raise Foreign("This form did not come from the console. Go back to it, and try again.")
        return place
