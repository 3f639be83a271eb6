"""Retraining: a version that was lost is trained anew without anybody asking, where its project says so.

Lost is one that was withdrawn because lines went, and one whose backbone is not the one that is installed. It is begun
by the call that whoever had the first one trained would make now, through the gate as any other; what that refuses is
not tried again. One transaction makes the version, its job, and the note of both on the lost one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from regard.custom.errors import CustomChanged, NoSuchResource, ResourceInUse
from regard.custom.versions.loaded import Backbone
from regard.custom.versions.states import REPLACED, WITH_MODEL, Again
from regard.custom.versions.versions import BY, Version
from regard.jobs.desk import MOST_OPEN
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import Answer
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions import training
from regard.operations.custom.versions.settling import workshop_of
from regard.operations.videos.starting import desk_of
from regard.stewardship.policy.call import Call, Renewal
from regard.stewardship.policy.denied import Denied

# So long nothing has to have been removed: of many who leave within a moment one training comes.
QUIET_SECONDS = 60.0
# What passes is tried again after so long: a dataset that is being filled, or a queue that is full.
PAUSE_SECONDS = 600.0
_PASSING = ("LimitExceededException", "ResourceInUseException", "ResourceNotReadyException", "InternalServerError")
_SUFFIX, _MOST_NAME = "-again-", 255
_NOT_BEGUN = "None was trained by itself: {} Train another version."
_log = logging.getLogger(__name__)
_Mark = tuple[int, str, float, bool]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked in the name of a key, as :class:`regard.operations.common.standing.Started` has it."""

    id: str
    access_key: str
    operation: str
    given: dict[str, Any]


class Retraining:
    """Begins what is due. One a process; of several on one database one begins each, once."""

    def __init__(self, answer: Callable[[Call], Answer], rooms: Rooms) -> None:
        """`answer` lets a call through the gate and answers it."""
        self._answer = answer
        self._rooms = rooms
        # What was looked at and has nothing due, as it was then; and what is not to be tried before when.
        self._settled: set[_Mark] = set()
        self._later: dict[int, float] = {}

    def sweep(self) -> int:
        """Begin what is due now; how many trainings."""
        workshop = workshop_of(self._rooms)
        with self._rooms.gallery.reading() as connection:
            marks = workshop.versions.losable(connection)
        self._settled &= set(marks)
        return sum(self._seen_to(mark) for mark in marks if mark not in self._settled)

    def _seen_to(self, mark: _Mark) -> bool:
        """See to one version; whether another was begun. Whatever is wrong with it, the others are seen to."""
        number = mark[0]
        if self._later.get(number, 0.0) > workshop_of(self._rooms).clock():
            return False
        try:
            found = self._due(number)
            if found is None:
                return False
            version, lost = found
            if lost is None:
                self._settled.add(mark)
                return False
            return self._begun(version, lost)
        except (NoSuchResource, CustomChanged) as error:
            # Of what was edited nothing is told, and nothing learned.
            _log.warning("nothing is trained in the place of the version %d: %s", number, error)
            self._settled.add(mark)
            return False
        except Exception:
            _log.exception("nothing was trained in the place of the version %d", number)
            return False

    def _due(self, number: int) -> tuple[Version, Again | None] | None:
        """A version with what is to be done for it, if anything; None of one whose time has not come."""
        versions = workshop_of(self._rooms).versions
        with self._rooms.gallery.reading() as connection:
            version = versions.get(connection, versions.owner(connection, number), number)
            lost = self._lost(connection, version)
            if lost is None or (self._is_quiet(connection, version) and self._has_room(connection, version)):
                return version, lost
            return None

    def _lost(self, connection: Connection, version: Version) -> Again | None:
        """That a version is to be trained anew; None where it is not, or that was seen to."""
        if version.lost is not None:
            return None if version.lost.over else version.lost
        if (
            version.state not in WITH_MODEL
            or "SourceProjectVersionArn" in version.asked
            or self._is_current(connection, version)
        ):
            return None
        return version.again(f"{version.told['StatusMessage']} {REPLACED}")

    def _is_current(self, connection: Connection, version: Version) -> bool:
        features, seeker = self._rooms.features, self._rooms.seeker
        if features is None or seeker is None:
            return True
        base = workshop_of(self._rooms).open(connection, version).manifest.base
        return base in (Backbone.of(features), Backbone.of_candidates(seeker))

    def _is_quiet(self, connection: Connection, version: Version) -> bool:
        """Whether nothing was removed for a while, and no dataset is being filled."""
        workshop = workshop_of(self._rooms)
        datasets = workshop.custom.datasets.of(connection, version.project)
        last = max([version.changed_at, *(each.updated_at for each in datasets)])
        return workshop.clock() >= last + QUIET_SECONDS and not any(each.state.busy for each in datasets)

    def _has_room(self, connection: Connection, version: Version) -> bool:
        """Whether the organization has jobs to spare: half of those that it may have open are for whoever asks."""
        opened = desk_of(self._rooms).opened(connection, version.project.organization)
        return opened < MOST_OPEN // 2

    def _begun(self, version: Version, lost: Again) -> bool:
        """Ask for another version as it was asked for the lost one; whether it was begun."""
        why = _why_not(version)
        if not why:
            try:
                self._answer(self._call(version, lost))
            except Denied as error:
                why = str(error)
            except ApiError as error:
                if error.code in _PASSING:
                    self._later[version.id] = workshop_of(self._rooms).clock() + PAUSE_SECONDS
                    return False
                why = str(error.__cause__) if isinstance(error.__cause__, Denied) else error.message
            else:
                return True
        self._not_begun(version, lost, why)
        return False

    def _call(self, version: Version, lost: Again) -> Call:
        """What whoever had the lost one trained would ask now. Raises Denied where their key works no more."""
        assert self._rooms.standing is not None
        key, region = version.asked[BY]
        project = version.project
        given = {
            "ProjectArn": f"arn:aws:rekognition:{region}:{project.organization}:{project.resource}",
            "VersionName": self._name(version),
            "Tags": dict(version.tags),
            **{name: version.asked[name] for name in training.KEPT if name in version.asked},
        }
        call = self._rooms.standing.call(_Asked(str(uuid4()), key, training.START, given))
        return replace(call, region=region, renewal=Renewal(version.id, lost.of))

    def _name(self, version: Version) -> str:
        """The next free name: `parts-again-1` for `parts`, and `parts-again-2` for that."""
        base, _, number = version.name.rpartition(_SUFFIX)
        if version.follows is None or not number.isdecimal():
            base, number = version.name, "0"
        ends = (f"{_SUFFIX}{each}" for each in count(int(number) + 1))
        names = (f"{base[: _MOST_NAME - len(end)]}{end}" for end in ends)
        with self._rooms.gallery.reading() as connection:
            versions = workshop_of(self._rooms).versions
            return next(each for each in names if not versions.page(connection, version.project, 0, 1, [each]))

    def _not_begun(self, version: Version, lost: Again, why: str) -> None:
        versions = workshop_of(self._rooms).versions
        try:
            with self._rooms.gallery.writing() as connection:
                versions.settle(connection, version, lost, _NOT_BEGUN.format(why))
        except ResourceInUse:
            _log.info("the version %d was seen to by another process", version.id)


def _why_not(version: Version) -> str:
    """Why no other is to be trained in the place of a version, before anybody is asked; empty where one is."""
    if not version.project.retrains:
        return "The project does not say so any more."
    return "" if BY in version.asked else "It is not known who had this one trained."
