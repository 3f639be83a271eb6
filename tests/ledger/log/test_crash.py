"""`kill -9` at random moments under load: nothing acknowledged is lost, and nothing is half there."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from regard.ledger.log.log import Log
from regard.ledger.tree.notes import Signer
from regard.ledger.witnesses.audit import audit, from_folder
from tests.helpers.ledger.load import entry_of

KILLS = 200
SIGNER = Signer.generate("log.example/2026")


def _kill(folder: Path, run: int, after: float, while_opening: bool) -> dict[int, bytes]:
    """Run the load and kill it, `after` seconds from its first acknowledgement or its start; what it told."""
    command = [sys.executable, "-m", "tests.helpers.ledger.load", str(folder), SIGNER.encode(), str(run)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        told = b"" if while_opening else process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(after)
        process.kill()
        told += process.stdout.read()
    return {
        int(index): entry_of(run, int(caller), int(number))
        for index, caller, number in (line.split() for line in told.splitlines())
    }


@pytest.mark.slow("each kill takes a process, and an audit of all that was logged before")
def test_a_log_that_is_killed_keeps_what_it_acknowledged(tmp_path: Path, scale: float) -> None:
    chance = random.Random(9)
    seen: dict[Path, bytes] = {}
    told: dict[int, bytes] = {}
    before: bytes | None = None
    folder = tmp_path / "log"
    for run in range(max(1, round(KILLS * scale))):
        opening = run % 4 == 3
        new = _kill(folder, run, chance.uniform(0.0, 0.15 if opening else 0.05), opening)
        told |= new
        found: dict[int, bytes] = {}
        # As it was left: what is public is whole, before anything repairs it.
        audit(from_folder(folder / "public"), [SIGNER.verifier], before=before)
        with Log(folder, [SIGNER]) as log:
            assert max(told) < log.published.checkpoint.size
        result = audit(from_folder(folder / "public"), [SIGNER.verifier], before=before, entry=found.__setitem__)
        before = result.note
        assert new.items() <= found.items()
        for index, data in found.items():
            caller, number = data.split(b" ")[0].split(b"/")[1:]
            assert data == entry_of(run, int(caller), int(number)), index
        for path, data in seen.items():
            assert not path.exists() or path.read_bytes() == data
        tiles = (path for path in folder.glob("public/tile/**/*") if path.is_file())
        seen |= {path: path.read_bytes() for path in tiles if path not in seen}
    whole: dict[int, bytes] = {}
    audit(from_folder(folder / "public"), [SIGNER.verifier], entry=whole.__setitem__)
    assert told.items() <= whole.items()
