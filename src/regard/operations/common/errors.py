"""Errors as the API answers them: a code that clients match, and a text that helps. :mod:`regard.wire.errors` puts them
into bytes.

The rooms below raise errors of their own; :func:`translated` says them in the words of the API.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from regard.custom.errors import CustomChanged, NoSuchResource, ResourceExists, ResourceInUse, ResourceNotReady
from regard.custom.versions.documents import MalformedDocument
from regard.custom.versions.policies import OtherRevision
from regard.gallery.collections.errors import (
    BadPageToken,
    CollectionExists,
    CollectionSealed,
    FaceChanged,
    NoSuchCollection,
    NoSuchFace,
    NoSuchFigure,
    NoSuchUser,
    OtherModel,
    QuotaExceeded,
    TermsChanged,
    TokenReused,
    UserExists,
)
from regard.jobs.errors import JobChanged, OtherInput
from regard.jobs.sns import TopicRefused
from regard.liveness.errors import SessionChanged
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.flows import NoFlows, NoSuchFlow
from regard.stewardship.people.loops import LoopExists, TooManyLoops
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable
from regard.streams.errors import (
    NoSource,
    NoSuchProcessor,
    ProcessorChanged,
    ProcessorExists,
    ProcessorInUse,
    TooManyProcessors,
)
from regard.streams.kinesis import StreamRefused
from regard.vision.faces.faces import UnknownVersion
from regard.vision.models.manifest import WeightsError
from regard.vision.models.runtime import RuntimeUnavailable
from regard.vision.pictures.images import Damaged, TooManyPixels, TooSmall, UnknownFormat
from regard.vision.things.text import BadPattern
from regard.vision.video.film import VideoError

# Most faults are the client's, 400; the contract declares no other status.
_STATUS = {
    "InternalServerError": 500,
    "RequestEntityTooLargeException": 413,
    "RequestTimeoutException": 408,
    "UnsupportedMediaTypeException": 415,
}


class ApiError(Exception):
    """An error answer: `code` as in the service model (or one that AWS sends unmodelled), and its text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS.get(self.code, 400)


def invalid_parameter(cause: str) -> ApiError:
    """AWS says only that parameters are invalid; the cause that users ask for comes after its words."""
    return ApiError("InvalidParameterException", f"Request has invalid parameters: {cause}")


def no_such_resource(message: str) -> ApiError:
    """What the call names is not there, or belongs to another organization."""
    return ApiError("ResourceNotFoundException", message)


def translated(error: Exception, call: Call) -> ApiError:
    """`error`, raised by a room below while it worked on `call`, in the words of the API.

    What no room is known to raise is a fault of ours and passes as it is.
    """
    for kind, say in _WORDS.items():
        if isinstance(error, kind):
            return say(error, call)
    raise error


_Words = Callable[[Any, Call], ApiError]

