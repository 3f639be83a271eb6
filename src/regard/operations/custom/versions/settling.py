"""Where versions are kept, and what is done for those that a process left in the middle of a state."""

from __future__ import annotations

import msgspec

from regard.custom.errors import CustomChanged
from regard.custom.versions.states import BY_ITSELF, ENDS, State
from regard.custom.versions.versions import AGAIN, Version
from regard.custom.versions.workshop import TOLD, Workshop
from regard.jobs.errors import JobChanged, JobFailed, NoSuchJob
from regard.jobs.job import Job
from regard.operations.common.rooms import Rooms

_LOST = "The job came to no end in seven days, and was let go of. Make a version of another name."


def workshop_of(rooms: Rooms) -> Workshop:
    """Where versions are kept."""
    assert rooms.workshop is not None
    return rooms.workshop


def settled(rooms: Rooms, version: Version) -> Version:
    """The version, once what it is in the middle of is done, where that takes no longer than to look.

    Whoever asks next does so, where the process that began was killed: STARTING becomes RUNNING when the model was
    read, or FAILED where it cannot be; STOPPING becomes STOPPED. One whose job is gone has failed.
    """
    workshop = workshop_of(rooms)
    state, message = version.state, ""
    if state is State.STARTING:
        state = State.RUNNING
        try:
            with rooms.gallery.reading() as connection:
                workshop.open(connection, version)
        except CustomChanged as error:
            state, message = State.FAILED, f"The model cannot be started: {error}."
    elif state is State.STOPPING:
        state = State.STOPPED
    elif state in ENDS and job_of(rooms, version) is None:
        with rooms.gallery.writing() as connection:
            workshop.versions.end(connection, version.id, False, {"StatusMessage": _LOST})
            return workshop.versions.get(connection, version.project.organization, version.id)
    if state is version.state:
        return version
    with rooms.gallery.writing() as connection:
        now = workshop.versions.get(connection, version.project.organization, version.id)
        if now.state is version.state:
            workshop.versions.move(connection, now, state, message)
            now = workshop.versions.get(connection, version.project.organization, version.id)
        return now


def overtaken(version: Version, why: str) -> JobFailed:
    """That what a version learns from changed while it did: one that the service began by itself is begun once more."""
    if version.follows is None:
        return JobFailed(f"{why} Begin another version.")
    told = {"StatusMessage": f"{why} {BY_ITSELF}", AGAIN: msgspec.to_builtins(version.again(why))}
    return JobFailed(told["StatusMessage"], **{TOLD: told})


def job_of(rooms: Rooms, version: Version) -> Job | None:
    """The job that makes a version, None where it is gone."""
    assert rooms.jobs is not None
    try:
        return rooms.jobs.find(version.job)
    except (NoSuchJob, JobChanged):
        return None
