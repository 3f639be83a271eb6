"""What this room raises."""

from __future__ import annotations

from typing import Any


class NoSuchJob(LookupError):
    """There is no such job of this organization and operation, or its results are gone."""


class TooManyJobs(RuntimeError):
    """As many jobs of the organization as may are open; `open` is how many would be with this one."""

    def __init__(self, opened: int, most: int) -> None:
        super().__init__(f"{opened} jobs are open; at most {most} may be")
        self.open = opened
        self.most = most


class OtherInput(ValueError):
    """A ClientRequestToken that came with other parameters before."""


class JobChanged(RuntimeError):
    """A job, or what it found, is not as the service wrote it: nothing is told of it."""


class JobFailed(Exception):
    """Raised by work: the job ends as failed. The text is told to who asked, and what is `told` is kept beside it."""

    def __init__(self, text: str, **told: Any) -> None:
        super().__init__(text)
        self.told = told


class Interrupted(Exception):
    """A step came to no end, for a reason that passes: the job goes back into the queue."""


class Superseded(Exception):
    """Somebody else works on the job now, or it is over: whoever hears this stops, and writes nothing."""
