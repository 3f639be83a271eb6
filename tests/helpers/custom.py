"""Custom labels in the process of the test: a store, pictures of colours, and rooms that train on them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.custom.projects import Feature, Project
from regard.operations.common.pictures import PictureReader
from regard.operations.common.rooms import Rooms
from regard.settings import Settings
from regard.stores.buckets import Buckets
from regard.vision.heads.head import Base
from regard.vision.pictures.images import Picture
from regard.vision.things.candidates import Seeker
from regard.vision.things.features import Features
from tests.helpers.fakes import ORGANIZATION, Client, Clock, open_rooms
from tests.helpers.shapes import Windows
from tests.helpers.stores import KEY_ID, SECRET, store_client
from tests.helpers.working import with_jobs

REGION = "eu-central-1"
# What each label's pictures look like: a colour, and so much noise.
COLOURS = {"green": (20, 200, 20), "blue": (20, 20, 200), "grey": (120, 120, 120)}
SIDE = 64


@dataclass
class Colours:
    """Stands in for Features: the colours of the four quarters of a picture. Counts the pictures that it saw."""

    seen: int = 0

    @property
    def base(self) -> Base:
        return Base("colours", "0" * 64, "quarters")

    def features_of(self, picture: Picture) -> NDArray[np.float32]:
        self.seen += 1
        rows, columns = picture.height // 2, picture.width // 2
        quarters = [picture.pixels[y : y + rows, x : x + columns] for y in (0, rows) for x in (0, columns)]
        return (np.stack([each.mean(axis=(0, 1)) for each in quarters]).ravel() / 128 - 1).astype(np.float32)


def unrelated(_base: Base) -> NDArray[np.float32]:
    """Stands in for the features of the unrelated pictures that ship: those of pictures of noise in grey."""
    draw = np.random.default_rng(7)
    return np.repeat(draw.uniform(-1, 1, (40, 4)), 3, axis=1).astype(np.float32)


def coloured(label: str, number: int, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """A PNG file of the colour of a label, another one for each number."""
    draw = np.random.default_rng([number, *label.encode()])
    pixels = np.clip(draw.normal(COLOURS[label], 25, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def settings_of(endpoint: str) -> Settings:
    """What lets the organization of the test read and write in that store."""
    return Settings(
        s3_endpoint=endpoint,
        s3_region="us-east-1",
        s3_access_key_id=KEY_ID,
        s3_secret_access_key=SECRET,
        s3_allowed=(f"{ORGANIZATION}=pictures/",),
        s3_writable=("*=results/",),
    )


def custom_rooms(folder: Path, clock: Clock, endpoint: str) -> Rooms:
    """Rooms that train, with a desk for jobs."""
    rooms = with_jobs(open_rooms(folder, clock), folder, clock)
    pictures = PictureReader(Buckets(settings_of(endpoint)))
    return replace(rooms, pictures=pictures, features=cast(Features, Colours()), seeker=cast(Seeker, Windows()))


def project_of(rooms: Rooms, name: str, feature: Feature = Feature.CUSTOM_LABELS, owner: str = ORGANIZATION) -> str:
    """The ARN of a project that is made."""
    assert rooms.workshop is not None
    with rooms.gallery.writing() as connection:
        made: Project = rooms.workshop.projects.create(connection, owner, name, feature, None, {})
    return f"arn:aws:rekognition:{REGION}:{owner}:{made.resource}"


def line(key: str, *labels: str, bucket: str = "pictures") -> dict[str, Any]:
    """A line of a manifest: a picture of the bucket, and its labels."""
    told: dict[str, Any] = {"source-ref": f"s3://{bucket}/{key}"}
    for number, label in enumerate(labels):
        told[f"label-{number}"] = 1
        told[f"label-{number}-metadata"] = {
            "confidence": 1,
            "job-name": "j",
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": "2026-11-29T00:00:00",
            "type": "groundtruth/image-classification",
        }
    return told


def put_pictures(endpoint: str, prefix: str, numbers: Sequence[int], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Put pictures of labels into the store; the lines of a manifest that lists them."""
    client, lines = store_client(endpoint), []
    for number in numbers:
        for label in labels:
            key = f"{prefix}/{label}-{number}.png"
            client.put_object(Bucket="pictures", Key=key, Body=coloured(label, number))
            lines.append(line(key, label))
    return lines


def put_manifest(endpoint: str, name: str, lines: Sequence[Mapping[str, Any] | str]) -> dict[str, Any]:
    """Put a manifest into the store; its Asset."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in lines]
    store_client(endpoint).put_object(Bucket="pictures", Key=name, Body="\n".join(texts).encode())
    return {"GroundTruthManifest": {"S3Object": {"Bucket": "pictures", "Name": name}}}


def described(client: Client, project: str, *names: str) -> dict[str, Any]:
    """The description of the newest version of a project, or of the one of this name."""
    more: dict[str, Any] = {"VersionNames": list(names)} if names else {}
    found: list[dict[str, Any]] = client("DescribeProjectVersions", ProjectArn=project, **more)[
        "ProjectVersionDescriptions"
    ]
    return found[0]


def file_at(endpoint: str, place: Mapping[str, Any]) -> bytes:
    """The bytes of an S3Object."""
    where = place["S3Object"]
    found: bytes = store_client(endpoint).get_object(Bucket=where["Bucket"], Key=where["Name"])["Body"].read()
    return found
