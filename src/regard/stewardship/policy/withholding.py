"""Members of an answer that a caller may not have: where the API puts them, and how they are emptied."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from regard.stewardship.policy.call import Operation
from regard.stewardship.policy.service_model import service_model

EMOTIONS = "Emotions"
# No member: what an operation on objects says of faces besides. Who gets no face operation does not get that either.
FACES = "Faces"
THRESHOLDS = ("SimilarityThreshold", "FaceMatchThreshold", "UserMatchThreshold")
Path = tuple[str, ...]
_EACH = "[]"


@cache
def paths_to(member: str, operation: str) -> tuple[Path, ...]:
    """Where the answer of `operation` may hold `member`; nowhere for an operation that is not AWS's."""
    if operation not in service_model().operation_names:
        return ()
    shape = service_model().operation_model(operation).output_shape
    return tuple(_walk(shape, member, (), ())) if shape else ()


def told_by(operation: str) -> str:
    """The operation that tells what this one finds: of one that starts a job, the one that gets its results."""
    getting = f"Get{operation.removeprefix('Start')}"
    starts = operation.startswith("Start") and getting in service_model().operation_names
    return getting if starts else operation


@cache
def threshold_of(operation: Operation) -> str | None:
    """The parameter of `operation` that says how alike two faces must be, if it has one."""
    if operation.name not in service_model().operation_names:
        return operation.threshold
    shape = service_model().operation_model(operation.name).input_shape
    return next((name for name in THRESHOLDS if shape and name in shape.members), None)


def emptied(answer: dict[str, Any], paths: tuple[Path, ...]) -> bool:
    """Leave nothing in the lists at `paths` of `answer`; whether there were such lists. None is added."""
    return sum(_empty(answer, path) for path in paths) > 0


def _walk(shape: Shape, member: str, path: Path, inside: tuple[str, ...]) -> Iterator[Path]:
    if shape.name in inside:
        return
    inside = (*inside, shape.name)
    if isinstance(shape, ListShape):
        yield from _walk(shape.member, member, (*path, _EACH), inside)
    elif isinstance(shape, StructureShape):
        for name, child in shape.members.items():
            if name == member:
                yield (*path, name)
            else:
                yield from _walk(child, member, (*path, name), inside)


def _empty(value: Any, path: Path) -> bool:
    first, *rest = path
    if first == _EACH:
        return sum(_empty(each, tuple(rest)) for each in value) > 0
    if first not in value:
        return False
    if not rest:
        value[first] = []
        return True
    return _empty(value[first], tuple(rest))
