"""What the law is asked about a version: what its labels are called, whom its pictures show, whom it tells apart.

Decided by :mod:`regard.stewardship.gate.matters`; here is gathered what that is asked with. Nothing of it is asked
within a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from regard.custom.judged import Judged
from regard.custom.projects import Feature, Project
from regard.custom.versions.loaded import Head
from regard.custom.versions.material import Material
from regard.custom.versions.models import Pictured
from regard.custom.versions.versions import LAW, Standing, Version
from regard.evaluation.bias.association import Association
from regard.jobs.errors import JobFailed
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.looking import Seen
from regard.operations.custom.versions.probing import probe_of
from regard.operations.custom.versions.settling import overtaken, workshop_of
from regard.stewardship.policy import custom_labels as law
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied


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
    lines = _usable(material)
    filled = [line for line in lines if seen.glances[line.source].face >= law.FILLS]
    kept = Kept(
        tuple(material.names()),
        len(lines),
        len(filled),
        tuple(sorted({person for each in filled for person in each.people})),
        sum(not each.people for each in filled),
    )
    _require_nobody_left(rooms, version, {person for each in lines for person in each.people})
    _require(task, rooms, kept.of(version.project))
    return kept


def require_copy(call: Call, rooms: Rooms, source: Version, project: Project) -> None:
    """Let a version be copied into a project: as if it were trained there. Raises Denied."""
    if rooms.matters is not None:
        rooms.matters.train(call, kept_of(source).of(project))


def require_copied(task: Task, rooms: Rooms, source: Version, project: Project) -> None:
    """The same, when the copy is made. Raises JobFailed."""
    _require(task, rooms, kept_of(source).of(project))


def pictured(rooms: Rooms, version: Version, material: Material, seen: Seen) -> Pictured:
    """The pictures of people that a version is trained with: with any face, however small, or with a name."""
    lines = _usable(material)
    of_people = [line.source for line in lines if line.people or seen.glances[line.source].face > 0]
    named = [person for line in lines for person in line.people]
    return workshop_of(rooms).pictured(version.project.organization, of_people, named)


def probed(rooms: Rooms, version: Version, kept: Kept, head: Callable[[], Head]) -> Kept:
    """What is kept, with what the probe finds of a people project where that was not looked for yet."""
    adapts = version.project.feature is Feature.CONTENT_MODERATION
    if adapts or kept.probe is not None or not kept.of(version.project).of_people or rooms.audit_set is None:
        return kept
    return msgspec.structs.replace(kept, probe=probe_of(rooms, head()))


def require_start(call: Call, rooms: Rooms, version: Version) -> None:
    """Let a version start. What the probe finds before the first start is kept for the next. Raises Denied."""
    workshop = workshop_of(rooms)

    def head() -> Head:
        with rooms.gallery.reading() as connection:
            return workshop.open(connection, version)

    if rooms.matters is not None:
        before = kept_of(version)
        kept = probed(rooms, version, before, head)
        if kept != before:
            with rooms.gallery.writing() as connection:
                workshop.versions.remember(connection, version, msgspec.to_builtins(kept))
        rooms.matters.start(call, kept.of(version.project), call.arn(version.resource), kept.probe)


def require_use(call: Call, rooms: Rooms, version: Standing, people: bool) -> None:
    """Let a version look at a picture, whose manifest says that it is one of people, or its project. Raises Denied."""
    if rooms.matters is not None and (people or version.tags.get(law.PEOPLE) == "yes"):
        rooms.matters.use(call, law.Project(version.project, (), {law.PEOPLE: "yes"}))


def _require(task: Task, rooms: Rooms, project: law.Project) -> None:
    if rooms.matters is None or rooms.standing is None:
        return
    try:
        call = rooms.standing.call(task.job)
        try:
            rooms.matters.train(call, project)
        except Denied as denial:
            rooms.standing.refused(call, denial)
            raise
    except Denied as denial:
        raise JobFailed(str(denial), Code="ACCESS_DENIED") from denial


def _require_nobody_left(rooms: Rooms, version: Version, people: set[str]) -> None:
    """Raise JobFailed where somebody whom lines name was erased since the training was asked for.

    Of one that the service began by itself, since the first was asked for that it stands in the place of: whoever took
    that along comes back with no line that nobody asks about.
    """
    since, objections = version.created_at, rooms.gallery.objections
    if version.follows is not None:
        since = version.follows.since
    gone = {name: at for name, at in objections.erasures().items() if at >= since}
    named = objections.names((version.project.organization, f"external/{each}") for each in people) if gone else ()
    erased = [gone[name] for name in named if name in gone]
    if not erased:
        return
    if max(erased) >= version.created_at:
        raise overtaken(version, "Somebody in the pictures was erased meanwhile.")
    raise JobFailed("Somebody in the pictures was erased, and is in none that is trained by itself.")


def _usable(material: Material) -> list[Judged]:
    return [each.lines[place] for each in material.manifests for place in each.usable]
