"""What this room raises."""

from __future__ import annotations


class NoSuchSession(LookupError):
    """There is no such session of this organization, or it was forgotten."""


class SessionUsed(RuntimeError):
    """The session was used, or its time is over: each is good for one check. The text says which."""


class OtherSession(ValueError):
    """A ClientRequestToken that came with other parameters before."""


class TooManySessions(RuntimeError):
    """As many sessions of the organization as may wait or run at once."""


class SessionChanged(RuntimeError):
    """A session is not as the service wrote it: nothing is told of it."""
