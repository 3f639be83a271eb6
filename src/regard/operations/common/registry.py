"""The registry: which operations there are, by name, with their capability and the function that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass, Operation

Answer = dict[str, Any]
Function = Callable[[Call, Rooms], Answer]

# The files whose operations answer; loaded when first asked for, because they import this file.
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
)

_functions: dict[str, Function] = {}
_operations: dict[str, Operation] = {}
_ours: dict[str, Operation] = {}
_collections: dict[str, str] = {}


def operation(
    name: str, capability: Capability, data: DataClass, *, ours: bool = False, collection: str | None = None
) -> Callable[[Function], Function]:
    """Register the function below it as the answer to `name`; `ours` are the operations that AWS does not have.

    `collection` is the one that it is about, where calls do not name one.
    """

    def register(function: Function) -> Function:
        if name in _functions:
            raise ValueError(f"{name} is answered twice")
        (_ours if ours else _operations)[name] = Operation(name, capability, data)
        _functions[name] = function
        if collection is not None:
            _collections[name] = collection
        return function

    return register


@cache
def answered() -> Mapping[str, Operation]:
    """Every operation of AWS's that really answers, by name."""
    for file in _FILES:
        import_module(f"regard.operations.{file}")
    return _operations


def ours() -> Mapping[str, Operation]:
    """Every operation that is our own, by name."""
    answered()
    return _ours


def function_of(name: str) -> Function:
    """The function that answers the operation `name`."""
    answered()
    return _functions[name]


def collection_of(name: str) -> str | None:
    """The collection that the operation `name` is about, where calls do not name one."""
    answered()
    return _collections.get(name)
