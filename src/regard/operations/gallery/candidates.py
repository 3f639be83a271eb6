"""Matches that an answer may name: where a person's rights are at stake, those that two people confirmed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.gallery.faces import subject
from regard.operations.common.rooms import Rooms
from regard.stewardship.people.review import Match
from regard.stewardship.policy.call import Call
from regard.vision.faces.faces import Face
from regard.vision.pictures.images import Picture

_MARGIN = 0.5


def confirmed(
    call: Call, rooms: Rooms, probe: bytes, matches: list[dict[str, Any]], shown: tuple[Picture, Face] | None = None
) -> list[dict[str, Any]]:
    """The matches that may be told of. `shown` is the face that was searched with, for the reviewers to see."""
    if rooms.reviews is None or not matches:
        return matches
    found = [_match(each) for each in matches]
    told = rooms.reviews.shown(call, probe, lambda: b"" if shown is None else _cut_out(*shown), found)
    return [each for each, match in zip(matches, found, strict=True) if match.whose in told]


def _match(match: dict[str, Any]) -> Match:
    if "User" in match:
        name = match["User"]["UserId"]
        return Match(f"user/{name}", name, match["Similarity"])
    face = match["Face"]
    return Match(subject(face.get("ExternalImageId"), face["FaceId"]), face["FaceId"], match["Similarity"])


def _cut_out(picture: Picture, face: Face) -> bytes:
    box, pixels = face.box, picture.pixels
    left, top = box.left - _MARGIN * box.width, box.top - _MARGIN * box.height
    right, bottom = box.left + (1 + _MARGIN) * box.width, box.top + (1 + _MARGIN) * box.height
    height, width = pixels.shape[:2]
    part: NDArray[np.uint8] = pixels[
        max(round(top * height), 0) : max(round(bottom * height), 1),
        max(round(left * width), 0) : max(round(right * width), 1),
    ]
    file = io.BytesIO()
    Image.fromarray(part).save(file, "JPEG", quality=90)
    return file.getvalue()
