"""`regard subject`: what a person may ask of us."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from regard.commands.common.inside import caller_of
from regard.commands.common.output import out, print_json
from regard.gallery.faces import subject as subject_of
from regard.settings import from_environment
from regard.stewardship.policy.call import Caller

app = typer.Typer(help="Tell people what is held on them; erase them.", no_args_is_help=True)

Subject = Annotated[str, typer.Argument(help="The ExternalImageId of the person; with --face, a FaceId without one.")]
Face = Annotated[bool, typer.Option("--face", help="SUBJECT is the FaceId of a face that has no ExternalImageId.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Act as the organization of this access key; by default, the first that works."),
]


@app.command()
def export(
    subject: Subject,
    to: Annotated[Path, typer.Option(help="The folder to write access.json, access.txt and access.note to.")],
    face: Face = False,
    key: Key = None,
) -> None:
    """Write everything that is held on a person, for them to read; signed."""
    from regard.stewardship.holdings import open_holdings
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    caller = caller_of(office, key)
    found = open_holdings(office).access.export(caller.organization, _whose(subject, face), pictures=True)
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, data in found.files.items():
        (to / name).write_bytes(data)
    out.out(found.text)


@app.command()
def erase(
    subject: Subject,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    face: Face = False,
    key: Key = None,
) -> None:
    """Erase a person from every collection, for good; they are not enrolled again."""
    from regard.stewardship.holdings import open_holdings
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    caller: Caller = caller_of(office, key)
    if not yes:
        typer.confirm(f"Erase {subject} from every collection of {caller.organization}, for good?", abort=True)
    erased = open_holdings(office).erasure.erase(caller.organization, _whose(subject, face))
    out.print(
        f"erased: {erased.faces} faces in {erased.collections} collections, {erased.users} users, "
        f"{erased.receipts} receipts, {erased.details} sealed details."
    )
    where = f"/log/{erased.written.period}/receipts/{erased.written.index}" if erased.written else "the running service"
    out.print(f"The log says so: {where}")


@app.command()
def token(
    subject: Subject,
    identity_check: Annotated[str, typer.Option(help="How the person's identity was checked; it is kept.")],
    hours: Annotated[float, typer.Option(help="For how long it works, once.")] = 24,
    key: Key = None,
) -> None:
    """Print a token with which a person may ask once over HTTP: consent, withdraw, export, erase."""
    from regard.stewardship.office import open_office
    from regard.stewardship.people.subject_tokens import SubjectTokens

    office = open_office(from_environment())
    out.out(SubjectTokens(office.engine).issue(caller_of(office, key), subject, identity_check, hours))


@app.command()
def notices(key: Key = None) -> None:
    """Take the notices that are due to people who were found, as JSON: each with a token that opens /me once."""
    from regard.stewardship.holdings import open_holdings
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    print_json(msgspec.to_builtins(open_holdings(office).found_notices.take(caller_of(office, key))))


@app.command()
def suppressions() -> None:
    """How many people are kept from being enrolled again, and how often that refuses somebody else, as JSON."""
    from regard.stewardship.holdings import open_holdings
    from regard.stewardship.office import open_office

    print_json(open_holdings(open_office(from_environment())).erasure.published())


def _whose(subject: str, face: bool) -> str:
    return subject_of(None, subject) if face else subject_of(subject, "")
