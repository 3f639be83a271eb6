"""Listening: an address that cannot be had is told before anything is made or opened; connections are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from regard.settings import Settings
from regard.wire.listen import NoAddress, bound
from tests.helpers.running import running


def _serve(data_dir: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"REGARD_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "regard.cli", "serve", *more]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.long
def test_a_port_in_use_is_told_with_the_remedy_and_the_next_start_is_still_the_first(tmp_path: Path) -> None:
    with bound(Settings(port=0)) as taken:
        refused = _serve(tmp_path / "data", "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: 127.0.0.1, port ")
    assert "Address already in use" in refused.stderr
    assert "Choose another with" in refused.stderr
    assert not (tmp_path / "data").exists()
    with running(tmp_path / "data") as service:
        assert service.environment["AWS_ACCESS_KEY_ID"]


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_told(host: str) -> None:
    with pytest.raises(NoAddress, match=f"{host}, port 0 cannot be listened on"):
        bound(Settings(host=host, port=0))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_free_port_is_held_from_then_on(host: str) -> None:
    with bound(Settings(host=host, port=0)) as first, pytest.raises(NoAddress):
        bound(Settings(host=host, port=first.getsockname()[1]))


@pytest.mark.long
def test_a_data_folder_that_is_none_is_told_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refused = _serve(tmp_path / "file", "--port", "0")
    assert refused.returncode == 2
    assert f"REGARD_DATA_DIR={tmp_path / 'file'} is no folder to write into (File exists)." in refused.stderr


@pytest.mark.long
@pytest.mark.slow("idles for longer than the 5 seconds after which uvicorn by itself would hang up")
def test_a_connection_that_idles_for_a_while_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        connection = HTTPConnection(urlsplit(service.url).netloc)
        for idle in (0, 6):
            time.sleep(idle)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
        connection.close()
