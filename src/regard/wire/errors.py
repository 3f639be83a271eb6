"""Error answers as bytes on the wire, as AWS's clients read them; which error it is,
:mod:`regard.operations.common.errors` says.
"""

from __future__ import annotations

import msgspec

from regard.operations.common.errors import ApiError

CONTENT_TYPE = "application/x-amz-json-1.1"
TOO_SLOW = "RequestTimeoutException"


def error_body(error: ApiError, request_id: str) -> bytes:
    """The body: clients take the code from `__type` and the text from `Message`, or `message` in older ones."""
    return msgspec.json.encode(
        {"__type": error.code, "Code": error.code, "Logref": request_id, "Message": error.message}
    )


def unknown_operation(target: str) -> ApiError:
    """The target names no operation of the service model."""
    return ApiError("UnknownOperationException", f"There is no operation {target!r} in Amazon Rekognition.")


def refused(name: str, rule: str) -> ApiError:
    """A rule of the policy refuses the operation to everybody."""
    return ApiError("AccessDeniedException", f"{name} is not answered here: {rule} See docs/coverage.md.")


def throttled() -> ApiError:
    """The queue is full. Clients wait and try again."""
    return ApiError("ThrottlingException", "Slow down; sudden increase in rate of requests.")


def too_large(most: int) -> ApiError:
    """The body is larger than any request of the API can be."""
    return ApiError("RequestEntityTooLargeException", f"The request is larger than {most} bytes.")


def too_slow(seconds: float) -> ApiError:
    """The body did not arrive in time."""
    return ApiError(TOO_SLOW, f"The body did not arrive within {seconds:.0f} seconds.")


def wrong_media(media: str) -> ApiError:
    """The request is not in the protocol that the API speaks."""
    return ApiError("UnsupportedMediaTypeException", f"Content-Type must be {CONTENT_TYPE}, not {media!r}.")


def compressed(encoding: str) -> ApiError:
    """The body is packed, as no request of this API may be: what it unpacks to could be of any size."""
    if "aws-chunked" in encoding:
        return ApiError(
            "UnsupportedMediaTypeException",
            "The body is signed in chunks (Content-Encoding: aws-chunked), as only S3 takes it: send it whole.",
        )
    return ApiError(
        "UnsupportedMediaTypeException",
        f"The body is packed (Content-Encoding: {encoding}): send it as it is. boto3 packs none with "
        "Config(disable_request_compression=True).",
    )


def unknown_key() -> ApiError:
    """No such key, or one without the session token that belongs to it. One text, so that nothing can be probed."""
    return ApiError("UnrecognizedClientException", "The security token included in the request is invalid.")


def expired_key() -> ApiError:
    """The key had its term."""
    return ApiError("ExpiredTokenException", "The security token included in the request is expired.")
