"""Kinds of jobs: the work behind each operation that starts one, found by its name. A worker asks here; a service never
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.registry import answered
from regard.operations.common.rooms import Rooms

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
