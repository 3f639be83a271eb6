"""What the law is asked about a version: what its labels are called, whom its pictures show, whom it tells apart.

Decided by :mod:`regard.stewardship.gate.matters`; here is gathered what that is asked with. Nothing of it is asked
within a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from regard.custom.projects import Project
from regard.custom.versions.material import Manifest, Material
from regard.custom.versions.versions import Standing, Version
from regard.evaluation.bias.association import Association, probe
from regard.evaluation.samples.labels import sample_in
from regard.evaluation.samples.pictures_on_disk import NotLabelled
from regard.jobs.errors import JobFailed
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.looking import Seen
from regard.stewardship.policy import custom_labels as law
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.vision.pictures.images import ImageError, decode

# What a description keeps for the law, and what the lines of pictures with a face say of whom it is.
LAW, PEOPLE = "Law", "regard-people"


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a version that was trained, for its starts. `pictures` were looked at for faces."""

    labels: tuple[str, ...] = ()
    pictures: int = 0
    filled: int = 0
    people: tuple[str, ...] = ()
    unnamed: int = 0
    probe: Association | None = None

    def of(self, project: Project) -> law.Project:
        """The project as the law looks at it, with the tags that it has now."""
        faces = law.Faces(self.pictures, self.filled)
        return law.Project(project.name, self.labels, project.tags, faces, frozenset(self.people), self.unnamed)


def kept_of(version: Version) -> Kept:
    """What is kept for the law of a version."""
    return msgspec.convert(version.told.get(LAW, {}), Kept)


def require_names(call: Call, rooms: Rooms, project: Project, labels: Sequence[str]) -> None:
    """Raise Denied for names that are refused whatever the pictures show, before any is looked at."""
    if rooms.matters is not None:
        rooms.matters.train(call, law.Project(project.name, tuple(labels), project.tags, law.Faces(0, 0)))


def require_training(task: Task, rooms: Rooms, version: Version, material: Material, seen: Seen) -> Kept:
    """What is kept for the law, of a version that may be trained. Raises JobFailed with the rule where it may not."""
    lines = [(line, seen.glances[line.source].face) for each in material.manifests for line in _usable(each)]
    filled = [line for line, face in lines if face >= law.FILLS]
    named = [tuple(map(str, line.line.get(PEOPLE) or ())) for line in filled]
    kept = Kept(
        tuple(material.names()),
        len(lines),
        len(filled),
        tuple(sorted({person for each in named for person in each})),
        sum(not each for each in named),
    )
    if rooms.matters is not None and rooms.standing is not None:
        try:
            rooms.matters.train(rooms.standing.call(task.job), kept.of(version.project))
        except Denied as denial:
            raise JobFailed(str(denial), Code="ACCESS_DENIED") from denial
    return kept


def require_start(call: Call, rooms: Rooms, version: Version) -> None:
    """Let a version start. Raises Denied."""
    if rooms.matters is not None:
        kept = kept_of(version)
        rooms.matters.start(call, kept.of(version.project), call.arn(version.resource), kept.probe)


def require_use(call: Call, rooms: Rooms, version: Standing, people: bool) -> None:
    """Let a version look at a picture, whose manifest says that it is one of people, or its project. Raises Denied."""
    if rooms.matters is not None and (people or version.tags.get(law.PEOPLE) == "yes"):
        rooms.matters.use(call, law.Project(version.project, (), {law.PEOPLE: "yes"}))


def probed(rooms: Rooms, version: Version, kept: Kept, scores: Any, thresholds: list[float]) -> Kept:
    """What is kept with what the probe found of a people project, where the operator names an audit set.

    `scores` gives those of features: (n, d) to (n, k), 0 to 1. Pictures that cannot be read are left out.
    """
    if rooms.audit_set is None or rooms.features is None or not kept.of(version.project).of_people:
        return kept
    features, pictures = [], []
    try:
        for labelled in sample_in(rooms.audit_set):
            try:
                features.append(rooms.features.features_of(decode(labelled.read())))
            except (ImageError, OSError):
                continue
            pictures.append(labelled)
    except NotLabelled:
        return kept
    found = probe(scores(np.stack(features)), np.array(thresholds), pictures) if features else None
    return msgspec.structs.replace(kept, probe=found)


def _usable(manifest: Manifest) -> list[Any]:
    return [manifest.lines[place] for place in manifest.usable]
