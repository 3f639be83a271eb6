"""`regard orgs`: who holds keys, and whom they supply."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import Progress

from regard.commands.common.output import err, out, print_json, table
from regard.ledger.tree.notes import sign_note
from regard.settings import from_environment
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.parties.attestations import attest as accept
from regard.stewardship.parties.attestations import declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.imports import READERS, load
from regard.stewardship.parties.organization import Standing
from regard.stewardship.parties.organizations import Organizations

app = typer.Typer(help="Register organizations, their ties, and decide reviews.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its 12-digit id.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The other's 12-digit id.")]
Kind = Annotated[EdgeKind, typer.Argument(help="supplies or owned-by.")]
Evidence = Annotated[str, typer.Option(help="Who says so; `declared` must be attested by signature.")]


@app.command("list")
def show_all(as_json: Json = False) -> None:
    """List all organizations."""
    found = _organizations().all()
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    listed = table("id", "name", "sector", "standing", "attested until", whole=["id"])
    for each in found:
        listed.add_row(each.id, each.name, each.sector, each.standing, _until(each.attested_until))
    out.print(listed)


@app.command()
def show(organization: Id) -> None:
    """Show one organization and its ties, as JSON."""
    organizations = _organizations()
    ties = [edge for edge in organizations.edges.all() if organization in (edge.source, edge.target)]
    print_json(msgspec.to_builtins({"organization": organizations.get(organization), "ties": ties}))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its legal name.")],
    sector: Annotated[str, typer.Option(help="What it does; docs/policy.md lists the sectors.")],
    alias: Annotated[list[str] | None, typer.Option(help="Another name; may be repeated.")] = None,
    identifier: Annotated[list[str] | None, typer.Option(help="SCHEME:VALUE, such as uei:…; may be repeated.")] = None,
    jurisdiction: Annotated[list[str] | None, typer.Option(help="A country code; may be repeated.")] = None,
    verifier: Annotated[str | None, typer.Option(help="The public key that its attestations are signed with.")] = None,
) -> None:
    """Register an organization; it is screened, and stands under review when something is found."""
    made = _organizations().register(
        name,
        sector,
        aliases=alias or (),
        identifiers=_pairs(identifier),
        jurisdictions=jurisdiction or (),
        verifier=verifier,
    )
    out.print(f"{made.id} {made.name}: {made.standing}")


@app.command()
def change(
    organization: Id,
    name: Annotated[str | None, typer.Option(help="Its legal name.")] = None,
    sector: Annotated[str | None, typer.Option(help="What it does; docs/policy.md lists the sectors.")] = None,
    alias: Annotated[list[str] | None, typer.Option(help="One more name; may be repeated.")] = None,
    identifier: Annotated[list[str] | None, typer.Option(help="One more SCHEME:VALUE; may be repeated.")] = None,
    jurisdiction: Annotated[list[str] | None, typer.Option(help="One more country code; may be repeated.")] = None,
    verifier: Annotated[str | None, typer.Option(help="The public key that its attestations are signed with.")] = None,
) -> None:
    """Change or add what is known of an organization; it is screened again.

    Example: `regard orgs change 123456789012 --verifier "$(cat firm.pub)"`
    """
    organizations = _organizations()
    known = organizations.get(organization)
    made = organizations.change(
        organization,
        name=name,
        sector=sector,
        aliases=(*known.aliases, *(alias or ())),
        identifiers=(*known.identifiers, *_pairs(identifier)),
        jurisdictions=(*known.jurisdictions, *(jurisdiction or ())),
        verifier=verifier,
    )
    out.print(f"{made.id} {made.name}: {made.standing}")


@app.command()
def supplies(organization: Id, other: Other, evidence: Evidence = "declared") -> None:
    """Enter an end customer: what ORGANIZATION has, OTHER may get."""
    _organizations().edges.add(Edge(organization, EdgeKind.SUPPLIES, other, evidence))


@app.command("owned-by")
def owned_by(organization: Id, other: Other, evidence: Evidence = "declared") -> None:
    """Enter an owner that controls ORGANIZATION."""
    _organizations().edges.add(Edge(organization, EdgeKind.OWNED_BY, other, evidence))


@app.command()
def drop(
    organization: Id, kind: Annotated[EdgeKind, typer.Argument(help="supplies or owned-by.")], other: Other
) -> None:
    """Take a tie out."""
    _organizations().edges.remove(organization, kind, other)


@app.command()
def attest(
    organization: Id,
    name: Annotated[str, typer.Option(help="The name that the key signs under.")],
    key: Annotated[Path, typer.Option(help="The key file.")],
    days: Annotated[int, typer.Option(help="For how long, at most 366 days.")] = 365,
) -> None:
    """Sign the list of end customers that is declared now."""
    organizations = _organizations()
    until = int(datetime.now(UTC).timestamp()) + days * 86_400
    text = declaration(organizations, organization, until)
    out.out(text)
    accept(organizations, organization, sign_note(text, [read_signer(name, key)]))


@app.command()
def reviews(everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False) -> None:
    """Show what waits for a person to decide, with the evidence, as JSON."""
    print_json(msgspec.to_builtins(_organizations().admission.reviews(waiting=not everything)))


@app.command()
def decide(
    organization: Id,
    standing: Annotated[Standing, typer.Argument(help="admitted or refused.")],
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
) -> None:
    """Decide a review, or refuse an organization. Where a council sits, it does this by motion."""
    _organizations().admission.decide(organization, standing, by, reason)


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(exists=True, help="The file.")],
    form: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(READERS)}.")] = "csv",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be entered.")] = False,
) -> None:
    """Import organizations and ties; each is screened. Rows that could not be read are told."""
    if form not in READERS:
        raise typer.BadParameter(f"{form} is none of {', '.join(READERS)}")
    with Progress(console=err, transient=True) as bar:
        reading = bar.add_task("reading", total=None)
        batch = READERS[form](file, lambda done: bar.update(reading, completed=done))
        entering = bar.add_task("entering", total=len(batch.drafts))
        report = load(
            _organizations(), batch, dry_run=dry_run, progress=lambda done: bar.update(entering, completed=done)
        )
    verb = "would enter" if dry_run else "entered"
    out.print(
        f"{report.rows} rows; {verb} {len(report.new)} organizations and {report.ties} ties; {report.known} known, "
        f"{len(report.changed)} of which with something new."
    )
    for name in report.under_review:
        out.print(f"under review: {name}")
    for row, cause in report.unread:
        err.print(f"row {row} not read: {cause}")


def _pairs(identifiers: list[str] | None) -> list[tuple[str, str]]:
    found = [each.partition(":") for each in identifiers or ()]
    if any(not (scheme and value) for scheme, _, value in found):
        raise typer.BadParameter("an identifier is a scheme, a colon and a value: uei:ABC123")
    return [(scheme, value) for scheme, _, value in found]


def _organizations() -> Organizations:
    from regard.stewardship.office import open_office

    return open_office(from_environment()).organizations


def _until(at: Any) -> str:
    if at is None:
        return "nothing to attest"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at else "not attested"
