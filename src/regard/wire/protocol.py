"""The protocol AWS JSON 1.1, driven by botocore's service model: requests in, answers out, no hand-written shape.

A request is parsed by its input shape (`SerializationException` for what has the wrong type) and then held to
every constraint of the model, because clients check almost none of them.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any

import msgspec
import pybase64
import regex
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from regard.operations.common.errors import ApiError

_SHOWN_CHARACTERS = 256
# A list of millions of broken items would otherwise be answered with a text many times its size.
_MOST_TOLD = 100
_MOST_COMMAS = 65_536
_BITS = {"integer": 32, "long": 64}


class UnfitAnswer(TypeError):
    """An operation answered something that the service model does not know: a fault of ours."""


def parse_request(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """The parameters of a request: what the model does not know is dropped, null is absent.

    Raises ApiError: SerializationException for what is no JSON or has a wrong type, ValidationException for what
    breaks a constraint.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    # The longest list that the model allows has some thousand items. Millions of them would hold the interpreter for
    # seconds while they become objects, so they are counted first; base64 has no comma.
    if body.count(b",") > _MOST_COMMAS:
        raise _unreadable("the body has more parts than any request of the API")
    try:
        document = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        packed = body.startswith(b"\x1f\x8b")
        cause = "packed by gzip: send it as it is, with Content-Encoding identity" if packed else f"no JSON: {error}"
        raise _unreadable(f"the body is {cause}") from None
    parameters: dict[str, Any] = _parsed(shape, document, "")
    check_parameters(operation, parameters)
    return parameters


def check_parameters(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Hold parameters to every constraint of the model. Raises ApiError: ValidationException."""
    shape = operation.input_shape
    broken = list(islice(_violations(shape, parameters, ""), _MOST_TOLD)) if shape is not None else []
    if broken:
        raise validation_error(broken)


def serialize_answer(operation: OperationModel, answer: Mapping[str, Any]) -> bytes:
    """The body of an answer. Members that are None are left out. Raises UnfitAnswer."""
    shape = operation.output_shape
    return msgspec.json.encode(_serialized(shape, answer) if shape is not None else {})


def validation_error(broken: list[str]) -> ApiError:
    """AWS's words for constraints that a request breaks."""
    count = f"{len(broken)} validation error{'s' if len(broken) > 1 else ''} detected"
    return ApiError("ValidationException", f"{count}: {'; '.join(broken)}")


def _unreadable(cause: str) -> ApiError:
    return ApiError("SerializationException", f"The request cannot be read: {cause}")


def _parsed(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _parsed_structure(shape, value, path)
    if isinstance(shape, ListShape):
        _require(isinstance(value, list), path, "a list")
        return [_parsed(shape.member, item, f"{path}.{i}.member") for i, item in enumerate(value, 1)]
    if isinstance(shape, MapShape):
        _require(isinstance(value, dict), path, "an object")
        return {key: _parsed(shape.value, item, f"{path}.{key}") for key, item in value.items()}
    return _parsed_scalar(shape.type_name, value, path)


def _parsed_structure(shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
    _require(isinstance(value, dict), path, "an object")
    return {
        name: _parsed(member, value[name], _below(path, name))
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _parsed_scalar(kind: str, value: Any, path: str) -> Any:
    if kind in ("integer", "long"):
        _require(isinstance(value, int) and not isinstance(value, bool), path, "an integer")
        _require(value.bit_length() < _BITS[kind], path, f"an integer of {_BITS[kind]} bits")
    elif kind in ("float", "double"):
        _require(isinstance(value, int | float) and not isinstance(value, bool), path, "a number")
    elif kind == "boolean":
        _require(isinstance(value, bool), path, "true or false")
    elif kind == "timestamp":
        _require(isinstance(value, int | float) and not isinstance(value, bool), path, "seconds since 1970")
        return _moment(value, path)
    else:
        _require(isinstance(value, str), path, "a text")
    return _blob(value, path) if kind == "blob" else value


def _moment(seconds: float, path: str) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise _unreadable(f"'{path}' is no time: {seconds}") from None


def _blob(text: str, path: str) -> bytes:
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unreadable(f"'{path}' is no base64: {error}") from None


def _require(holds: bool, path: str, kind: str) -> None:
    if not holds:
        raise _unreadable(f"'{path or 'the body'}' is not {kind}.")


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _own_violations(shape, value, path)
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_below(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in value.items():
            yield from _violations(shape.members[name], member, _below(path, name))
    elif isinstance(shape, ListShape) and isinstance(shape.member, StructureShape | ListShape):
        for i, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{i}.member")
    elif isinstance(shape, ListShape):
        yield from _item_violations(shape.member, value, path)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.key")
            yield from _violations(shape.value, item, f"{path}.{key}")


def _item_violations(member: Shape, items: list[Any], path: str) -> Iterator[str]:
    # AWS tells of all broken items of a list of plain values at once, under the list's own path.
    broken = {constraint for item in items for constraint in _constraints(member, item)}
    if broken:
        yield _told(items, path, f"Member must satisfy constraint: [{', '.join(sorted(broken))}]")


def _own_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for constraint in _constraints(shape, value):
        yield _told(value, path, constraint)


def _constraints(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if isinstance(value, str | bytes | list | dict) and not isinstance(shape, StructureShape):
        if len(value) < limits.get("min", 0):
            yield f"Member must have length greater than or equal to {limits['min']}"
        if "max" in limits and len(value) > limits["max"]:
            yield f"Member must have length less than or equal to {limits['max']}"
            # A pattern may take quadratic time: what is too long never meets it.
            return
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if "min" in limits and value < limits["min"]:
            yield f"Member must have value greater than or equal to {limits['min']}"
        if "max" in limits and value > limits["max"]:
            yield f"Member must have value less than or equal to {limits['max']}"
    if isinstance(value, str):
        if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
        if "enum" in limits and value not in limits["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"


@cache
def _pattern(text: str) -> regex.Pattern[str]:
    # The model's patterns are Java's: `regex` knows their character classes, `re` does not.
    return regex.compile(text)


def _told(value: Any, path: str, constraint: str) -> str:
    return f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _below(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _serialized(shape: Shape, value: Any) -> Any:
    if shape.type_name in _ACCEPTED:
        return _serialized_scalar(shape, value)
    if isinstance(shape, StructureShape):
        members = shape.members
        unknown = value.keys() - members.keys()
        if unknown:
            raise UnfitAnswer(f"{shape.name} has no member {', '.join(sorted(unknown))}")
        return {name: _serialized(members[name], member) for name, member in value.items() if member is not None}
    if isinstance(shape, ListShape):
        return [_serialized(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _serialized(shape.value, item) for key, item in value.items()}
    return _serialized_scalar(shape, value)


_ACCEPTED: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
}


def _serialized_scalar(shape: Shape, value: Any) -> Any:
    kind = shape.type_name
    if isinstance(value, _ACCEPTED.get(kind, ())) and not (isinstance(value, float) and not math.isfinite(value)):
        return value
    if kind == "timestamp" and isinstance(value, datetime):
        return value.timestamp()
    if kind == "blob" and isinstance(value, bytes):
        return pybase64.b64encode(value).decode()
    raise UnfitAnswer(f"{shape.name} is a {kind}, not {type(value).__name__}")
