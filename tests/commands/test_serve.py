"""What a start prints: last and on one screen what is needed next, and true to the letter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

import regard

# Whoever runs `make run` stands in the checkout, with the environment below.
CHECKOUT = Path(sys.executable).parents[2]
SCREEN = 24


def _printed(data: Path, folder: Path, paste: bool = False) -> tuple[list[str], str]:
    """The lines that a start prints on a terminal of 80 columns, and what a shell says where they are pasted."""
    # A dumb terminal is one that gets no colours; its width is 80.
    terminal = {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}
    own = {"REGARD_DATA_DIR": str(data), "REGARD_WARM": "none", "PYTHONPATH": str(Path(regard.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", "regard.cli", "serve", "--port", "0"],
        env=os.environ | terminal | own,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    # What never comes is not waited for.
    patience = Timer(60, process.kill)
    patience.start()
    try:
        lines: list[str] = []
        while not lines or not lines[-1].startswith("To read on:"):
            line = process.stdout.readline()
            assert line, f"the service did not start: {process.wait()}"
            lines.append(line.rstrip("\n"))
        return lines, _shell(lines, folder) if paste else ""
    finally:
        patience.cancel()
        process.terminate()
        process.communicate()


def _shell(lines: list[str], folder: Path) -> str:
    begin, end = lines.index(next(line for line in lines if line.endswith("<<'END'"))), lines.index("END")
    pasted = [*(line for line in lines if line.startswith("export ")), *lines[begin : end + 1], ""]
    done = subprocess.run(
        ["sh"], input="\n".join(pasted), cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_the_first_start_ends_on_one_screen_with_what_works_as_it_is_pasted(tmp_path: Path) -> None:
    lines, answer = _printed(tmp_path, CHECKOUT, paste=True)
    assert max(map(len, lines)) <= 80
    (begin,) = (number for number, line in enumerate(lines) if line.startswith("regard listens on http://"))
    assert len(lines) - begin <= SCREEN
    assert re.fullmatch(r"organization \d{12}: Operator of this service", lines[begin + 1])
    assert re.match(r"\{'Width': 0\.\d+.*\} \{'Low': \d+, 'High': \d+\} \d+\.\d+\n", answer), answer
    before = " ".join(lines[:begin])
    assert "The policy in force is moratorium" in before
    assert "was never audited for bias" in before


@pytest.mark.long
@pytest.mark.slow("starts the service twice, as a user does")
def test_a_later_start_shows_whose_service_it_is_and_where_the_keys_are(tmp_path: Path) -> None:
    first, _ = _printed(tmp_path, tmp_path)
    # There is no environment and no picture below this folder.
    assert {"python3 - <<'END'", 'picture = "picture.jpg"', "END"} < {*first}
    later, _ = _printed(tmp_path, tmp_path)
    (organization,) = (line for line in first if line.startswith("organization "))
    assert organization in later
    assert "`regard keys list`" in " ".join(later)
    assert not [line for line in later if "export" in line]
