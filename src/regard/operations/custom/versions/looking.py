"""Pictures of a training: each is fetched, measured and looked at once, and what was seen is kept sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from regard.custom.boxes import fits
from regard.custom.codes import LineCode
from regard.custom.judged import Judged
from regard.custom.projects import Feature, Project
from regard.custom.versions.faults import CannotTrain, Fault
from regard.custom.versions.loaded import Backbone
from regard.custom.versions.looks import Look
from regard.custom.versions.material import Manifest
from regard.custom.workbench.seeing import look_of
from regard.jobs.job import Part, Step
from regard.jobs.working import Task
from regard.operations.common.pictures import MOST_BYTES_FROM_S3
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.settling import workshop_of
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable, StoreFaltered
from regard.stores.patience import persist
from regard.vision.pictures.images import ImageError, Picture, decode
from regard.vision.things.moderation import VERSION as MODERATION

# Raised where more is kept of a picture than before: all are looked at again.
_FORM = 2
# Pictures of a step: what a worker that is killed looks at again, at most.
PICTURES = 16


class Glance(msgspec.Struct, frozen=True, array_like=True):
    """What a step says of one picture: the LineCode of what is wrong with it, or its size and its largest face.

    `on` is what its features hang on: the ETag and the backbone.
    """

    wrong: str
    width: int = 0
    height: int = 0
    face: float = 0.0
    on: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the pictures of a training, by their source-refs."""

    glances: dict[str, Glance]

    def spoil(self, manifests: Sequence[Manifest]) -> None:
        """Say of lines whose pictures cannot be learned from what is wrong."""
        for manifest in manifests:
            for place in manifest.usable:
                line = manifest.lines[place]
                glance = self.glances[line.source]
                wrong = glance.wrong
                if not wrong and line.boxes and line.size != (glance.width, glance.height):
                    wrong = LineCode.INVALID_IMAGE
                if wrong:
                    manifest.spoil(place, LineCode(wrong))

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Width and height in pixels of those that can be learned from."""
        return {source: (each.width, each.height) for source, each in self.glances.items() if not each.wrong}


def sources_of(manifests: Sequence[Manifest]) -> list[str]:
    """The source-refs of all that is usable, each once, in order."""
    lines: list[Judged] = [each.lines[place] for each in manifests for place in each.usable]
    return list(dict.fromkeys(line.source for line in lines))


def look_at(task: Task, rooms: Rooms, project: Project, sources: Sequence[str], boxes: bool) -> int:
    """Look at pictures, a few a step, by what `boxes` or labels are learned from; how many steps that are.

    Raises CannotTrain where a bucket may not be read.
    """
    batches = [sources[begin : begin + PICTURES] for begin in range(0, len(sources), PICTURES)]
    for batch in batches:
        task.step(partial(_looked_at, task, rooms, project, batch, len(sources), boxes))
    return len(batches)


def seen_in(parts: Sequence[bytes], sources: Sequence[str]) -> Seen:
    """What steps said of pictures."""
    glances = [glance for part in parts for glance in msgspec.msgpack.decode(part, type=list[Glance])]
    return Seen(dict(zip(sources, glances, strict=True)))


def _looked_at(task: Task, rooms: Rooms, project: Project, sources: Sequence[str], whole: int, boxes: bool) -> Step:
    fresh: list[tuple[str, str, bytes]] = []
    glances = [_glance(task, rooms, project, source, fresh, boxes) for source in sources]
    if fresh:
        with rooms.gallery.writing(f"features/{project.id}") as connection:
            workshop_of(rooms).features.keep(connection, project.id, fresh)
    return Step((Part(msgspec.msgpack.encode(glances), len(glances)),), len(glances), whole)


def _glance(
    task: Task, rooms: Rooms, project: Project, source: str, fresh: list[tuple[str, str, bytes]], boxes: bool
) -> Glance:
    bucket, _, name = source.removeprefix("s3://").partition("/")
    where = task.job.organization, bucket, name, None, MOST_BYTES_FROM_S3
    try:
        found = persist(lambda: rooms.pictures.buckets.found(*where))
        on = f"{found.etag}/{_backbone(rooms, boxes)}/{MODERATION if _adapts(project) else ''}/{_FORM}"
        with rooms.gallery.reading() as connection:
            (kept,) = workshop_of(rooms).features.found(connection, project.id, [(source, on)])
        if kept is None:
            picture = decode(b"".join(found.parts()))
            if not fits(picture.width, picture.height):
                return Glance(LineCode.INVALID_IMAGE_DIMENSION)
            kept = _look(rooms, picture, boxes, adapts=_adapts(project)).kept()
            fresh.append((source, on, kept))
    except BucketRefused as error:
        raise CannotTrain(Fault.INVALID_PERMISSIONS_IMAGES_S3_BUCKET, str(error)) from None
    except StoreFaltered as error:
        # Of a store that is away every picture would be wrong. What is done stays done: the job can be retried.
        raise CannotTrain(Fault.FAILED_IMAGES_S3_COPY, str(error)) from None
    except (ObjectUnavailable, ObjectTooLarge, ImageError):
        return Glance(LineCode.INVALID_IMAGE)
    look = Look.read(kept)
    return Glance("", look.width, look.height, look.face, on)


def _look(rooms: Rooms, picture: Picture, boxes: bool, adapts: bool) -> Look:
    assert rooms.features is not None
    faces = [face.box for face in rooms.faces.detect(picture)]
    largest = max((box.width * box.height for box in faces), default=0.0)
    if boxes:
        assert rooms.seeker is not None
        seen = Look.of_candidates(picture.width, picture.height, largest, rooms.seeker(picture))
    else:
        labels = {each.name: each.confidence for each in rooms.moderator(picture)} if adapts else {}
        seen = Look.of(picture.width, picture.height, largest, rooms.features.features_of(picture), labels)
    return msgspec.structs.replace(seen, alike=look_of(picture))


def _adapts(project: Project) -> bool:
    return project.feature is Feature.CONTENT_MODERATION


def _backbone(rooms: Rooms, boxes: bool) -> str:
    if boxes:
        assert rooms.seeker is not None
        return "/".join(msgspec.structs.astuple(Backbone.of_candidates(rooms.seeker)))
    assert rooms.features is not None
    return "/".join(msgspec.structs.astuple(Backbone.of(rooms.features)))
