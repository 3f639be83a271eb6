"""The `Image` member of a request, fetched and decoded; what a picture is, :mod:`regard.vision.pictures.images`
says.
"""

from __future__ import annotations

from typing import Any

from regard.operations.common.errors import invalid_parameter
from regard.stewardship.policy.call import Call
from regard.stores.buckets import Buckets
from regard.vision.pictures.images import Picture, TooManyPixels, decode, require_side

LEAST_SIDE = 80  # pixels; the contract's limit for every operation but protective equipment
MOST_BYTES_FROM_S3 = 15 * 1024 * 1024
ANY_SIDE = 1
_HEADER = "x-regard-picture"


class PictureReader:
    """Reads the pictures that calls name. Inline bytes were limited by the service model already."""

    def __init__(self, buckets: Buckets) -> None:
        self.buckets = buckets

    def read(self, call: Call, image: dict[str, Any], least_side: int = LEAST_SIDE) -> Picture:
        """The picture of an `Image` member, upright RGB. Raises what images and buckets raise, and ApiError."""
        return self.decoded(call, self.data(call, image), least_side)

    def decoded(self, call: Call, data: bytes, least_side: int = LEAST_SIDE) -> Picture:
        """The picture in a file that a call sent, upright RGB; remarks what it lacks. Raises what images raise."""
        picture = decode(data)
        require_side(picture, least_side)
        if picture.lacks_end:
            call.remarks[_HEADER] = "The file lacks its end, but no pixel; it may have been cut off on the way."
        return picture

    def data(self, call: Call, image: dict[str, Any]) -> bytes:
        """The bytes of the picture file, not yet decoded."""
        given, place = image.get("Bytes"), image.get("S3Object")
        if (given is None) == (place is None):
            raise invalid_parameter("Image must have either Bytes or S3Object.")
        if given is not None:
            return bytes(given)
        assert place is not None
        if not (place.get("Bucket") and place.get("Name")):
            raise invalid_parameter("S3Object must have a Bucket and a Name.")
        return self.buckets.read(
            call.caller.organization, place["Bucket"], place["Name"], place.get("Version"), MOST_BYTES_FROM_S3
        )


def require_at_most(picture: Picture, most_side: int) -> None:
    """Raise TooManyPixels when a side of the picture is longer than an operation takes, in pixels."""
    if max(picture.width, picture.height) > most_side:
        raise TooManyPixels(
            f"The picture is {picture.width}×{picture.height} pixels; each side may have at most {most_side:,}."
        )
