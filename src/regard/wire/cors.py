"""Cross-origin requests: which web pages' scripts may call the API from a browser (Fetch standard, CORS)."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# What AWS's SDK for browsers sends with a request.
SENT = (
    "authorization",
    "content-type",
    "x-amz-date",
    "x-amz-target",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amz-content-sha256",
    "x-regard-case",
    "x-regard-on-behalf",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
)
# What answers tell in headers, which a script reads only where they are named.
TOLD = (
    "x-amzn-requestid",
    "x-regard-bystanders",
    "x-regard-doubted",
    "x-regard-entry",
    "x-regard-faces-in-picture",
    "x-regard-liveness",
    "x-regard-liveness-page",
    "x-regard-picture",
    "x-regard-profile",
    "x-regard-receipt",
    "x-regard-refused",
    "x-regard-review",
    "x-regard-searched-face",
    "x-regard-sequence",
    "x-regard-suppressed",
    "x-regard-threshold",
    "x-regard-video",
    "x-regard-withheld",
)


def open_to(origins: tuple[str, ...], app: ASGIApp) -> ASGIApp:
    """`app`, whose API at `/` scripts of pages from these origins may call; from `*`, of any page.

    Other paths are not touched: pages open what anyone may read by themselves (`pages.exchanges.OPEN`); those behind a
    login and our own HTTP API stay closed to scripts of other origins.
    """
    if not origins:
        return app
    shared = CORSMiddleware(
        app, allow_origins=origins, allow_methods=("POST",), allow_headers=SENT, expose_headers=TOLD
    )

    async def at_the_root(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = shared if scope["type"] == "http" and scope["path"] == "/" else app
        await chosen(scope, receive, send)

    return at_the_root
