"""Clients that run as processes, as a user starts them: AWS's command line, and scripts under node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.running import Running


def aws(service: Running, *arguments: str) -> dict[str, Any]:
    """What AWS's command line answers of Rekognition."""
    script = Path(sys.executable).with_name("aws")
    return run([str(script), "rekognition", *arguments, "--output", "json"], service)


def run(command: list[str], service: Running, cwd: Path | None = None) -> dict[str, Any]:
    """The object that a command prints, which finds the service by its environment; nothing printed is an empty one."""
    environment = {**os.environ, **service.environment, "AWS_REGION": "us-east-1"}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout or "{}"))


def with_packages(scripts: Path, folder: Path, *options: str) -> Path:
    """The folder, with a copy of `scripts` and the packages that they need: those of a lock file, where there is one.

    Skips where npm is not there.
    """
    if not shutil.which("npm"):
        pytest.skip("npm is not on this machine")
    shutil.copytree(scripts, folder, dirs_exist_ok=True)
    how = "ci" if (folder / "package-lock.json").exists() else "install"
    command = ["npm", how, "--no-audit", "--no-fund", "--silent", *options]
    subprocess.run(command, cwd=folder, check=True)
    return folder
