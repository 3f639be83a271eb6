"""Commands as they are typed, in the process of the test."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from regard.cli import app


def run(*words: str | Path) -> Result:
    """What `regard` with these words prints, and how it ends."""
    return CliRunner().invoke(app, [str(word) for word in words])
