"""A ballot is verified by code that is not ours: Go's checksum database, as Debian ships it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from regard.ledger.tree.notes import Signer
from regard.stewardship.council.motions import Ballot, Kind, Motion, Vote

SOURCES = Path("/usr/share/gocode")


def test_go_opens_a_ballot_and_not_one_whose_motion_was_changed(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None or not (SOURCES / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("Go's verifier is not here: apt-get install golang-go golang-golang-x-mod-dev")
    ours = {"GO111MODULE": "off", "GOPATH": str(SOURCES), "GOCACHE": str(tmp_path / "cache"), "GOFLAGS": ""}
    program, source = tmp_path / "verifynote", Path(__file__).parents[2] / "go" / "verifynote" / "main.go"
    subprocess.run([go, "build", "-o", program, source], env=os.environ | ours, check=True, capture_output=True)
    signer = Signer.generate("ben")
    motion = Motion(Kind.FLOOR, "A floor", "0" * 64, "ann", 1_800_000_000, {"purpose": "research", "floor": 99})
    ballot = Ballot(motion.hash, "ben", Vote.APPROVE, "as agreed", 1_800_000_001).signed(motion, signer)
    for note, good in ((ballot, True), (ballot.replace(b'"floor": 99', b'"floor": 80'), False)):
        (tmp_path / "ballot").write_bytes(note)
        command = [str(program), str(tmp_path / "ballot"), str(signer.verifier)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is good, done.stderr
        assert ("signed by ben" in done.stdout) is good
