"""What this room raises."""

from __future__ import annotations


class NoSuchProcessor(LookupError):
    """There is no stream processor of this name in the organization."""


class ProcessorExists(ValueError):
    """There is a stream processor of this name already."""


class ProcessorInUse(RuntimeError):
    """What is asked cannot be done of a stream processor as it stands; the text says what to do first."""


class ProcessorChanged(RuntimeError):
    """A stream processor is not as the service wrote it: it is not worked on, and nothing is told of it."""


class TooManyProcessors(RuntimeError):
    """An organization has as many stream processors as it may have."""

    def __init__(self, most: int) -> None:
        # In these words clients know it.
        super().__init__(f"Stream processor limit exceeded for account, limit - {most}")


class NoSource(LookupError):
    """No source is set for a stream; the text says how the operator sets one."""


class CameraLost(OSError):
    """A source gives no pictures now; the text says why. It is tried again."""


class CameraUnfit(RuntimeError):
    """A source gives what is not looked at here, whenever it is tried; the text says what to change."""


class AddressRefused(CameraUnfit):
    """The address of a source may not be connected to; the text says what would allow it."""


class Superseded(Exception):
    """Somebody else works on the processor now, or nobody is to: whoever hears this stops, and writes nothing."""


class NotAllowed(PermissionError):
    """What a processor does is not allowed any more; the text says by what. Its session ends at once."""
