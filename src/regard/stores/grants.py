"""Who may have what of the operator's accounts, as one setting lists it: ORGANIZATION=WHAT."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from regard.settings import variable


class Grants:
    """The entries of a setting. Raises ValueError for one of another form.

    `start` gives what all that an entry allows begins with, or nothing where it is of another form than `form`. Without
    an entry nothing is allowed: the credentials are the operator's, and a caller could otherwise reach into anything
    that the operator can.
    """

    def __init__(self, setting: str, entries: Iterable[str], form: str, start: Callable[[str], str]) -> None:
        self.variable = variable(setting)
        self._form, self._start = form, start
        self._entries = [self._parsed(entry) for entry in entries]

    def allow(self, organization: str, what: str) -> bool:
        """Whether the organization may have all that begins with `what`."""
        return any(who in ("*", organization) and what.startswith(start) for who, start in self._entries)

    def _parsed(self, entry: str) -> tuple[str, str]:
        organization, given, what = entry.partition("=")
        start = self._start(what)
        if not (organization and given and start):
            raise ValueError(f"{self.variable}: {entry!r} is not of the form ORGANIZATION={self._form}")
        return organization, start
