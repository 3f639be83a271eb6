"""A new operation: its own file, and one name in the registry's list. All else follows from these two."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from regard.operations import coverage, images
from regard.operations.common import registry
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered, ours
from regard.stewardship.parties.organization import Standing
from regard.stewardship.policy.call import Capability, DataClass
from tests.helpers.logged import Logged, open_logged
from tests.helpers.wire_stub import NOW, Wire, detect

SOURCES = Path(__file__).parents[2] / "src" / "regard"
# AWS's, and nothing that regard answers, or will.
NAME = "StartPersonTracking"
FILM = {"Video": {"S3Object": {"Bucket": "films", "Name": "street.mp4"}}}
FILE = f'''
from typing import Any

from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass


@operation("{NAME}", Capability.DETECT, DataClass.FACES)
def toy(call: Call, rooms: Rooms) -> Answer:
    return {{"JobId": call.caller.organization}}
'''
# Who asks operations, as any client does: what names one there is not needed for it to answer.
ASKING = ("commands", "pages")
# What still names operations elsewhere, and docs/architecture.md says why.
NAMED_ELSEWHERE = {
    "CreateCollection": "stewardship/gate",
    "CreateProject": "stewardship/gate",
    "TagResource": "stewardship/gate",
    "UntagResource": "stewardship/gate",
    "AuditBatch": "stewardship/policy",
    "StartStreamProcessor": "stewardship/gate",
}


@contextmanager
def _toy(folder: Path, *, named: bool = True) -> Iterator[None]:
    """The operation in a file of its own, and the one name, until the end of the block."""
    # What is loaded now stays loaded when the toy is gone.
    known = answered()
    assert NAME not in known
    (folder / "toy.py").write_text(FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "__path__", [*images.__path__, str(folder)])
        patch.setattr(registry, "_entries", dict(registry._entries))
        if named:
            patch.setattr(registry, "_FILES", (*registry._FILES, "images.toy"))
        _forget()
        yield
        if sys.modules.pop("regard.operations.images.toy", None):
            delattr(images, "toy")
    _forget()
    assert answered() == known


def _forget() -> None:
    for found in (registry._loaded, answered, ours):
        found.cache_clear()


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[None]:
    with _toy(tmp_path):
        yield


@pytest.fixture
def house(toy: None, tmp_path: Path) -> Iterator[Logged]:
    house = open_logged(tmp_path / "data", clock=lambda: NOW)
    yield house
    house.logbook.close()


def test_it_is_registered_with_what_it_does_to_whom(toy: None) -> None:
    operation = answered()[NAME]
    assert (operation.capability, operation.data) == (Capability.DETECT, DataClass.FACES)
    assert NAME not in ours()


def test_the_table_of_coverage_counts_it(toy: None) -> None:
    (row,) = (row for row in coverage.rows() if row.operation == NAME)
    assert (row.state, row.remark) == ("answered", "")
    assert f"| {NAME} | answered |  |" in coverage.as_markdown()
    assert f"{len(answered())} of {len(coverage.rows())} operations answer." in coverage.as_markdown()


def test_it_answers_through_the_gate_and_is_logged(house: Logged) -> None:
    answer, call = house.ask(NAME)
    assert answer == {"JobId": house.caller.organization}
    (entry,) = house.calls()
    assert (entry["operation"], entry["decision"], entry["outcome"]) == (NAME, "allowed", "answered")
    assert call.remarks["x-regard-entry"].endswith(f"/{house.entries().index(entry)}")


def test_the_policy_refuses_it_by_its_data_class(house: Logged) -> None:
    house.organizations.admission.decide(
        house.caller.organization, Standing.REFUSED, "the operator", "it sold what it saw"
    )
    with pytest.raises(ApiError, match="no-refused-organization"):
        house.ask(NAME)
    (entry,) = house.calls()
    assert (entry["operation"], entry["decision"]) == (NAME, "denied")


def test_it_answers_over_http(house: Logged) -> None:
    (key,) = house.organizations.keys.all()
    wire = Wire(house.service.answer, keys=(key,))
    # The first key works from this machine alone.
    signer = {"host": "localhost", "access_key_id": key.access_key_id, "secret": key.secret}
    answer = wire.ask(detect(FILM, NAME, **signer))
    assert (answer.status, answer.document) == (200, {"JobId": house.caller.organization})
    assert answer.headers["x-regard-receipt"].startswith("/log/")
    wrong = detect({"ClientRequestToken": "no token!"} | FILM, NAME, **signer)
    assert wire.ask(wrong).code == "ValidationException"


def test_without_its_name_the_file_answers_nothing(tmp_path: Path) -> None:
    with _toy(tmp_path, named=False):
        assert NAME not in answered()
        assert [row.state for row in coverage.rows() if row.operation == NAME] == ["refused"]


def test_the_files_of_operations_are_named_in_one_central_place() -> None:
    words = _words()
    for file in registry._FILES:
        names = {file, f"regard.operations.{file}"}
        central = {path for path, said in words.items() if names & said and _is_central(path)}
        assert central == {"operations/common/registry.py"}, f"{file} is named in {central}"


def test_operations_are_named_in_no_central_place() -> None:
    words = _words()
    for name in [*answered(), *ours()]:
        own = {path for path in _files() if name in words[path]}
        assert len(own) == 1, f"{name} is named in {own}"
        central = {path for path, said in words.items() if name in said and _is_central(path)}
        expected = {NAMED_ELSEWHERE[name]} if name in NAMED_ELSEWHERE else set()
        assert {str(Path(path).parent) for path in central} == expected, f"{name} is named in {central}"


def _files() -> set[str]:
    return {f"operations/{file.replace('.', '/')}.py" for file in registry._FILES}


def _is_central(path: str) -> bool:
    return not path.startswith(ASKING) and path not in _files()


def _words() -> dict[str, set[str]]:
    """What each file names: the strings and the imported modules of code, what is in quotes in anything else."""
    found: dict[str, set[str]] = {}
    for path in SOURCES.rglob("*.*"):
        if path.suffix == ".py":
            nodes = list(ast.walk(ast.parse(path.read_text())))
            said = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            said |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        elif path.suffix in (".toml", ".cedar", ".cedarschema"):
            said = set(path.read_text().split('"')[1::2])
        else:
            continue
        found[path.relative_to(SOURCES).as_posix()] = said
    return found