# More special errors before more general ones: the first that fits is said.
_WORDS: dict[type[Exception], _Words] = {
    ApiError: lambda error, _: error,
    UnknownFormat: lambda error, _: ApiError(
        "InvalidImageFormatException", f"Request has invalid image format. {error}"
    ),
    Damaged: lambda error, _: ApiError("InvalidImageFormatException", f"Request has invalid image format. {error}"),
    TooManyPixels: lambda error, _: ApiError("ImageTooLargeException", f"Image size is too large. {error}"),
    TooSmall: lambda error, _: invalid_parameter(str(error)),
    ObjectTooLarge: lambda error, _: ApiError("ImageTooLargeException", f"Image size is too large. {error}"),
    ObjectUnavailable: lambda error, _: ApiError("InvalidS3ObjectException", f"{_NO_OBJECT} {error}"),
    BucketRefused: lambda error, _: ApiError("InvalidS3ObjectException", f"{_NO_OBJECT} {error}"),
    TopicRefused: lambda error, _: invalid_parameter(str(error)),
    StreamRefused: lambda error, _: invalid_parameter(str(error)),
    NoSource: lambda error, _: invalid_parameter(str(error)),
    NoSuchProcessor: lambda error, _: no_such_resource(str(error)),
    ProcessorExists: lambda error, _: ApiError("ResourceInUseException", str(error)),
    ProcessorInUse: lambda error, _: ApiError("ResourceInUseException", str(error)),
    ProcessorChanged: lambda error, _: ApiError("InternalServerError", str(error)),
    TooManyProcessors: lambda error, _: ApiError("LimitExceededException", str(error)),
    CollectionSealed: lambda error, call: ApiError("AccessDeniedException", _denial(_sealed(error), call)),
    FaceChanged: lambda error, call: ApiError(
        "AccessDeniedException", _denial(Denied("face-changed", str(error)), call)
    ),
    TermsChanged: lambda error, call: ApiError(
        "AccessDeniedException", _denial(Denied("terms-changed", str(error)), call)
    ),
    NoSuchCollection: lambda error, _: no_such_resource(str(error)),
    NoSuchUser: lambda error, _: no_such_resource(str(error)),
    NoSuchFigure: lambda error, _: no_such_resource(str(error)),
    NoSuchResource: lambda error, _: no_such_resource(str(error)),
    ResourceInUse: lambda error, _: ApiError("ResourceInUseException", str(error)),
    ResourceExists: lambda error, _: ApiError("ResourceAlreadyExistsException", str(error)),
    OtherRevision: lambda error, _: ApiError("InvalidPolicyRevisionIdException", str(error)),
    MalformedDocument: lambda error, _: ApiError("MalformedPolicyDocumentException", str(error)),
    ResourceNotReady: lambda error, _: ApiError("ResourceNotReadyException", str(error)),
    NoSuchFace: lambda error, _: ApiError("InvalidParameterException", str(error)),
    OtherModel: lambda error, _: invalid_parameter(str(error)),
    UnknownVersion: lambda error, _: invalid_parameter(str(error)),
    VideoError: lambda error, _: ApiError("InvalidParameterException", str(error)),
    BadPattern: lambda error, _: invalid_parameter(str(error)),
    NoSuchFlow: lambda error, _: no_such_resource(str(error)),
    NoFlows: lambda error, _: ApiError("HumanLoopQuotaExceededException", str(error)),
    TooManyLoops: lambda error, _: ApiError("HumanLoopQuotaExceededException", str(error)),
    LoopExists: lambda error, _: invalid_parameter(str(error)),
    CollectionExists: lambda error, _: ApiError("ResourceAlreadyExistsException", str(error)),
    UserExists: lambda error, _: ApiError("ConflictException", str(error)),
    QuotaExceeded: lambda error, _: ApiError("ServiceQuotaExceededException", str(error)),
    BadPageToken: lambda error, _: ApiError("InvalidPaginationTokenException", str(error)),
    JobChanged: lambda error, _: ApiError("InternalServerError", str(error)),
    SessionChanged: lambda error, _: ApiError("InternalServerError", str(error)),
    CustomChanged: lambda error, _: ApiError("InternalServerError", str(error)),
    OtherInput: lambda error, _: ApiError("IdempotentParameterMismatchException", str(error)),
    TokenReused: lambda error, _: ApiError("IdempotentParameterMismatchException", str(error)),
    NotLogged: lambda error, _: ApiError(
        "InternalServerError", f"The call is not logged, and so not answered: {error}"
    ),
    # Models load when first needed: who asks first is told what the operator has to do.
    WeightsError: lambda error, _: ApiError("InternalServerError", str(error)),
    RuntimeUnavailable: lambda error, _: ApiError("InternalServerError", str(error)),
    Denied: lambda error, call: ApiError("AccessDeniedException", _denial(error, call)),
}
_NO_OBJECT = "Unable to get object metadata from S3. Check object key, region and/or access permissions."


def _sealed(error: CollectionSealed) -> Denied:
    remedy = f"each member of the council gives their share: `regard collections unseal {error.seal} --as NAME`."
    return Denied("sealed-collection", str(error), appeal=remedy)


def _denial(error: Denied, call: Call) -> str:
    resource = call.arn(f"collection/{call.parameters['CollectionId']}") if "CollectionId" in call.parameters else "*"
    user = f"arn:aws:iam::{call.caller.organization}:user/{call.caller.access_key_id}"
    return (
        f"User: {user} is not authorized to perform: rekognition:{call.operation.name} on resource: {resource}. {error}"
    )
