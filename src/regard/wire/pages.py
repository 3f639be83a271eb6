"""What answers without a signature: who this is, whether it lives, whether it is ready, what it measures."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.operations.errors import ApiError
from regard.wire import errors
from regard.wire.metrics import CONTENT_TYPE, Metrics


def pages(metrics: Metrics, trouble: Callable[[], str | None]) -> Starlette:
    """The application of these pages. `trouble` says what keeps the service from answering, None for nothing."""

    def home(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(
                {
                    "service": "regard",
                    "version": version("regard"),
                    "api": "Amazon Rekognition, AWS JSON 1.1: POST / with a signature",
                    "pages": ["/healthz", "/readyz", "/metrics"],
                }
            )
        return _refused(ApiError("UnknownOperationException", "The API takes POST / alone."), 405)

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def readyz(_: Request) -> Response:
        cause = trouble()
        if cause is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "cause": cause}, status_code=503)

    def measured(_: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    def unknown(request: Request, _: Exception) -> Response:
        return _refused(ApiError("UnknownOperationException", f"There is nothing at {request.url.path}."), 404)

    return Starlette(
        routes=[
            Route("/", home, methods=["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", measured),
        ],
        exception_handlers={404: unknown},
    )


def _refused(error: ApiError, status: int) -> Response:
    import uuid

    request_id = str(uuid.uuid4())
    return Response(
        errors.error_body(error, request_id),
        status,
        {"x-amzn-requestid": request_id},
        errors.CONTENT_TYPE,
    )
