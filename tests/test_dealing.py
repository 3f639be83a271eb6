"""`make test` and `make test-rest` have every test between them, and both only what is scaled."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFTEST = """
import pytest
from tests.helpers.dealing import prepare

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    prepare(items)

@pytest.fixture(scope="session")
def scale():
    return 1

@pytest.fixture
def counted(scale):
    return scale

@pytest.fixture(scope="module")
def shared():
    return 1
"""
TESTS = """
import pytest

def test_plain(): ...

def test_scaled(counted): ...

@pytest.mark.long
def test_long(): ...

@pytest.mark.long
def test_long_and_scaled(scale): ...

@pytest.mark.parametrize("scale", [1])
def test_of_a_parameter(scale): ...

@pytest.mark.slow("because")
def test_slow(shared): ...

def test_beside_it(shared): ...
"""


def collected(folder: Path, tests: str, *how: str) -> subprocess.CompletedProcess[str]:
    """What pytest says of a module of these tests, dealt out as ours are."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_kinds.py").write_text(tests)
    python = (sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", folder)
    command = [*map(str, python), "-q", "--collect-only", *how, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def dealt(folder: Path, *how: str) -> list[str]:
    """Which of a handful of tests, one of each kind, run, in their order."""
    return re.findall(r"::test_(\w+)", collected(folder, TESTS, *how).stdout)


def selection(target: str) -> tuple[str, ...]:
    """What a target of the Makefile lets pytest choose by."""
    recipe = re.search(rf"^{target}:.*\n(?:\t.*\n)*?\t.*\$\(PYTEST\) (.*)\n", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    return ("-m", recipe[1].removeprefix("-m ").strip('"'))


def test_two_runs_have_every_test_and_both_only_what_is_scaled(tmp_path: Path) -> None:
    soon, rest = (dealt(tmp_path, *selection(target)) for target in ("test", "test-rest"))
    assert set(soon) | set(rest) == set(re.findall(r"def test_(\w+)", TESTS))
    assert set(soon) & set(rest) == {"scaled"}
    assert set(rest) == {"scaled", "long", "long_and_scaled"}


@pytest.mark.long
def test_slow_tests_start_first_with_those_that_share_their_fixture(tmp_path: Path) -> None:
    assert dealt(tmp_path)[:3] == ["slow", "beside_it", "plain"]


def test_the_full_count_is_asked_for_in_one_place_alone() -> None:
    asking = [path for path in (ROOT / "tests").rglob("*.py") if re.search(r"environ.*TEST_ALL", path.read_text())]
    assert [path.name for path in asking if path != Path(__file__)] == ["conftest.py"]


def test_what_is_slow_says_why(tmp_path: Path) -> None:
    told = collected(tmp_path, TESTS.replace('slow("because")', "slow"))
    assert told.returncode != 0
    assert "says why" in told.stdout + told.stderr


@pytest.mark.long
def test_what_shares_the_fixtures_of_a_module_runs_on_one_worker(tmp_path: Path) -> None:
    # A pytest that the names of groups are lost on deals them out one by one, and each worker sets up all again.
    many = TESTS + "".join(f"\ndef test_shared_{each}(shared): ...\n" for each in range(12))
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_kinds.py").write_text(many)
    python = (sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path)
    how = ("-v", "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", tmp_path)
    done = subprocess.run([*map(str, (*python, *how))], cwd=ROOT, capture_output=True, text=True, check=False)
    workers = re.findall(r"\[(gw\d)\].*::test_shared_", done.stdout)
    assert (len(workers), len(set(workers))) == (12, 1)
