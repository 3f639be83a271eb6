"""`regard log`: what anyone, and the organizations that call, can check of the transparency log; `regard audit`
measures bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from regard.commands.common.output import NO, err, out, print_json, table
from regard.commands.record.verified import Verified
from regard.commands.record.verifiers import read_verifiers
from regard.ledger.log.served import Served, copy
from regard.ledger.tree.notes import Verifier
from regard.ledger.tree.tiles import Fetch
from regard.ledger.witnesses.audit import from_url
from regard.ledger.witnesses.series import Broken, Keys, Quorum, audit_series, periods_of
from regard.settings import from_environment
from regard.stewardship.logbook.own_calls import Complaint, OwnCalls

app = typer.Typer(help="Audit a transparency log, and find your own calls in it.", no_args_is_help=True)

Where = Annotated[str, typer.Argument(metavar="URL|FOLDER", help="Where the log is: …/log, or a copy of its files.")]
LogKeys = Annotated[list[str], typer.Option("--key", help="The log's public key, or a file of keys; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_TOLD = ("sequence", "at", "operation", "purpose", "outcome")


@app.command()
def verify(
    where: Where,
    key: LogKeys,
    state: Annotated[
        Path | None, typer.Option(help="Where what was verified is kept for the next time; has a place of its own.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="A witness's public key, or a file of them; may be repeated.")
    ] = None,
    quorum: Annotated[int, typer.Option(min=0, help="How many of the witnesses must have cosigned.")] = 0,
    as_json: Json = False,
) -> None:
    """Audit a whole log from nothing but its public key; the next time, only what is new.

    Every entry is hashed, every tile rebuilt, every period's link to the one before checked, and what was verified
    before must still be there. Exit codes: 0 verified; 1 the log is not what it promised, with the evidence printed;
    2 it could not be checked.
    """
    keys = read_verifiers(key)
    verified = Verified(state) if state else Verified.usual(keys)
    before = verified.notes()
    with _bars() as told:
        try:
            found = audit_series(
                reading(where),
                keys,
                before,
                quorum=Quorum(read_verifiers(witness or []), quorum),
                progress=told,
            )
        except Broken as broken:
            _tell_broken(broken, as_json)
            raise typer.Exit(NO) from None
    verified.keep({period: audit.note for period, audit in found.items()})
    if as_json:
        shards = [
            {"period": period, "origin": each.checkpoint.origin, "entries": each.checkpoint.size, "new": each.new}
            for period, each in found.items()
        ]
        print_json({"verified": True, "shards": shards})
        return
    listed = table("period", "entries", "new", title=f"{', '.join(Keys(keys))}: verified")
    for period, each in found.items():
        listed.add_row(period, f"{each.checkpoint.size:,}", f"{each.new:,}")
    out.print(listed)


@app.command()
def mine(
    organization: Annotated[
        str | None, typer.Argument(help="The 12-digit id of an organization of this service.")
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="What clients kept: examples/keep_receipts.py.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(metavar="URL|FOLDER", help="A log elsewhere, with --secret and --key.")
    ] = None,
    secret: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with what `regard log secret` prints.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help="The log's public key, or a file of keys.")] = None,
    as_json: Json = False,
) -> None:
    """List an organization's own calls in the log, and say what is missing.

    The operator names the ORGANIZATION; anyone else gives --log, --key and the organization's --secret. Exit codes:
    0 complete, 1 something is missing or differs, or the log does not verify, 2 it could not be checked.
    """
    if organization:
        fetch, keys, opened = _here(organization)
    elif log and secret and key:
        fetch, keys, opened = reading(log), read_verifiers(key), bytes.fromhex(secret.read_text().strip())
    else:
        raise typer.BadParameter("name an ORGANIZATION, or give --log, --secret and --key")
    own = OwnCalls(opened)
    with _bars() as told:
        try:
            audit_series(fetch, keys, {}, progress=told, entry=own.add)
        except Broken as broken:
            _tell_broken(broken, as_json)
            raise typer.Exit(NO) from None
    gaps = own.gaps()
    complaints = list(own.compare(receipts, Keys(keys))) if receipts else []
    _tell_mine(own, gaps, complaints, as_json)
    if gaps or complaints:
        raise typer.Exit(NO)


@app.command("copy")
def copy_log(
    to: Annotated[Path, typer.Argument(help="The folder to write, to be served as …/log.")],
    where: Annotated[
        str | None, typer.Option("--from", metavar="URL|FOLDER", help="A log elsewhere; else this service's.")
    ] = None,
) -> None:
    """Copy a log's public files to a folder for a plain web server, a bucket or an archive; again, only what is new."""
    from regard.pages.ledger.verifier import verifier_page
    from regard.stewardship.office import open_office

    fetch = reading(where) if where else open_office(from_environment()).public_log.fetch
    with _bars() as told:
        copy(fetch, periods_of(fetch), to, told)
    (to / "verify.html").write_bytes(verifier_page())


