"""Kinds of jobs: the work behind each operation that starts one, found by its name. A worker asks here; a service never
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from regard.jobs.errors import JobFailed
from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.registry import answered
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.denied import Denied

Work = Callable[[Task, Rooms], Outcome]
_works: dict[str, Work] = {}


def work(start: str) -> Callable[[Work], Work]:
    """Register the function below it as the work of jobs that the operation `start` starts.

    It calls `task.step` for one piece after the other, and gives the outcome. It may raise what
    :class:`regard.jobs.errors.JobFailed` stands for; a film that cannot be decoded is told as it is.
    """

    def register(function: Work) -> Work:
        _works[start] = function
        return function

    return register


def works() -> Mapping[str, Work]:
    """The work of every operation that starts a job, by its name."""
    answered()
    return _works


def require_standing(task: Task, rooms: Rooms) -> None:
    """Raise JobFailed where the gate would not let the job in now, for work that compares or hands out."""
    try:
        if rooms.standing is not None:
            rooms.standing.require(task.job)
    except Denied as error:
        raise JobFailed(str(error), Code="ACCESS_DENIED") from error
