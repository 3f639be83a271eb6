"""What the policy is asked about a version, as more of it is known: before it is trained, started, and asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from regard.custom.versions.loaded import Head
from regard.custom.versions.material import Material
from regard.custom.versions.versions import Standing, Version
from regard.evaluation.bias.association import Association, probe
from regard.evaluation.samples.pictures_on_disk import read_labelled
from regard.jobs.errors import JobFailed
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.looking import Seen
from regard.operations.custom.versions.settling import workshop_of
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.custom_labels import FILLS, PEOPLE, Faces, Project
from regard.stewardship.policy.denied import Denied
from regard.vision.pictures.images import ImageError, decode

# What a line says besides: whom its picture shows, as ExternalImageIds.
_WHOM = "regard-people"
# Where a version keeps what the policy is asked of it.
SHOWN = "Shown"


def shown_by(material: Material, seen: Seen, tags: dict[str, str]) -> dict[str, Any]:
    """What the pictures of a training show of people, as a version keeps it. `tags` are those of its project."""
    people, unnamed, filled, pictures = set[str](), 0, 0, 0
    for manifest in material.manifests:
        for place in manifest.usable:
            line, pictures = manifest.lines[place], pictures + 1
            if seen.glances[line.source].face < FILLS:
                continue
            named = line.line.get(_WHOM)
            names = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
            filled, unnamed = filled + 1, unnamed + (not names)
            people.update(names)
    shown = {"labels": material.names(), "faces": [pictures, filled], "people": sorted(people), "unnamed": unnamed}
    return shown | {"of_people": project_of("", tags, shown).of_people}


def project_of(name: str, tags: dict[str, str], shown: dict[str, Any]) -> Project:
    """A project as the policy is asked about it."""
    people, faces = frozenset(shown["people"]), Faces(*shown["faces"])
    return Project(name, tuple(shown["labels"]), tags, faces, people, shown["unnamed"])


def require_named_rightly(call: Call, rooms: Rooms, name: str, tags: dict[str, str], labels: list[str]) -> None:
    """Raise Denied for what is refused whatever pictures show, before any is looked at."""
    if rooms.matters is not None:
        rooms.matters.train(call, Project(name, tuple(labels), tags, Faces(0, 0)))


def require_trainable(task: Task, rooms: Rooms, version: Version, shown: dict[str, Any]) -> None:
    """Raise JobFailed where the policy does not let the project be trained, now that its pictures were looked at."""
    if rooms.matters is None or rooms.standing is None:
        return
    try:
        project = project_of(version.project.name, version.project.tags, shown)
        rooms.matters.train(rooms.standing.call(task.job), project)
    except Denied as error:
        raise JobFailed(str(error), Code="ACCESS_DENIED") from None


def require_startable(call: Call, rooms: Rooms, version: Version) -> None:
    """Raise Denied where the policy does not let a version be started; one of people is probed for that."""
    shown = version.told.get(SHOWN)
    if rooms.matters is None or shown is None:
        return
    project = project_of(version.project.name, version.project.tags, shown)
    found = _probed(rooms, version) if project.of_people and rooms.custom_audit is not None else None
    rooms.matters.start(call, project, call.arn(version.resource), found)


def require_usable(call: Call, rooms: Rooms, standing: Standing, head: Head) -> None:
    """Raise Denied where the caller may not ask a version of people about a picture."""
    if rooms.matters is not None and (head.manifest.people or standing.tags.get(PEOPLE) == "yes"):
        rooms.matters.use(call, Project(standing.project, (), {PEOPLE: "yes"}))


def _probed(rooms: Rooms, version: Version) -> Association | None:
    """What the predictions of a version say of groups, on the audit set that the operator names."""
    assert rooms.custom_audit is not None
    assert rooms.features is not None
    with rooms.gallery.reading() as connection:
        head = workshop_of(rooms).open(connection, version)
    pictures, scores = [], []
    for each in read_labelled(Path(rooms.custom_audit)):
        try:
            scores.append(head.scores(rooms.features.features_of(decode(each.read()))))
        except (OSError, ImageError):
            continue
        pictures.append(each)
    thresholds = np.array([label.threshold for label in head.manifest.labels])
    return probe(np.stack(scores).astype(np.float64), thresholds, pictures) if pictures else None
