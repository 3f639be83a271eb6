"""The whole way with a running service: a call, its receipt, its witness, and outsiders who check."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from regard.commands.record import log as commands
from regard.commands.record import receipt as receipts
from regard.ledger.tree.notes import Signer
from tests.helpers.ledger.served_log import serving_witness
from tests.helpers.running import Running, running

OUTSIDER = Path(__file__).parents[1] / "examples" / "outsider.py"
NAME = "faces.example/log"
# One service for all of them.
pytestmark = pytest.mark.xdist_group("transparency")


@dataclass(frozen=True)
class World:
    service: Running
    key: Path
    witness: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    (folder / "data" / "log").mkdir(parents=True)
    signer = Signer.generate(NAME)
    (folder / "data" / "log" / "log.key").touch(mode=0o600)
    (folder / "data" / "log" / "log.key").write_text(f"{signer.encode()}\n")
    (folder / "log.pub").write_text(f"{signer.verifier}\n")
    with (
        serving_witness(folder / "witness", signer) as witness,
        running(folder / "data", REGARD_LOG_NAME=NAME, REGARD_WITNESSES=witness, REGARD_WITNESS_QUORUM="1") as service,
    ):
        for _ in range(200):
            if json.loads(fetch(f"{service.url}/log/witnesses"))["witnesses"][0]["cosigned"]:
                break
            threading.Event().wait(0.05)
        yield World(service, folder / "log.pub", witness.split()[0])


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_a_call_is_in_the_log_and_its_receipt_is_cosigned(world: World, portrait: bytes, tmp_path: Path) -> None:
    client = world.service.client()
    headers = client.detect_faces(Image={"Bytes": portrait})["ResponseMetadata"]["HTTPHeaders"]
    file = tmp_path / "a.tlog-proof"
    file.write_bytes(fetch(world.service.url + headers["x-regard-receipt"]))
    words = ["verify", str(file), "--key", str(world.key), "--witness", world.witness, "--quorum", "1", "--json"]
    done = CliRunner().invoke(receipts.app, words)
    assert done.exit_code == 0, done.output
    proved = json.loads(done.stdout)
    assert f"{proved['origin']}/{proved['index']}" == f"{NAME}/{headers['x-regard-entry']}"
    assert proved["entry"]["operation"] == "DetectFaces"
    assert proved["entry"]["sequence"] == int(headers["x-regard-sequence"])


def test_a_refused_call_is_in_the_log_as_well(world: World, tmp_path: Path) -> None:
    with pytest.raises(ClientError) as refused:
        world.service.client().detect_faces(Image={"Bytes": b"no picture"})
    headers = refused.value.response["ResponseMetadata"]["HTTPHeaders"]
    file = tmp_path / "a.tlog-proof"
    file.write_bytes(fetch(world.service.url + headers["x-regard-receipt"]))
    script = [sys.executable, "-I", str(OUTSIDER), "receipt", str(file), world.key.read_text().strip()]
    assert "InvalidImageFormatException" in subprocess.run(script, capture_output=True, text=True, check=True).stdout


def test_outsiders_verify_the_service_s_log_and_count_its_calls(world: World, tmp_path: Path) -> None:
    address = f"{world.service.url}/log"
    state = tmp_path / "state.json"
    words = ["verify", address, "--key", str(world.key), "--state", str(state), "--json"]
    words += ["--witness", world.witness, "--quorum", "1"]
    for _ in range(2):
        done = CliRunner().invoke(commands.app, words)
        assert done.exit_code == 0, done.output
    (shard,) = json.loads(done.stdout)["shards"]
    script = [sys.executable, "-I", str(OUTSIDER), "count", address, shard["period"], world.key.read_text().strip()]
    counted = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert "entries, all signed for" in counted


def test_the_service_tells_how_its_witness_stands(world: World) -> None:
    told = json.loads(fetch(f"{world.service.url}/log/witnesses"))
    assert told["quorum"] == 1
    assert told["witnesses"][0]["key"] == world.witness
    assert told["witnesses"][0]["cosigned"] > 0
    assert b"regard_log_contradictions 0.0" in fetch(f"{world.service.url}/metrics")
