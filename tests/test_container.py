"""The image, as far as it can be held without building it: `make image` builds it, or runs its steps in a folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from regard.settings import SettingError, from_environment
from regard.wire.exposure import check_exposure
from tests.helpers.running import Running

ROOT = Path(__file__).parents[1]
HEALTHY = ROOT / "container" / "healthy.py"


def _steps() -> list[tuple[str, str]]:
    """Each step of the Containerfile, a word and what it is given, with continued lines joined."""
    text = re.sub(r"^#.*\n|\\\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE)
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def _given(word: str) -> list[str]:
    return [rest for step, rest in _steps() if step == word]


def _environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in _given("ENV") for pair in shlex.split(rest))


def test_what_is_copied_is_there_and_not_ignored() -> None:
    lines = (ROOT / ".containerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    copied = [name for rest in _given("COPY") if "--from" not in rest for name in rest.split()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch(name, pattern) for pattern in let_in), f"{name} is ignored"
    assert set(let_in) == set(copied)


def test_the_service_does_not_run_as_root() -> None:
    last = [step for step, _ in _steps()]
    user = _given("USER")[-1].partition(":")[0]
    assert int(user) > 0
    assert last.index("USER") > max(place for place, step in enumerate(last) if step == "RUN")
    assert f"-o {user} " in next(rest for rest in _given("RUN") if _environment()["REGARD_DATA_DIR"] in rest)


def test_data_is_on_the_volume_and_weights_are_where_they_were_pulled_to() -> None:
    environment = _environment()
    assert _given("VOLUME") == [environment["REGARD_DATA_DIR"]]
    assert f"REGARD_WEIGHTS_DIR={environment['REGARD_WEIGHTS_DIR']} " in _given("RUN")[1]


def test_each_image_is_the_same_base() -> None:
    assert len({rest.split()[0] for rest in _given("FROM")}) == 1


def test_scripts_that_steps_run_can_be_run() -> None:
    assert os.access(ROOT / _given("RUN")[0].split()[0], os.X_OK)
    assert subprocess.run(["sh", "-n", ROOT / "container" / "install"], check=False).returncode == 0


def test_the_image_listens_only_where_its_runner_says_what_protects_it() -> None:
    environment = {name: value for name, value in _environment().items() if name.startswith("REGARD_")}
    with pytest.raises(SettingError, match="REGARD_TLS_CERTIFICATE"):
        check_exposure(from_environment(environment))
    check_exposure(from_environment(environment | {"REGARD_BEHIND_PROXY": "true"}))
    check_exposure(from_environment(environment | {"REGARD_HOST": "127.0.0.1"}))
    assert _given("EXPOSE") == [str(from_environment({}).port)]


def test_what_is_started_is_the_service() -> None:
    assert [*json.loads(_given("ENTRYPOINT")[0]), *json.loads(_given("CMD")[0])] == ["regard", "serve"]


def test_the_health_check_tells_a_service_from_none(service: Running) -> None:
    (given,) = _given("HEALTHCHECK")
    command = json.loads(given.partition("CMD ")[2])
    assert command[0] == "python"
    assert Path(command[1]).name == HEALTHY.name
    port = str(urlsplit(service.url).port)
    assert _asked(port) == 0
    assert _asked("1") == 1


def _asked(port: str) -> int:
    environment = {**os.environ, "REGARD_PORT": port}
    return subprocess.run([sys.executable, HEALTHY], env=environment, check=False, stderr=subprocess.DEVNULL).returncode
