"""What `make` says while it sets up: one line a step, and all that pip says where it fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"


def _made(folder: Path, python: str, target: str) -> subprocess.CompletedProcess[str]:
    """A run of make in an environment whose Python is a script."""
    (folder / "venv/bin").mkdir(parents=True)
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock", "pyproject.toml"):
        (folder / name).touch()
    script = folder / "venv/bin/python"
    script.write_text(f"#!/bin/sh\n{python}\n")
    script.chmod(0o755)
    command = ["make", "--no-print-directory", "-f", str(MAKEFILE), "-C", str(folder), "VENV=venv", f"venv/{target}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("target", "steps"), [(".run", 2), (".dev", 2), (".bench", 3)])
def test_setting_up_says_a_line_a_step_and_nothing_of_pip(tmp_path: Path, target: str, steps: int) -> None:
    done = _made(tmp_path, "echo Collecting this and that; echo a warning >&2", target)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == steps
    assert all(line.startswith("Installing ") and len(line) <= 80 for line in lines)
    assert (tmp_path / "venv" / target).is_file()


def test_where_pip_fails_it_is_heard_in_full_and_the_next_step_is_told(tmp_path: Path) -> None:
    done = _made(tmp_path, "echo ERROR: no such package; echo and why >&2; exit 1", ".run")
    assert done.returncode != 0
    assert "ERROR: no such package\nand why\n" in done.stdout
    assert (
        "Look at the network, or at the mirror that pip is set to (venv/bin/python -m pip config list)" in done.stdout
    )
    assert not (tmp_path / "venv/.run").exists()


def test_where_no_environment_can_be_made_python_is_heard_and_nothing_half_is_left(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\n[ "$1" = -c ] && exit 0\nmkdir -p venv/bin; : >venv/bin/python\necho ensurepip is missing; exit 1\n'
    )
    python.chmod(0o755)
    command = ["make", "-f", str(MAKEFILE), "-C", str(tmp_path), "VENV=venv", f"PYTHON={python}", "venv/bin/python"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ensurepip is missing" in done.stdout
    assert "name another Python: make PYTHON=" in done.stdout
    assert not (tmp_path / "venv/bin/python").exists()
