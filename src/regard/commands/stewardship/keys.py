"""`regard keys`: access keys, who may call, and for what purpose; not keys that seal or sign."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from regard.commands.common.output import failed, out, print_json, table
from regard.commands.serve import exports
from regard.settings import from_environment
from regard.stewardship.office import open_office
from regard.stewardship.parties.keys import AccessKey
from regard.wire.exposure import running_url

app = typer.Typer(help="List, issue, show and revoke access keys.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The access key id; `regard keys list` shows them.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Every access key: whose it is, its purpose, until when it works. Secrets are not shown."""
    keys = open_office(from_environment()).organizations.keys.all()
    if as_json:
        print_json([_public(key) for key in keys])
        return
    shown = table("Key", "Organization", "Purpose", "Expires", "Works", whole=["Key", "Organization"])
    for key in keys:
        fields = _public(key)
        shown.add_row(*(str(fields[name]) for name in ("key", "organization", "purpose", "expires", "works")))
    out.print(shown)


@app.command()
def issue(
    organization: Annotated[str, typer.Argument(help="The 12-digit id of the organization.")],
    purpose: Annotated[str, typer.Argument(help="What it is for; docs/policy.md lists the purposes.")],
    days: Annotated[float, typer.Option(help="How long the key works.")] = 90,
    operation: Annotated[
        list[str] | None, typer.Option(help="An operation that it may call; all, when none is named.")
    ] = None,
    temporary: Annotated[bool, typer.Option(help="Give it a session token, as temporary credentials have.")] = False,
) -> None:
    """Make a new access key and print the lines to paste."""
    settings = from_environment()
    key = open_office(settings).organizations.issue_key(
        organization, purpose, days=days, operations=operation, session_token=temporary
    )
    out.out(exports(running_url(settings), key))


@app.command()
def show(key_id: KeyId) -> None:
    """Print the lines to paste for a key, with its secret."""
    settings = from_environment()
    key = open_office(settings).organizations.key(key_id)
    if key is None:
        raise typer.Exit(failed(f"there is no access key {key_id}; `regard keys list` shows them"))
    out.out(exports(running_url(settings), key))
    if not _works(key):
        raise typer.Exit(failed("this key was revoked or has expired"))


@app.command()
def revoke(key_id: KeyId) -> None:
    """End a key for good, in every process, from the next call on."""
    open_office(from_environment()).organizations.keys.revoke(key_id)
    out.print(f"{key_id} does not work any more.")


@app.command("renew-master")
def renew_master_key(
    command: Annotated[
        str | None, typer.Option(help="A program that prints the new key, base64 of 32 bytes; else a file is made.")
    ] = None,
) -> None:
    """Seal what everything hangs on under a new master key. Services that run go on.

    With a program, tell the next start of it: REGARD_MASTER_KEY_COMMAND. Example: `regard keys renew-master`
    """
    from regard.stewardship.root_key import renew_master_key

    renew_master_key(from_environment(), command)
    out.print("The new master key counts from the next start on; the old one opens nothing any more.")


def _works(key: AccessKey) -> bool:
    return key.works(datetime.now(UTC).timestamp())


def _public(key: AccessKey) -> dict[str, object]:
    return {
        "key": key.access_key_id,
        "organization": key.caller.organization,
        "purpose": key.caller.purpose,
        "expires": f"{datetime.fromtimestamp(key.expires, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "works": _works(key),
    }
