"""A service with a console for the tests of this room, and people who sign in to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import Page

from regard.pages.console.desk import COOKIE
from regard.stewardship.office import Office, open_office
from regard.stewardship.staff.reception import Reception, open_reception
from regard.stewardship.staff.staff import Kind, Role
from tests.helpers.consoled import Console
from tests.helpers.running import Running
from tests.helpers.served_fakes import running_fakes
from tests.helpers.started import settings_in


@dataclass
class Served:
    """A service without models, and the commands on its data folder."""

    service: Running
    folder: Path

    @property
    def url(self) -> str:
        return self.service.url

    @cached_property
    def office(self) -> Office:
        """The office of the service's data folder, as another process has it."""
        return open_office(settings_in(self.folder))

    @property
    def organization(self) -> str:
        return self.office.organizations.operator().id

    @cached_property
    def reception(self) -> Reception:
        return open_reception(self.office.engine, self.office.key)

    def cookie(self, name: str, role: Role, organization: str = "") -> Any:
        """What the browser of somebody keeps who is signed in, of the operator's organization or of another."""
        person = self.reception.staff.redeem(self.reception.staff.invite(organization or self.organization, name, role))
        secret = self.reception.sessions.open(person, Kind.INVITATION)
        told = {"name": COOKIE, "value": secret, "domain": "localhost", "path": "/"}
        return told | {"secure": True, "httpOnly": True, "sameSite": "Strict"}

    def link(self, name: str, role: str) -> str:
        """The link that an invitation prints."""
        return self._command("console", "invite", self.organization, name, "--role", role)

    def revoke(self, name: str) -> None:
        self._command("console", "revoke", self.organization, name)

    def client(self, purpose: str, organization: str = "") -> Any:
        """A client of AWS's with a key for a purpose, of the operator's organization or of another."""
        key = self.office.organizations.issue_key(organization or self.organization, purpose)
        return boto3.client(
            "rekognition",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret,
        )

    def _command(self, *words: str) -> str:
        environment = os.environ | self.service.environment | {"REGARD_DATA_DIR": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "-m", "regard.cli", *words], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("console")
    # Nobody works on what tests of pages show.
    with running_fakes(folder, REGARD_JOBS_WORKERS="0") as service:
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
