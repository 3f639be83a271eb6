"""Sources of pictures for `regard index`: files and folders, lists in CSV, and S3-compatible buckets."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from regard.commands.pictures.pictures import SUFFIXES, pictures_under
from regard.stores.buckets import Buckets

_S3 = "s3://"
_LISTS = ".csv"


class NameFrom(StrEnum):
    """Where the ExternalImageId of a face comes from."""

    FILE = "file"
    FOLDER = "folder"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Source:
    """A picture somewhere. `state` is another when the picture is; `image` gives the parameter of that name."""

    where: str
    state: tuple[str | int, ...]
    name: str | None
    image: Callable[[], dict[str, Any]] = field(compare=False)


def sources_in(places: Iterable[str], name_from: NameFrom, buckets: Buckets, organization: str) -> Iterator[Source]:
    """The pictures in places, in a fixed order.

    A place is a picture, a folder, a CSV file with a column `image` and perhaps `name`, or s3://BUCKET/PREFIX. Raises
    ValueError for a place that is none of them, BucketRefused, ObjectUnavailable.
    """
    for place in places:
        path = Path(place)
        if place.startswith(_S3):
            yield from _in_bucket(place, name_from, buckets, organization)
        elif path.suffix.lower() == _LISTS and path.is_file():
            yield from _in_list(path, name_from)
        elif path.exists():
            yield from (_of_file(file, _name_of(file.resolve(), name_from)) for file in pictures_under([path]))
        else:
            raise ValueError(f"{place} is no file, no folder and no s3://BUCKET/PREFIX")


def _of_file(file: Path, name: str | None) -> Source:
    state: tuple[int, ...] = ()
    # That it is not there is told when it is to be read.
    with suppress(OSError):
        status = file.stat()
        state = (status.st_size, status.st_mtime_ns)
    return Source(str(file), state, name, lambda: {"Bytes": file.read_bytes()})


def _in_list(path: Path, name_from: NameFrom) -> Iterator[Source]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if "image" not in (rows.fieldnames or ()):
            raise ValueError(f"{path} has no column image; a column name may stand beside it")
        for row in rows:
            file = path.parent / row["image"]
            yield _of_file(file, _allowed(row.get("name") or "") or _name_of(file.resolve(), name_from))


def _in_bucket(place: str, name_from: NameFrom, buckets: Buckets, organization: str) -> Iterator[Source]:
    bucket, _, prefix = place.removeprefix(_S3).partition("/")
    for name, version in buckets.names(organization, bucket, prefix):
        path = PurePosixPath(name)
        if path.suffix.lower() in SUFFIXES:
            image = {"S3Object": {"Bucket": bucket, "Name": name}}
            yield Source(f"{_S3}{bucket}/{name}", (version,), _name_of(path, name_from), image.copy)


def _name_of(path: PurePath, name_from: NameFrom) -> str | None:
    if name_from is NameFrom.NONE:
        return None
    return _allowed(path.stem if name_from is NameFrom.FILE else path.parent.name) or None


def _allowed(name: str) -> str:
    """The name with what an ExternalImageId may not have replaced."""
    return re.sub(r"[^a-zA-Z0-9_.\-:]", "_", name)[:255]
