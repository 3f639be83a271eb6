"""Which operations there are: name, capability and the function that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from regard.operations.rooms import Rooms
from regard.stewardship.call import Call, Capability, DataClass, Operation

Answer = dict[str, Any]
Function = Callable[[Call, Rooms], Answer]

# The files whose operations answer; loaded when first asked for, because they import this file.
_FILES = ("faces", "collections", "enrolment", "search", "users")

_functions: dict[str, Function] = {}
_operations: dict[str, Operation] = {}


def operation(name: str, capability: Capability, data: DataClass) -> Callable[[Function], Function]:
    """Register the function below it as the answer to `name`."""

    def register(function: Function) -> Function:
        if name in _operations:
            raise ValueError(f"{name} is answered twice")
        _operations[name] = Operation(name, capability, data)
        _functions[name] = function
        return function

    return register


@cache
def answered() -> Mapping[str, Operation]:
    """Every operation that really answers, by name."""
    for file in _FILES:
        import_module(f"regard.operations.{file}")
    return _operations


def function_of(name: str) -> Function:
    """The function that answers the operation `name`."""
    answered()
    return _functions[name]
