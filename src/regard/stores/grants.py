"""Who may have what of the operator's buckets, as one setting lists it: ORGANIZATION=bucket/prefix."""

from __future__ import annotations

from collections.abc import Iterable

from regard.settings import variable
from regard.stores.errors import BucketRefused


class Grants:
    """The entries of a setting. Raises ValueError for one of another form.

    Without an entry nothing is allowed: the credentials are the operator's, and a caller could otherwise reach into
    any bucket that the operator can.
    """

    def __init__(self, setting: str, entries: Iterable[str]) -> None:
        self._variable = variable(setting)
        self._entries = [self._parsed(entry) for entry in entries]

    def require(self, organization: str, verb: str, bucket: str, name: str, entry: str = "") -> None:
        """Raise BucketRefused unless all that begins with `name` is allowed.

        `verb` says what would be done, and `entry` the prefix that would allow it.
        """
        for who, where, prefix in self._entries:
            if who in ("*", organization) and bucket == where and name.startswith(prefix):
                return
        raise BucketRefused(
            f"organization {organization} may not {verb} s3://{bucket}/{name}; "
            f"the operator allows it with {self._variable}={organization}={bucket}/{entry}"
        )

    def _parsed(self, entry: str) -> tuple[str, str, str]:
        organization, given, path = entry.partition("=")
        bucket, _, prefix = path.partition("/")
        if not (organization and given and bucket):
            raise ValueError(f"{self._variable}: {entry!r} is not of the form ORGANIZATION=bucket/prefix")
        return organization, bucket, prefix
