"""No operation can be reached around the gate: neither those there are nor later ones."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from regard.operations.common import registry
from regard.operations.common.errors import ApiError
from regard.operations.common.rooms import Rooms
from regard.operations.service import Service
from regard.stewardship.gate.gate import Denied, Gate
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.vocabulary import purposes
from tests.helpers.stewarding import Stewardship

SOURCES = Path(__file__).parents[3] / "src" / "regard"
FACES = (DataClass.FACES, DataClass.TEMPLATES)
ALL = {**registry.answered(), **registry.ours()}
# What law enforcement may still do with faces: let go of them. SwitchCollection deletes the collection it replaces.
LETTING_GO = {"DeleteCollection", "DeleteFaces", "DeleteUser", "DisassociateFaces", "SwitchCollection"}


class Closed:
    """A gate that lets nobody through."""

    def before(self, call: Call) -> None:
        raise Denied("closed", f"{call.operation.name} is closed.")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Stewardship:
    return Stewardship(tmp_path_factory.mktemp("room"))


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_closed_gate_closes_every_operation(room: Stewardship, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: Any) -> None:
        raise AssertionError(f"{name} was reached")

    monkeypatch.setitem(registry._entries, name, replace(registry._entries[name], function=cast(Any, reached)))
    service = Service(cast(Gate, Closed()), cast(Rooms, SimpleNamespace(jobs=None, streams=None)))
    call = Call(room.caller(), ALL[name], {}, "us-east-1", "request")
    with pytest.raises(ApiError) as error:
        service.answer(call)
    assert error.value.code == "AccessDeniedException"


@pytest.mark.parametrize("name", sorted(ALL))
def test_law_enforcement_gets_no_operation_on_faces(room: Stewardship, name: str) -> None:
    operation = ALL[name]
    purpose = next((each for each, of in purposes().items() if name in of.operations), "development")
    call = Call(room.caller("law-enforcement", purpose), operation, {}, "us-east-1", "request")
    if operation.data in FACES and name not in LETTING_GO:
        with pytest.raises(Denied, match="no-law-enforcement"):
            room.gate.before(call)
    else:
        assert operation.capability not in (Capability.COMPARE, Capability.ENROL, Capability.IDENTIFY)


def test_only_the_service_calls_operations() -> None:
    callers = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
        and "function_of" in (getattr(node, "attr", ""), getattr(node, "id", ""))
    }
    assert callers == {"operations/service.py"}
