"""What this room raises. The API's codes for it are in :mod:`regard.operations.common.errors`."""

from __future__ import annotations


class NoSuchResource(LookupError):
    """The organization has no project, dataset or version of this ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"The resource: {arn} does not exist.")


class ResourceInUse(RuntimeError):
    """A name that is taken, or a state in which this cannot be done; the text says what to wait for, or to do first."""


class ResourceExists(ValueError):
    """The project has a dataset of this type already."""


class ResourceNotReady(RuntimeError):
    """The state does not allow it yet; the text says what to wait for."""


class CustomChanged(RuntimeError):
    """A project, a dataset or an entry is not as the service wrote it: nothing is told of it, and nothing trained."""
