"""`regard council`: who decides, and deciding."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from regard.commands.common.output import out, print_json, table
from regard.ledger.tree.notes import Signer
from regard.settings import from_environment
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import read_public, read_signer
from regard.stewardship.council.motions import Kind, Vote

if TYPE_CHECKING:
    from regard.commands.stewardship.afar import Afar

app = typer.Typer(help="Show the charter; propose, vote and stop.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str, typer.Option("--as", help="Your name on the council.")]
Key = Annotated[Path | None, typer.Option(help="Your key file; by default the operator's in the data folder.")]


Service = Annotated[str | None, typer.Option(help="Where the council's service is; by default in the data folder.")]


@app.command()
def charter(
    amend: Annotated[
        Path | None, typer.Option(help="Propose the charter in this JSON file; `--json` prints the one in force.")
    ] = None,
    title: Annotated[str, typer.Option(help="With --amend: what it is about, in a line.")] = "A new charter",
    member: As = "operator",
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Show who sits on the council, what a motion takes, and what is in force; or propose another charter."""
    if amend is not None:
        payload = json.loads(amend.read_text())
        propose(Kind.CHARTER, json.dumps({"charter": payload.get("charter", payload)}), title, member, key)
        return
    law = _council().law()
    if as_json:
        print_json(msgspec.to_builtins(law))
        return
    members = table("member", "role", "key", title="The council")
    for each in law.charter.members:
        members.add_row(each.name, each.role, each.key)
    out.print(members)
    for kind, quota in law.charter.quotas.items():
        roles = "".join(f", {number} of role {role}" for role, number in quota.roles.items())
        out.print(f"{kind}: {quota.approvals} approvals{roles}")
    out.print(
        f"window {law.charter.window} s, expiry {law.charter.expires} s, veto {', '.join(law.charter.veto) or '–'}"
    )
    out.print(f"genesis {law.genesis}\nhead    {law.head}\npolicy  {law.policy} ({law.pack})")
    if law.charter.alone:
        out.print("This is a council of one: whoever holds its key can change every rule.", style="bold")


@app.command()
def keygen(
    name: Annotated[str, typer.Argument(help="The member's name.")],
    to: Annotated[Path, typer.Option("--out", help="The file to write the private key to.")],
) -> None:
    """Make a member's key. Prints the public half, which goes into the charter."""
    signer = Signer.generate(name)
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(signer.encode() + "\n")
    out.out(str(signer.verifier))


@app.command()
def public(
    name: Annotated[str, typer.Argument(help="The member's name.")],
    file: Annotated[Path, typer.Argument(help="An OpenSSH public key (id_ed25519.pub).")],
) -> None:
    """Print an OpenSSH public key in the form that the charter takes."""
    out.out(str(read_public(name, file.read_text())))


@app.command()
def motions(as_json: Json = False) -> None:
    """List all motions with their outcomes; with --json every ballot as it was signed."""
    council = _council()
    council.settle()
    history = council.history()
    if as_json:
        print_json(history)
        return
    waiting = {docket.motion.hash: docket.tally.missing for docket in council.dockets()}
    listed = table("hash", "opened", "kind", "title", "by", "outcome", whole=["hash"])
    for each in history:
        missing = f", missing {waiting[each['hash']]}" if waiting.get(each["hash"]) else ""
        listed.add_row(
            each["hash"][:12],
            _date(each.get("opened", 0)),
            each.get("kind", "?"),
            each.get("title", each.get("unreadable", "")),
            each.get("proposer", "?"),
            each["outcome"] + missing,
        )
    out.print(listed)


@app.command()
def propose(
    kind: Annotated[Kind, typer.Argument(help="What it changes.")],
    payload: Annotated[str, typer.Argument(help="The change, as JSON; docs/council.md lists the forms.")],
    title: Annotated[str, typer.Option(help="What it is about, in a line.")],
    member: As = "operator",
    key: Key = None,
    service: Service = None,
) -> None:
    """Put a motion to the vote, signed. With --service and --key the data folder is not needed."""
    if service:
        out.out(_afar(service, member, key).propose(kind, title, json.loads(payload)))
        return
    council = _council()
    motion = council.draft(kind, title, json.loads(payload), member)
    out.out(council.propose(motion.signed(signer_of(member, key))).hash)


@app.command()
def vote(
    motion_hash: Annotated[str, typer.Argument(metavar="MOTION", help="The motion's hash, or how it begins.")],
    choice: Annotated[Vote, typer.Argument(metavar="VOTE", help="approve, refuse or veto.")],
    reason: Annotated[str, typer.Option(help="Why. A dissent needs one.")] = "",
    member: As = "operator",
    key: Key = None,
    service: Service = None,
) -> None:
    """Cast your ballot, signed. With --service and --key the data folder is not needed."""
    if service:
        _tell(*_afar(service, member, key).vote(motion_hash, choice, reason))
        return
    council = _council()
    found = [docket.motion for docket in council.dockets() if docket.motion.hash.startswith(motion_hash)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} open motions begin with {motion_hash}")
    tally = council.vote(found[0], choice, reason, signer_of(member, key))
    _tell(tally.outcome, tally.missing)


@app.command()
def suspend(
    capability: Annotated[str, typer.Argument(help="detect, compare, enrol, identify, liveness or search-live.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    seconds: Annotated[int | None, typer.Option(help="For how long; at most what the charter allows.")] = None,
    member: As = "operator",
    key: Key = None,
    service: Service = None,
) -> None:
    """Stop a capability at once, for a bounded time. With --service and --key the data folder is not needed."""
    if service:
        stop = _afar(service, member, key).suspend(capability, reason, seconds)
    else:
        stop = _council().suspend(capability, reason, signer_of(member, key), seconds)
    out.print(f"{stop.capability} is stopped until {_date(stop.ends)}.")


def _council() -> Council:
    from regard.stewardship.office import open_office

    return Council(open_office(from_environment()).engine)


def _afar(service: str, member: str, key: Path | None) -> Afar:
    from regard.commands.stewardship.afar import Afar

    return Afar(service, signer_of(member, key))


def _tell(outcome: str, missing: str) -> None:
    out.print(outcome + (f", missing {missing}" if missing else ""))


def signer_of(member: str, key: Path | None) -> Signer:
    """A member's key, the operator's where no file is named; its passphrase is asked for. Raises KeyFormatError."""
    from regard.ledger.tree.notes import KeyFormatError

    file = key or from_environment().data_dir / "council.key"
    try:
        return read_signer(member, file)
    except KeyFormatError as error:
        if "passphrase" not in str(error):
            raise
        return read_signer(member, file, typer.prompt("Passphrase", hide_input=True).encode())


def _date(at: Any) -> str:
    return datetime.fromtimestamp(float(at), UTC).strftime("%Y-%m-%d %H:%M UTC")
