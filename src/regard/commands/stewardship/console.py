"""`regard console`: who signs in to the console in a browser; what the console shows is in `pages`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from regard.commands.common.output import out, print_json, table
from regard.settings import Settings, from_environment
from regard.stewardship.office import Office, open_office
from regard.stewardship.staff.reception import Reception, open_reception
from regard.stewardship.staff.sessions import Session
from regard.stewardship.staff.staff import Role
from regard.wire.exposure import console_link

app = typer.Typer(help="Invite people to the console; see who is signed in, and end it.", no_args_is_help=True)

Organization = Annotated[str, typer.Argument(help="The 12-digit id of the organization.")]
Name = Annotated[str, typer.Argument(help="What the person is called; the sealed details of the log name them so.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def invite(
    organization: Organization,
    name: Name,
    role: Annotated[Role, typer.Option(help="What they do: operator, reviewer, council or auditor.")],
) -> None:
    """Print a link that registers a passkey for a person. It works once, within 15 minutes.

    Who has a passkey already gets another, and the role that is named.
    """
    settings, office, reception = _open()
    office.organizations.get(organization)
    out.out(console_link(settings, reception.staff.invite(organization, name, role)))


@app.command()
def link() -> None:
    """Print a link that opens the console on this machine, once, within 15 minutes, as `regard serve` does."""
    settings, office, reception = _open()
    out.out(console_link(settings, reception.local_link(office.organizations.operator().id), near=True))


@app.command()
def people(as_json: Json = False) -> None:
    """Who was invited, as what, and with how many passkeys."""
    reception = _open()[2]
    found = [(each, reception.passkeys.of(each)) for each in reception.staff.all()]
    if as_json:
        print_json(
            [
                {
                    "organization": person.organization,
                    "name": person.name,
                    "role": person.role,
                    "passkeys": passkeys,
                    "revoked": person.revoked_at is not None,
                }
                for person, passkeys in found
            ]
        )
        return
    shown = table("Organization", "Name", "Role", "Passkeys", "Works", whole=["Organization", "Name"])
    for person, passkeys in found:
        works = "no" if person.revoked_at is not None else "yes"
        shown.add_row(person.organization, person.name, person.role, str(passkeys), works)
    out.print(shown)


@app.command()
def revoke(organization: Organization, name: Name) -> None:
    """Let a person go: their passkeys and sessions end, in every process, from the next request on."""
    _open()[2].staff.revoke(organization, name)
    out.print(f"{name} does not sign in any more.")


@app.command()
def sessions(
    end: Annotated[str | None, typer.Option(help="End the session of this id.")] = None, as_json: Json = False
) -> None:
    """Who is signed in, since when; or end a session."""
    found = _open()[2].sessions
    if end is not None:
        ended = found.end_by_id(end)
        out.print(f"{ended.person.name} is signed out there.")
        return
    if as_json:
        print_json([_told(each) for each in found.all()])
        return
    shown = table("Session", "Organization", "Name", "Role", "Seen", whole=["Session", "Name"])
    for each in found.all():
        told = _told(each)
        shown.add_row(*(str(told[name] or "") for name in ("session", "organization", "name", "role", "seen")))
    out.print(shown)


def _told(session: Session) -> dict[str, str | None]:
    return {
        "session": session.id,
        "organization": session.person.organization,
        "name": session.person.name,
        "role": str(session.person.role),
        "opened": _moment(session.opened_at),
        "seen": _moment(session.seen_at),
        "key": session.access_key,
    }


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _open() -> tuple[Settings, Office, Reception]:
    settings = from_environment()
    office = open_office(settings)
    return settings, office, open_reception(office.engine, office.key)
