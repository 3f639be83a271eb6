"""The page of a witness: `POST /add-checkpoint` as C2SP `tlog-witness` has it, and one that says who it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from regard.ledger.tree.notes import Verifier
from regard.ledger.witnesses.witness import Answer
from regard.pages.exchanges import TooLarge, body_within
from regard.pages.ledger.verifier import verifier_route

# A checkpoint with a hundred signatures and the longest proof there is.
MOST_BODY_BYTES = 64 * 1024
_BODY_SECONDS = 10.0
# Where a witness has the page that verifies logs, for whoever would not have it from the operator.
VERIFIER = "/verify.html"
_SIZE = "text/x.tlog.size"


def witness_pages(add_checkpoint: Callable[[bytes], Answer], key: Verifier, logs: Sequence[str]) -> Starlette:
    """The application. `logs` are the names of the logs that it witnesses; nothing else is kept from anyone."""

    def home(_: Request) -> Response:
        return JSONResponse({"witness": key.name, "key": str(key), "logs": list(logs)})

    async def add(request: Request) -> Response:
        try:
            body = await body_within(request, MOST_BODY_BYTES, _BODY_SECONDS)
        except TimeoutError:
            return PlainTextResponse("the request did not arrive in time\n", 408)
        except ClientDisconnect:
            return Response(status_code=400)
        except TooLarge:
            return PlainTextResponse(f"a request has at most {MOST_BODY_BYTES} bytes\n", 413)
        status, answer = await run_in_threadpool(add_checkpoint, body)
        return Response(answer, status, media_type=_SIZE if status == 409 else "text/plain")

    return Starlette(
        routes=[Route("/", home), Route("/add-checkpoint", add, methods=["POST"]), verifier_route(VERIFIER)]
    )
