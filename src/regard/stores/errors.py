"""What a store or its operator says no with."""

from __future__ import annotations


class BucketRefused(PermissionError):
    """The organization may not have this object read, or written, for it."""


class ObjectUnavailable(LookupError):
    """The object is not there, or the store did not give it, or did not take it."""


class StoreFaltered(ObjectUnavailable):
    """The store did not do what it may well do when it is asked again."""


class ObjectChanged(ObjectUnavailable):
    """The object is another one than when its reading began."""


class ObjectTooLarge(ValueError):
    """The object has more bytes than the reader takes."""
