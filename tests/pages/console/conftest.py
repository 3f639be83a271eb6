"""A service with a console for the tests of this room, and people who sign in to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.helpers.running import Running
from tests.helpers.served_fakes import running_fakes


@dataclass
class Served:
    """A service without models, and the commands on its data folder."""

    service: Running
    folder: Path

    @property
    def url(self) -> str:
        return self.service.url

    def command(self, *words: str) -> str:
        """What a command prints."""
        environment = os.environ | self.service.environment | {"REGARD_DATA_DIR": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "-m", "regard.cli", *words], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("console")
    with running_fakes(folder) as service:
        yield Served(service, folder)


def authenticator(page: Page) -> str:
    """A passkey's device in the browser, which says yes each time; its id."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return str(made["authenticatorId"])
