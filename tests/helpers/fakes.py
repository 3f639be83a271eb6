"""A face analyzer without models: the faces of a picture are the coloured squares painted into it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
import pytest
from botocore.parsers import create_parser
from numpy.typing import NDArray
from PIL import Image

from regard.custom.custom import Custom
from regard.database import open_database
from regard.gallery.gallery import open_gallery
from regard.operations.common.errors import ApiError, translated
from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import function_of
from regard.operations.common.rooms import Rooms
from regard.sealing import master_key
from regard.settings import Settings
from regard.stewardship.policy.call import Call, Caller, Capability, DataClass, Operation
from regard.stewardship.policy.service_model import service_model
from regard.stores.buckets import Buckets
from regard.vision.faces.faces import (
    VERSIONS,
    Box,
    Description,
    Face,
    FaceAnalyzer,
    Landmark,
    Pose,
    Quality,
    UnknownVersion,
)
from regard.vision.pictures.images import Picture
from regard.vision.things.equipment import EquipmentInspector, Person
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import ModerationLabel, Moderator
from regard.vision.things.text import TextReader
from regard.vision.video.film import Films, Limits
from regard.wire.protocol import serialize_answer
from tests.helpers.databases import database_url, keys_url

SIDE = 100
ORGANIZATION = "111122223333"


def person(number: int, dimensions: int = 128) -> NDArray[np.float32]:
    """The embedding of the person with this number, 0 to 255; different persons are almost at right angles."""
    found = np.random.default_rng(number).standard_normal(dimensions).astype(np.float32)
    return (found / np.linalg.norm(found)).astype(np.float32)


@cache
def picture_of(*persons: int, mark: int = 0) -> bytes:
    """A PNG file with one square a person, the first the largest. Pictures with different marks differ."""
    pixels = np.zeros((SIDE, SIDE * max(len(persons), 1), 3), np.uint8)
    pixels[0, 0] = (0, 0, mark)
    for place, number in enumerate(persons):
        side = SIDE - 10 - place
        pixels[5 : 5 + side, place * SIDE + 5 : place * SIDE + 5 + side] = (number, 255, 0)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@dataclass
class FakeAnalyzer:
    """Stands in for FaceAnalyzer. The two profiles share their weights: who embeds by one does by the other."""

    version: str = "1.0"
    # The detector that labels share.
    detector = None

    def wears_glasses(self, _picture: Picture, _face: Face) -> None:
        return None

    def detect(self, picture: Picture) -> list[Face]:
        found = []
        for place in range(picture.width // SIDE):
            square = picture.pixels[:, place * SIDE : (place + 1) * SIDE, 1] == 255
            side = int(square.sum(axis=0).max())
            if side:
                box = Box((place * SIDE + 5) / picture.width, 5 / SIDE, side / picture.width, side / SIDE)
                centre = np.full((5, 2), (place * SIDE + 50, 50), np.float32)
                found.append(Face(box, 99.0, centre))
        return found

    def detect_each(self, frames: Sequence[Picture]) -> list[list[Face]]:
        return [self.detect(frame) for frame in frames]

    def detect_all(self, picture: Picture) -> list[Face]:
        return self.detect(picture)

    def describe(self, picture: Picture, face: Face, wanted: frozenset[str]) -> Description:
        eyes = Landmark("eyeLeft", float(face.points[0, 0]) / picture.width, 0.5)
        return Description((eyes,), Pose(0.0, 0.0, 0.0), Quality(50.0, 50.0))

    def embed(self, picture: Picture, faces: Sequence[Face], version: str | None = None) -> NDArray[np.float32]:
        of_these_weights = VERSIONS.values() if self.version in VERSIONS.values() else (self.version,)
        if version is not None and version not in of_these_weights:
            raise UnknownVersion(version)
        spots = [picture.pixels[50, int(face.points[0, 0]), 0] for face in faces]
        return np.stack([person(int(spot)) for spot in spots]) if spots else np.empty((0, 128), np.float32)


@dataclass
class FakeModerator:
    """Takes a picture for what it is told to."""

    confidence: float = 0.0

    def __call__(self, picture: Picture) -> list[ModerationLabel]:
        return [
            ModerationLabel("Explicit", "", 1, self.confidence),
            ModerationLabel("Explicit Nudity", "Explicit", 2, self.confidence),
        ]


@dataclass
class FakeInspector:
    """Finds the persons that it is told to."""

    persons: tuple[Person, ...] = ()

    def __call__(self, picture: Picture) -> list[Person]:
        return list(self.persons)


@dataclass
class Client:
    """Calls operations in process, as one organization."""

    rooms: Rooms
    organization: str = ORGANIZATION
    most_faces: int | None = None

    def call(self, name: str, /, **parameters: object) -> Call:
        caller = Caller("AKIA", self.organization, "testing", most_faces=self.most_faces)
        operation = Operation(name, Capability.NONE, DataClass.NOTHING)
        return Call(caller, operation, parameters, "eu-central-1", str(uuid4()))

    def __call__(self, name: str, /, **parameters: object) -> dict[str, Any]:
        call = self.call(name, **parameters)
        try:
            return as_botocore_reads_it(name, function_of(name)(call, self.rooms))
        except Exception as error:
            raise translated(error, call) from error

    def refusal(self, name: str, /, **parameters: object) -> tuple[str, str]:
        """The code and the text of the error that a call is refused with."""
        with pytest.raises(ApiError) as refusal:
            self(name, **parameters)
        return refusal.value.code, refusal.value.message

    def index(self, collection: str, *persons: int, mark: int = 0, **parameters: object) -> list[str]:
        """Index a picture of these persons and give the FaceIds."""
        image = {"Bytes": picture_of(*persons, mark=mark)}
        answer = self("IndexFaces", CollectionId=collection, Image=image, **parameters)
        return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def ask_ours(rooms: Rooms, name: str, /, **parameters: object) -> dict[str, Any]:
    """The answer of an operation of our own, which botocore knows no shapes of."""
    return function_of(name)(Client(rooms).call(name, **parameters), rooms)


def as_botocore_reads_it(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, written by the service and read by the parser that clients use."""
    operation = service_model().operation_model(name)
    body = serialize_answer(operation, answer)
    assert operation.output_shape
    parsed = create_parser("json").parse({"status_code": 200, "headers": {}, "body": body}, operation.output_shape)
    return {member: value for member, value in parsed.items() if member != "ResponseMetadata"}


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def open_rooms(folder: Path, clock: Callable[[], float] = time.time, **analyzer: str) -> Rooms:
    """Rooms whose gallery is kept in `folder`; opened twice they are two processes on the same data."""
    engine = open_database(database_url(folder))
    gallery = open_gallery(
        engine, folder / "keys.db", master_key(folder / "master.key"), clock, keys_url=keys_url(folder)
    )
    faces = cast(FaceAnalyzer, FakeAnalyzer(**analyzer))
    return Rooms(
        PictureReader(Buckets(Settings(data_dir=folder))),
        faces,
        gallery,
        lambda _connection, _call: None,
        cast(Moderator, FakeModerator()),
        cast(EquipmentInspector, FakeInspector()),
        cast(LabelFinder, None),
        cast(TextReader, None),
        Films(500, Limits(1 << 30, 360, 2048)),
        custom=Custom(gallery, clock),
    )
