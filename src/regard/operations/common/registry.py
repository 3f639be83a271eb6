"""The registry: which operations there are, by name, with their capability and the function that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass, Operation

Answer = dict[str, Any]
Function = Callable[[Call, Rooms], Answer]
Sought = Callable[[Call, Rooms], str | None]

# The files whose operations answer: the one central place that a new operation is named in. They are loaded when first
# asked for, because they import this file.
_FILES = (
    "images.faces",
    "gallery.collections",
    "gallery.enrolment",
    "gallery.search",
    "gallery.users",
    "images.redaction",
    "gallery.transfer",
    "gallery.renewal",
    "images.moderation",
    "images.equipment",
    "images.labels",
    "images.text",
    "gallery.figures",
    "images.auditing",
    "videos.looking",
    "videos.segments",
    "videos.redaction",
    "videos.labels",
    "videos.faces",
    "videos.text",
    "videos.moderation",
    "videos.segmenting",
    "bulk.analysis",
    "bulk.looking",
    "videos.searching",
    "videos.celebrities",
    "custom.projects",
    "custom.datasets",
    "custom.entries",
    "custom.importing",
    "custom.versions.states",
    "custom.versions.training",
    "custom.versions.making",
    "custom.versions.copying",
    "custom.versions.policies",
    "custom.versions.detecting",
    "custom.versions.showing",
    "streams.processors",
    "liveness.sessions",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as it was registered: what the gate is told of it, and the function that answers it.

    `ours` are the operations that AWS does not have. `collection` is the one that it is about, where calls do not name
    one, or a function that looks it up for a call: None where there is none. `lacks` says what AWS answers and this
    does not; empty where it answers in full. `blind` says why one that compares faces tells of nobody, and so passes
    :func:`regard.operations.common.likeness.told` by.
    """

    operation: Operation
    function: Function
    ours: bool
    collection: str | Sought | None
    lacks: str
    blind: str


_entries: dict[str, Entry] = {}


def operation(
    name: str,
    capability: Capability,
    data: DataClass,
    *,
    ours: bool = False,
    collection: str | Sought | None = None,
    threshold: str | None = None,
    default: float = 80.0,
    compares: bool = False,
    ends: bool = False,
    lacks: str = "",
    blind: str = "",
) -> Callable[[Function], Function]:
    """Register the function below it as the answer to `name`, as an :class:`Entry` says.

    `threshold` is the parameter that says how alike two faces must be, of an operation of ours; AWS's service model
    tells it of the others. `default` is the similarity that counts where a call gives none. `compares` is for those
    that compare faces under another capability, `ends` for what takes a collection away.
    """

    def register(function: Function) -> Function:
        if name in _entries:
            raise ValueError(f"{name} is answered twice")
        known = Operation(name, capability, data, threshold, compares, default, ends)
        _entries[name] = Entry(known, function, ours, collection, lacks, blind)
        return function

    return register


@cache
def _loaded() -> Mapping[str, Entry]:
    for file in _FILES:
        import_module(f"regard.operations.{file}")
    return _entries


@cache
def answered() -> Mapping[str, Operation]:
    """Every operation of AWS's that really answers, by name."""
    return {name: entry.operation for name, entry in _loaded().items() if not entry.ours}


@cache
def ours() -> Mapping[str, Operation]:
    """Every operation that is our own, by name."""
    return {name: entry.operation for name, entry in _loaded().items() if entry.ours}


def function_of(name: str) -> Function:
    """The function that answers the operation `name`."""
    return _loaded()[name].function


def collection_of(call: Call, rooms: Rooms) -> str | None:
    """The collection that a call is about, of an operation whose calls do not name one."""
    entry = _loaded().get(call.operation.name)
    named = entry.collection if entry else None
    return named(call, rooms) if callable(named) else named


def blind_of(name: str) -> str:
    """Why the operation `name` compares faces and tells of nobody; empty for all others."""
    return _loaded()[name].blind


def lacks_of(name: str) -> str:
    """What the operation `name` does not answer of what AWS does; empty where it answers in full."""
    return _loaded()[name].lacks
