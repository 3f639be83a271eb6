"""The log is verified by code that is not ours: Go's checksum database, as Debian ships it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from regard.ledger.log.log import Log
from regard.ledger.tree.notes import Kind, Note, Signer
from tests.helpers.ledger.faults import QuickDisk

SOURCES = Path("/usr/share/gocode")
SIGNER = Signer.generate("log.example/2026")


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go")
    if go is None or not (SOURCES / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("Go's verifier is not here: apt-get install golang-go golang-golang-x-mod-dev")
    place = tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(SOURCES),
        "GOCACHE": str(place / "cache"),
        "GOFLAGS": "",
    }
    program = Path(__file__).parents[2] / "go" / "verifylog" / "main.go"
    command = [go, "build", "-o", str(place / "verifylog"), str(program)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return place / "verifylog"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    with Log(tmp_path, [SIGNER], disk=QuickDisk(), publish_every=60) as log:
        log.submit([b"entry %d" % index for index in range(700)]).result()
    return tmp_path / "public"


def verify(verifier: Path, log: Path) -> subprocess.CompletedProcess[str]:
    command = [str(verifier), str(log), str(SIGNER.verifier)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_go_verifies_the_log(verifier: Path, log: Path) -> None:
    done = verify(verifier, log)
    assert done.stdout == "log.example/2026: 700 entries verified\n", done.stderr


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/001", "tile/1/000.p/2", "tile/entries/000", "tile/0/002.p/188"])
def test_go_notices_a_flipped_bit(verifier: Path, log: Path, path: str) -> None:
    data = bytearray((log / path).read_bytes())
    data[20] ^= 1
    (log / path).write_bytes(data)
    assert verify(verifier, log).returncode != 0


def test_go_notices_an_edited_size(verifier: Path, log: Path) -> None:
    path = log / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n700\n", b"\n512\n"))
    assert "invalid signature" in verify(verifier, log).stderr


def test_go_verifies_a_log_that_witnesses_cosigned(verifier: Path, log: Path) -> None:
    path = log / "checkpoint"
    text = Note.parse(path.read_bytes()).text
    witness = Signer.generate("witness.example/w", Kind.COSIGNATURE)
    path.write_bytes(path.read_bytes() + witness.sign(text).line().encode())
    assert verify(verifier, log).returncode == 0