@app.command()
def key(
    period: Annotated[str | None, typer.Argument(help="A period, such as 2026-11; else all.")] = None,
    known: Annotated[
        list[str] | None, typer.Option("--key", help="The key of a log elsewhere, or a file of them; else our own.")
    ] = None,
) -> None:
    """Print the public keys of a log, for tools that know one name a tree also under the name of a period."""
    from regard.stewardship.office import open_office

    keys = read_verifiers(known) if known else open_office(from_environment()).logbook.keys.verifiers
    if period is not None:
        keys = [each for name in Keys(keys) for each in Keys(keys)[f"{name}/{period}"]]
    for each in keys:
        out.out(str(each))


@app.command()
def rotate(
    finish: Annotated[bool, typer.Option("--finish", help="Let the older key sign no more.")] = False,
) -> None:
    """Replace the log's key in two steps, each from the next start of the service on; the log tells of both.

    The first adds a key that signs beside the old one: publish it. Weeks later, --finish retires the old one.
    """
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    served = office.public_log
    keys = office.logbook.keys
    changed = keys.retire(served.note(served.periods()[-1])) if finish else keys.add()
    with office.engine.begin() as connection:
        office.published.keep_keys(connection)
    office.logbook.write("regard/log-key", {"change": "retired" if finish else "added", "key": str(changed)})
    office.logbook.close()
    out.out(str(changed))
    out.print("Restart the service, and publish the keys: `regard log key` prints them.")


@app.command()
def accept(
    because: Annotated[str, typer.Option(help="Why there is less than there was; it is in the log for ever.")],
) -> None:
    """Go on with an older copy of the log or the database, or with other log keys; the log tells of it, and why.

    Example: `regard log accept --because "the disk broke; the backup of the night before is in place"`
    """
    from regard.stewardship.accepting import accept_less
    from regard.stewardship.office import unchecked_office

    for each in accept_less(unchecked_office(from_environment()), because):
        out.print(each)
    out.print("This is in the log now, and the next start goes on from here.")


@app.command()
def verifier(
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page there, to open it from disk.")
    ] = None,
) -> None:
    """Print the SHA-256 of the page that verifies the log in a browser: any copy of this version must have it."""
    from regard.pages.ledger.verifier import verifier_digest, verifier_page

    if write is not None:
        write.write_bytes(verifier_page())
    out.out(f"{verifier_digest()}  verify.html")


@app.command()
def secret(organization: Annotated[str, typer.Argument(help="The 12-digit id of the organization.")]) -> None:
    """Print the secret that opens an organization's pseudonyms: hand it to the organization, and nobody else."""
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    office.organizations.get(organization)
    out.out(office.logbook.pseudonyms.secret(organization).hex())


def reading(where: str) -> Fetch:
    """Read a log from its address, or from a folder: the service's own, or a copy of what it serves."""
    if where.startswith(("http://", "https://")):
        return from_url(where)
    if not Path(where).is_dir():
        raise FileNotFoundError(f"{where} is neither an address that begins with https:// nor a folder")
    return Served(Path(where)).fetch


def _here(organization: str) -> tuple[Fetch, list[Verifier], bytes]:
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    office.organizations.get(organization)
    served = office.public_log
    return served.fetch, office.logbook.keys.verifiers, office.logbook.pseudonyms.secret(organization)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar a period; what is yielded moves them."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def told(period: str, done: int, total: int) -> None:
            if period not in tasks:
                tasks[period] = progress.add_task(period, total=total)
            progress.update(tasks[period], completed=done)

        yield told


def _tell_broken(broken: Broken, as_json: bool) -> None:
    kind = broken.kind
    if as_json:
        evidence = [note.decode(errors="replace") for note in broken.evidence]
        print_json(
            {"verified": False, "kind": kind, "period": broken.period, "cause": str(broken.cause), "evidence": evidence}
        )
        return
    err.print(Text.assemble(("not what was promised:", "bold red"), f" {kind}, {broken.period}"))
    err.print(str(broken.cause))
    for note in broken.evidence:
        err.print(f"\n{_printable(note)}")


def _printable(note: bytes) -> str:
    # Whatever was sent in place of a checkpoint, it shall not command the terminal.
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in note.decode(errors="replace"))


def _tell_mine(
    own: OwnCalls, gaps: dict[str, list[tuple[int, int]]], complaints: list[Complaint], as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "calls": [{"entry": f"{call.period}/{call.index}", **call.told} for call in own.calls],
                "gaps": gaps,
                "complaints": msgspec.to_builtins(complaints),
            }
        )
        return
    listed = table("entry", *_TOLD, whole=["entry"])
    for call in own.calls:
        told = (str(call.told.get(each, "")) for each in _TOLD)
        listed.add_row(f"{call.period}/{call.index}", *told)
    out.print(listed)
    for period, ranges in gaps.items():
        for first, last in ranges:
            gap = f" {period}: calls {first} to {last} do not stand exactly once"
            err.print(Text.assemble(("gap:", "bold red"), gap))
    for complaint in complaints:
        err.print(f"{complaint.kept} {complaint.wrong}")
    if not gaps and not complaints:
        out.print(f"{len(own.calls)} calls, numbered without a gap.")
