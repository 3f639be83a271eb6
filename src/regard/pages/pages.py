"""The application of all pages, and those that say who this is, whether it lives, is ready, and what it measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from regard.operations.common.errors import ApiError
from regard.pages.exchanges import BY_ACCEPT, OPEN, named, wants_page
from regard.pages.frame import framed, safe, static_files
from regard.pages.public.kept import Kept
from regard.wire import errors
from regard.wire.metrics import CONTENT_TYPE, Metrics

_PUBLIC = "/log/"  # what is not there is told to whom what is there would be


def pages(
    metrics: Metrics,
    trouble: Callable[[], str | None],
    more: Sequence[Route | WebSocketRoute] = (),
    front: Callable[[], Response] | None = None,
) -> Starlette:
    """The application of these pages and of `more`. `trouble` says what keeps the service from answering.

    `front` is the first page for people; programs are told of the pages that there are.
    """

    # What is installed is looked up once, and not for each who asks.
    paths = dict.fromkeys(route.path for route in more if isinstance(route, Route))
    told = {
        "service": "regard",
        "version": version("regard"),
        "api": "Amazon Rekognition, AWS JSON 1.1: POST / with a signature",
        "pages": ["/healthz", "/readyz", "/metrics", *paths],
    }

    # Some of the figures are read from databases, and anyone may ask for them.
    measured_lately = Kept(metrics.text)

    def home(request: Request) -> Response:
        if front is not None and wants_page(request):
            answer = front()
            answer.headers.update(BY_ACCEPT)
            return answer
        return JSONResponse(told, headers=named() | OPEN | BY_ACCEPT)

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=named())

    def readyz(_: Request) -> Response:
        cause = trouble()
        if cause is None:
            return JSONResponse({"status": "ready"}, headers=named())
        return JSONResponse({"status": "not ready", "cause": cause}, 503, named())

    def measured(_: Request) -> Response:
        return Response(measured_lately(), headers=named(), media_type=CONTENT_TYPE)

    def unknown(request: Request, _: Exception) -> Response:
        return _refused(request, f"There is nothing at {request.url.path}.", 404)

    def wrong_method(request: Request, _: Exception) -> Response:
        # One path may have a route for each method; of these Starlette names the first alone.
        found = (route for route in app.routes if isinstance(route, Route) and route.matches(request.scope)[0].value)
        taken = " and ".join(sorted({method for route in found for method in route.methods or ()}))
        cause = f"{request.url.path} takes {taken}, not {request.method}. The API takes POST / alone."
        return _refused(request, cause, 405, taken.replace(" and ", ", "))

    app = Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", measured),
            *static_files(),
            *more,
        ],
        exception_handlers={404: unknown, 405: wrong_method},
    )
    app.router.redirect_slashes = False
    return app


def _refused(request: Request, cause: str, status: int, allow: str = "") -> Response:
    """The refusal as AWS would say it; to a browser, which would offer that as a file to keep, as a page."""
    headers = named() | BY_ACCEPT | ({"allow": allow} if allow else {})
    if status == 404 and request.url.path.startswith(_PUBLIC):
        headers |= OPEN
    if wants_page(request):
        title = "Nothing is here" if status == 404 else "Not in this way"
        body = f'<h1>{title}</h1><p>{safe(cause)}</p><p><a href="/">What there is</a></p>'
        return framed(title, body, status, headers)
    body_told = errors.error_body(ApiError("UnknownOperationException", cause), headers["x-amzn-requestid"])
    return Response(body_told, status, headers, errors.CONTENT_TYPE)
