from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from regard.settings import from_environment
from regard.stewardship.office import open_office
from regard.stewardship.staff.reception import open_reception
from regard.stewardship.staff.staff import Kind, Role
from tests.helpers.commands import run

pytestmark = pytest.mark.usefixtures("begun")


def _token(link: str) -> str:
    found = re.fullmatch(r"http://localhost:4599/console/enter#([\w-]{32})\n", link)
    assert found, link
    return found[1]


def test_an_invitation_is_a_link_whose_token_no_browser_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = open_office(from_environment())
    reception = open_reception(office.engine, office.key)
    organization = office.organizations.operator().id
    printed = run("console", "invite", organization, "ada", "--role", "council").stdout
    person, kind = reception.staff.look(_token(printed))
    assert (person.name, person.role, kind) == ("ada", Role.COUNCIL, Kind.INVITATION)
    local, kind = reception.staff.look(_token(run("console", "link").stdout))
    assert (local.organization, kind) == (organization, Kind.LOCAL)
    monkeypatch.setenv("REGARD_CONSOLE_URL", "https://faces.example.org")
    link = run("console", "invite", organization, "ben", "--role", "auditor").stdout
    assert link.startswith("https://faces.example.org/console/enter#")
    assert run("console", "link").stdout.startswith("http://localhost:4599/")


def test_nobody_is_invited_to_an_organization_that_is_not_there() -> None:
    assert run("console", "invite", "999999999999", "ada", "--role", "auditor").exit_code != 0
    office = open_office(from_environment())
    organization = office.organizations.operator().id
    assert run("console", "invite", organization, "ada", "--role", "king").exit_code == 2


def test_sessions_are_listed_and_ended_and_people_let_go() -> None:
    office = open_office(from_environment())
    reception = open_reception(office.engine, office.key)
    organization = office.organizations.operator().id
    person = reception.staff.redeem(reception.staff.invite(organization, "ada", Role.AUDITOR))
    reception.sessions.open(person, Kind.INVITATION)
    reception.sessions.open(person, Kind.INVITATION)
    first, _ = json.loads(run("console", "sessions", "--json").stdout)
    assert (first["name"], first["role"], first["organization"]) == ("ada", "auditor", organization)
    assert "ada is signed out there" in run("console", "sessions", "--end", first["session"]).stdout
    assert len(reception.sessions.all()) == 1
    assert "ada" in run("console", "sessions").stdout
    run("console", "revoke", organization, "ada")
    assert reception.sessions.all() == []
    (told,) = json.loads(run("console", "people", "--json").stdout)
    assert told == {"organization": organization, "name": "ada", "role": "auditor", "passkeys": 0, "revoked": True}
    assert "no" in run("console", "people").stdout
