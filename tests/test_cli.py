"""The command line's table: true of the commands, and what a start leaves unimported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from regard.cli import COMMANDS, app, imported

# What takes long to import, and neither a list of commands nor a look at a picture needs.
HEAVY = {"alembic", "boto3", "botocore", "cedarpy", "numba", "onnx", "scipy", "sqlalchemy", "starlette", "uvicorn"}
OF_PICTURES = {"av", "cv2", "numpy", "openvino", "PIL"}


def _loaded(*arguments: str) -> set[str]:
    """The packages that a run of the command line in a fresh process has loaded at its end."""
    program = (
        "import sys\nfrom regard.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return set(result.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    first = imported(name).help.split("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name][1]


def test_help_imports_nothing_heavy() -> None:
    loaded = _loaded("--help")
    assert "typer" in loaded
    assert not loaded & (HEAVY | OF_PICTURES)


@pytest.mark.long
def test_detect_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "wall.png")
    loaded = _loaded("detect", str(tmp_path / "wall.png"))
    assert "openvino" in loaded
    # Models are converted each time they are loaded, of bytes that were hashed then.
    assert not loaded & (HEAVY - {"onnx"})


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output.split()[0]) == (0, "regard")


@pytest.mark.long
@pytest.mark.parametrize(
    ("typed", "offered"), [("regard de", ["demo", "detect"]), ("regard keys re", ["renew-master", "revoke"])]
)
def test_a_shell_completes_commands_and_those_below_them(
    typed: str, offered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = len(typed.split()) - 1
    monkeypatch.setenv("_REGARD_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(place))
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'regard'; from regard.cli import main; main()"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert sorted(done.stdout.split()) == offered


def test_a_shell_is_told_how_to_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    result = CliRunner().invoke(app, ["--show-completion", "bash"], prog_name="regard")
    assert result.exit_code == 0
    assert "complete -o default -F _regard_completion regard" in result.output
