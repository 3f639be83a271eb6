"""The outsider's script, which shares no line with the ledger, agrees with it."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from regard.ledger.log import Log
from regard.ledger.merkle import inclusion_proof
from regard.ledger.notes import Signer
from regard.ledger.tiles import TileNodes, Tree
from tests.ledger_faults import QuickDisk

SCRIPT = Path(__file__).parents[1] / "examples" / "verify_receipt.py"
SIGNER = Signer.generate("log.example/2026")


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    with Log(tmp_path / "log", [SIGNER], disk=QuickDisk(), publish_every=60) as log:
        log.submit([b"entry %d" % index for index in range(300)]).result()
        (tmp_path / "77.tlog-proof").write_bytes(log.receipt(77))
    return tmp_path / "77.tlog-proof"


def run(receipt: Path, key: str) -> subprocess.CompletedProcess[str]:
    # Without our packages' folder: the script must not need them.
    command = [sys.executable, "-I", str(SCRIPT), str(receipt), key]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_verifies_a_receipt(receipt: Path) -> None:
    done = run(receipt, str(SIGNER.verifier))
    assert done.stdout == "Entry 77 of the 300 in log.example/2026:\nentry 77\n", done.stderr


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("index 77", "index 78", "not in the log"),
        ("index 77", "index 300", "has no entry 300"),
        ("\n300\n", "\n301\n", "signature is not on this checkpoint"),
        ("— log.example/2026 ", "— log.example/2027 ", "did not sign"),
    ],
)
def test_the_script_says_what_is_wrong(receipt: Path, old: str, new: str, reason: str) -> None:
    receipt.write_text(receipt.read_text().replace(old, new))
    done = run(receipt, str(SIGNER.verifier))
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr


def test_the_script_wants_the_log_s_own_key(receipt: Path) -> None:
    assert "did not sign" in run(receipt, str(Signer.generate(SIGNER.name).verifier)).stderr
    assert "no Ed25519 verifier key" in run(receipt, str(SIGNER.verifier).replace("+", "+0", 1)).stderr


def test_the_script_s_hashing_agrees_with_every_proof_of_small_trees() -> None:
    root_of = runpy.run_path(str(SCRIPT))["root_of"]
    files: dict[str, bytes] = {}
    tree = Tree()
    for size in range(1, 70):
        files |= {tile.path: data for tile, data in [*tree.add(b"%d" % (size - 1)), *tree.begun()]}
        nodes = TileNodes(size, files.__getitem__)
        for index in range(size):
            proof = inclusion_proof(index, size, nodes)
            assert root_of(b"%d" % index, index, size, proof) == tree.root
            if proof:
                with pytest.raises(SystemExit):
                    root_of(b"%d" % index, index, size, proof[:-1])
