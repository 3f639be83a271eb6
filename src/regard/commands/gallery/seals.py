"""`regard collections seal`, `unseal` and `seals`: collections that open only to several members of the council."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from regard.commands.common.inside import caller_of
from regard.commands.common.options import Json, Key
from regard.commands.common.output import out, print_json, table
from regard.commands.gallery.gallery import Collection
from regard.commands.gallery.transfer import app as app
from regard.commands.stewardship.afar import checked_address
from regard.commands.stewardship.council import As, signer_of
from regard.commands.stewardship.council import Key as MemberKey
from regard.fetching import fetched
from regard.gallery.templates.seals import opened_share
from regard.pages.seals import PATH, GivenShare, Standing
from regard.settings import from_environment
from regard.stewardship.council.member_keys import opening_key
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from regard.wire.exposure import running_url

_SECONDS, _MOST_BYTES = 30, 1 << 20


@app.command()
def seal(
    collection: Collection,
    needed: Annotated[int, typer.Option("--needed", "-k", help="How many members it takes to open it.", min=1)],
    key: Key = None,
) -> None:
    """Have a collection open only to several members of the council together, from now on, after each start anew.

    Nothing undoes it, and no operator gets around it: when fewer members than needed keep their keys, enrol again.
    """
    office = open_office(from_environment())
    organization = caller_of(office, key).organization
    sealed = open_holdings(office).seals.seal(organization, collection, needed)
    out.print(f"{collection} is sealed: {needed} of {len(sealed.shares)} members open it.")
    if len(sealed.shares) == 1:
        out.print("The council is one person: whoever holds their key opens it alone.", style="bold")
    out.print(f"Each of them gives their share with `regard collections unseal {sealed.id} --as NAME --key FILE`.")


@app.command()
def unseal(
    seal: Annotated[str, typer.Argument(help="The id of the seal; `seal` printed it, `seals` lists them.")],
    member: As = "operator",
    key: MemberKey = None,
    service: Annotated[str | None, typer.Option(help="Where the service is; by default on this machine.")] = None,
) -> None:
    """Give your share of a sealed collection to the service that runs. Your key stays with you.

    Leaves with 0 when the collection is open now, 1 while shares of others are missing.
    """
    address = f"{checked_address(service or running_url(from_environment()))}{PATH}/{seal}"
    sealed = {each.member: each.sealed for each in _asked(address).shares}
    if member not in sealed:
        raise LookupError(f"{member} has no share of {seal}; there are those of {', '.join(sealed)}")
    share = opened_share(seal, sealed[member], opening_key(signer_of(member, key)))
    standing = _asked(f"{address}/shares", msgspec.json.encode(GivenShare(member, share)))
    if standing.given >= standing.needed:
        out.print("The collection is open until the service stops.")
        return
    out.print(f"{standing.given} of {standing.needed} shares are given.")
    raise typer.Exit(1)


@app.command("seals")
def list_seals(as_json: Json = False) -> None:
    """The seals of this service: how many members each takes, and who holds a share."""
    found = open_holdings(open_office(from_environment())).seals.all()
    if as_json:
        print_json(
            [
                {"seal": each.id, "needed": each.needed, "members": [share.holder for share in each.shares]}
                for each in found
            ]
        )
        return
    rows = table("Seal", "Needed", "Members", whole=["Seal"])
    for each in found:
        rows.add_row(each.id, str(each.needed), ", ".join(share.holder for share in each.shares))
    out.print(rows)


def _asked(address: str, body: bytes | None = None) -> Standing:
    status, told = fetched(address, body, most=_MOST_BYTES, seconds=_SECONDS)
    if status == 200:
        return msgspec.json.decode(told, type=Standing)
    try:
        cause = msgspec.json.decode(told, type=_Refused).cause
    except msgspec.MsgspecError:
        cause = f"{address} answers {status}: is that the service?"
    raise ValueError(cause)


class _Refused(msgspec.Struct):
    """What the service says where it does not take a share."""

    cause: str
