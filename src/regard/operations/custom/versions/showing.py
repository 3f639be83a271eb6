"""What the console shows of versions: what each is worth, what it told of its test, and the pictures of that, small."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from enum import StrEnum, auto
from typing import Any

import msgspec
from PIL import Image
from sqlalchemy import Connection

from regard.custom.arns import parse
from regard.custom.errors import CustomChanged, NoSuchResource
from regard.custom.versions.loaded import read
from regard.custom.versions.models import PICTURED, ModelFile, model_of
from regard.custom.versions.versions import Version
from regard.custom.workbench.tested import SUMMARY, Tested, figures_in, results_of, tested_in
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.pictures import MOST_BYTES_FROM_S3
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.settling import workshop_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable
from regard.vision.pictures.images import ImageError, decode

# Of a call: versions, and pictures. A page has fewer than a hundred kilobytes without its pictures.
MOST_VERSIONS, MOST_PICTURES = 20, 64
# Pixels of the longer side, of a picture on a page.
SIDE = 160
# Pictures that are fetched at once, and for how many seconds the store is waited for: somebody waits for the page.
_AT_ONCE, _SECONDS = 4, 10.0


class Whose(StrEnum):
    """Whose the pictures of a copy's test are."""

    OWN = auto()
    ANOTHER = auto()
    GONE = auto()


class Source(msgspec.Struct, frozen=True):
    """The version that a copy comes from in the end: its project and name where it was the organization's own."""

    whose: Whose
    name: str = ""
    version: int = 0
    digest: str = ""


@operation("DescribeVersionResults", Capability.READ, DataClass.OBJECTS, ours=True)
def describe_version_results(call: Call, rooms: Rooms) -> Answer:
    """What versions of a project are worth, by the `VersionNames` of the call, 20 at most; one without a model is left
    out, and with `Whole` the pictures of the tests come along. Of a copy `beside` says where its pictures are.
    """
    given, whole = call.parameters, bool(call.parameters.get("Whole"))
    told: dict[str, Any] = {}
    with rooms.gallery.reading() as connection:
        for version in _named(connection, call, rooms, given["VersionNames"][:MOST_VERSIONS]):
            try:
                model = model_of(connection, workshop_of(rooms).versions, version.id, version.digest)
            except CustomChanged:
                continue
            if SUMMARY not in model.files:
                continue
            source = _source(connection, rooms, version) if whole else None
            tested = _tested(connection, rooms, model, source) if whole else Tested()
            figures = figures_in(model.files) if whole and not tested.pictures else None
            results = results_of(version.name, model.files[SUMMARY], tested, figures)
            told[version.name] = msgspec.to_builtins(results)
            if source:
                told[version.name]["beside"]["copy"] = {"whose": str(source.whose), "name": source.name}
    return {"Results": told}


@operation("ReadVersionPictures", Capability.READ, DataClass.OBJECTS, ours=True)
def read_version_pictures(call: Call, rooms: Rooms) -> Answer:
    """`Pictures` of the test of a version, by their source-refs, 64 at most, each as a small JPEG; one that is gone,
    that is late, that the operator does not let the organization read, or that was changed since is left out.
    """
    given = call.parameters
    with rooms.gallery.reading() as connection:
        version = _one(connection, call, rooms)
        model = model_of(connection, workshop_of(rooms).versions, version.id, version.digest)
        tested = _tested(connection, rooms, model, _source(connection, rooms, version))
    known = {each.source: each.digest for each in tested.pictures}
    wanted = [each for each in dict.fromkeys(given["Pictures"]) if each in known][:MOST_PICTURES]
    threads = ThreadPoolExecutor(_AT_ONCE)
    asked = {each: threads.submit(_small, rooms, call.caller.organization, each, known[each]) for each in wanted}
    there, _ = wait(asked.values(), _SECONDS)
    threads.shutdown(wait=False, cancel_futures=True)
    return {"Pictures": {each: data for each, small in asked.items() if small in there and (data := small.result())}}


@operation("ReadVersionModel", Capability.READ, DataClass.OBJECTS, ours=True)
def read_version_model(call: Call, rooms: Rooms) -> Answer:
    """The files of the model of a version, to be taken along: `regard custom export` makes one that runs alone.

    A version that was trained with people stays: what is elsewhere nobody can withdraw, and no rule is asked there.
    """
    with rooms.gallery.reading() as connection:
        version = _one(connection, call, rooms)
        model = model_of(connection, workshop_of(rooms).versions, version.id, version.digest)
    if read(model).manifest.people or PICTURED in model.files:
        raise invalid_parameter(
            "This version was trained with pictures of people. It is not given out: whoever is erased takes it along, "
            "which nobody could do elsewhere."
        )
    return {"Files": {"head.onnx": model.onnx, "manifest.json": model.manifest}}


def _one(connection: Connection, call: Call, rooms: Rooms) -> Version:
    """The version that a call names, which has a model. Raises NoSuchResource."""
    name = call.parameters["VersionName"]
    found = _named(connection, call, rooms, [name])
    if not found:
        raise NoSuchResource(f"version {name}")
    return found[0]


def _named(connection: Connection, call: Call, rooms: Rooms, names: Sequence[str]) -> list[Version]:
    """The versions of these names that have a model."""
    workshop = workshop_of(rooms)
    project = workshop.projects.find(connection, call.caller.organization, call.parameters["ProjectArn"])
    found = workshop.versions.page(connection, project, 0, MOST_VERSIONS, names)
    return [each for each in found if each.digest]


def _source(connection: Connection, rooms: Rooms, version: Version) -> Source | None:
    """Where the test of a copy is, None of a version that was trained itself.

    What is another organization's stays there, whatever of it lies here as well.
    """
    workshop, owner, found = workshop_of(rooms), version.project.organization, version
    while arn := found.asked.get("SourceProjectVersionArn"):
        named = parse(arn)
        if named is None or named.organization != owner:
            return Source(Whose.ANOTHER)
        try:
            found = workshop.versions.find(connection, owner, arn)
        except NoSuchResource:
            return Source(Whose.GONE, f"{named.project}/{named.version}")
    if found is version:
        return None
    whose = Whose.OWN if found.digest == version.digest else Whose.GONE
    return Source(whose, f"{found.project.name}/{found.name}", found.id, found.digest)


def _tested(connection: Connection, rooms: Rooms, model: ModelFile, source: Source | None) -> Tested:
    """The test of a version; of a copy the one beside the model that it is a copy of, where that is still here."""
    if source is None:
        return tested_in(model.files)
    if source.whose is not Whose.OWN:
        return Tested()
    return tested_in(model_of(connection, workshop_of(rooms).versions, source.version, source.digest).files)


def _small(rooms: Rooms, organization: str, source: str, digest: str) -> bytes:
    """A picture as a small JPEG; empty where it is not there, or not the one that was looked at."""
    bucket, _, name = source.removeprefix("s3://").partition("/")
    try:
        found = rooms.pictures.buckets.found(organization, bucket, name, None, MOST_BYTES_FROM_S3)
        if not digest.startswith(f"{found.etag}/"):
            return b""
        picture = Image.fromarray(decode(b"".join(found.parts())).pixels)
    except (BucketRefused, ObjectUnavailable, ObjectTooLarge, ImageError):
        return b""
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return file.getvalue()
