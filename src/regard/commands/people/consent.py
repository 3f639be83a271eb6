"""`regard consent`: who agreed to be enrolled, in what and for what."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress

from regard.commands.common.inside import caller_of
from regard.commands.common.output import NO, YES, err, out, print_json, table
from regard.ledger.tree.notes import sign_note
from regard.settings import from_environment
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.people.consent import NewConsent, Notice, Receipt, ReferenceFace
from regard.stewardship.people.consent_imports import load, read
from regard.stewardship.people.consents import Consents
from regard.stewardship.policy.call import Caller

app = typer.Typer(help="Add, show, list, withdraw and import consent receipts.", no_args_is_help=True)

Subject = Annotated[str, typer.Argument(help="The ExternalImageId of the person pictured.")]
ReceiptId = Annotated[str, typer.Argument(metavar="RECEIPT", help="The receipt's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Act as the organization of this access key; by default, the first that works."),
]


@app.command()
def add(
    subject: Subject,
    collection: Annotated[str, typer.Option(help="The collection that the person agreed to be in.")],
    purpose: Annotated[str, typer.Option(help="What for: the purpose of the collection.")],
    notice: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The text that was shown.")],
    version: Annotated[str | None, typer.Option(help="Its version; by default the name of the file.")] = None,
    language: Annotated[str, typer.Option(help="Its language.")] = "en",
    days: Annotated[int, typer.Option(help="For how long, at most 1095.")] = 365,
    suppression: Annotated[
        bool, typer.Option(help="The person agrees, separately, that one sealed template outlives an erasure.")
    ] = False,
    portrait: Annotated[
        bool, typer.Option(help="The person agrees, separately, that reviewers of matches compare with a sealed crop.")
    ] = False,
    picture: Annotated[Path | None, typer.Option(exists=True, help="A picture in which --box is the person.")] = None,
    box: Annotated[str | None, typer.Option(help="LEFT,TOP,WIDTH,HEIGHT in ratios of the picture's sides.")] = None,
    signed_by: Annotated[str | None, typer.Option("--as", help="The name that --signing-key signs under.")] = None,
    signing_key: Annotated[Path | None, typer.Option(help="A key file: the organization's, or the person's.")] = None,
    by_subject: Annotated[bool, typer.Option("--by-subject", help="--signing-key is the person's own.")] = False,
    key: Key = None,
) -> None:
    """Add a receipt, signed with a key, or vouched for by an access key. Prints its id."""
    consents, caller = _open(key)
    shown = notice.read_bytes()
    asked = NewConsent(
        subject,
        collection,
        purpose,
        Notice(version or notice.name, language, hashlib.sha256(shown).hexdigest()),
        days,
        reference=_reference(picture, box),
        suppression=suppression,
        portrait=portrait,
    )
    consent = consents.draw_up(caller.organization, asked)
    if signing_key is None:
        receipt = consents.attest(caller, consent)
    else:
        signer = read_signer(signed_by or caller.organization, signing_key)
        note = sign_note(consent.text, [signer]).decode()
        receipt = consents.take(caller.organization, note, str(signer.verifier) if by_subject else None)
    out.out(receipt.consent.receipt_id)


@app.command()
def show(receipt: ReceiptId, key: Key = None) -> None:
    """Show one receipt whole, as JSON."""
    consents, caller = _open(key)
    print_json(msgspec.to_builtins(consents.get(caller.organization, receipt)))


@app.command("list")
def show_all(
    subject: Annotated[str | None, typer.Option(help="Of this person alone.")] = None,
    collection: Annotated[str | None, typer.Option(help="For this collection alone.")] = None,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """List receipts, oldest first."""
    consents, caller = _open(key)
    found = consents.all(caller.organization, subject, collection)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    rows = table("receipt", "person", "collection", "purpose", "state", whole=["receipt"])
    for each in found:
        of = each.consent
        state = f"given {of.given:%Y-%m-%d}, {_state(each)}"
        rows.add_row(of.receipt_id, of.pii_principal_id, of.collection, of.purpose, state)
    out.print(rows)


@app.command()
def withdraw(receipt: ReceiptId, key: Key = None) -> None:
    """Withdraw a consent: it counts no more from the next call on, and the faces it covered go."""
    consents, caller = _open(key)
    out.print(_state(consents.withdraw(caller.organization, receipt)))


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(exists=True, help="CSV with a head, or a JSON array: see docs/people.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be entered.")] = False,
    key: Key = None,
) -> None:
    """Import receipts in bulk. A row that is no consent is told and leaves the others; the exit code is then 1."""
    consents, caller = _open(key)
    rows = read(file)
    with Progress(console=err, transient=True) as bar:
        entering = bar.add_task("entering", total=len(rows))
        report = load(
            consents, caller, rows, dry_run=dry_run, progress=lambda done: bar.update(entering, completed=done)
        )
    verb = "would enter" if dry_run else "entered"
    out.print(f"{report.rows} rows; {verb} {report.entered}; {report.known} known; {len(report.refused)} refused.")
    for row, cause in report.refused:
        err.print(f"row {row} refused: {cause}")
    raise typer.Exit(NO if report.refused else YES)


def _open(key: str | None) -> tuple[Consents, Caller]:
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    return office.consents, caller_of(office, key)


def _reference(picture: Path | None, box: str | None) -> ReferenceFace | None:
    if picture is None or box is None:
        if picture or box:
            raise typer.BadParameter("--picture and --box are given together")
        return None
    left, top, width, height = (float(part) for part in box.split(","))
    return ReferenceFace(hashlib.sha256(picture.read_bytes()).hexdigest(), (left, top, width, height))


def _state(receipt: Receipt) -> str:
    return receipt.ended(datetime.now(UTC).timestamp()) or f"until {receipt.consent.expires:%Y-%m-%d}"
