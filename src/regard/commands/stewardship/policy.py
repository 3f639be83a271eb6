"""`regard policy`: the rules in force, and what others would change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text
from sqlalchemy import Engine

from regard.commands.common.output import NO, out, print_json, table
from regard.settings import from_environment
from regard.stewardship.council.council import Council
from regard.stewardship.gate.difference import difference
from regard.stewardship.gate.explanation import explain as explained
from regard.stewardship.gate.snapshot import Snapshots
from regard.stewardship.policy.cases import read_cases, run_cases, shipped_cases
from regard.stewardship.policy.packs import Pack, names
from regard.stewardship.policy.policy import Policy
from regard.stewardship.records import records

app = typer.Typer(help="Show, explain, test and compare policies.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PackName = Annotated[str, typer.Argument(metavar="PACK", help="A pack that ships, or a .cedar file.")]


@app.command()
def show(as_json: Json = False) -> None:
    """Print the rules in force with their sentences and sources, and the hash that was voted for."""
    policy = Policy(_opened()[1].pack())
    if as_json:
        print_json({"pack": policy.pack.name, "hash": policy.pack.hash, "rules": _plain(policy)})
        return
    listed = table("rule", "effect", "says", "source", whole=["rule"], title=f"{policy.pack.name} {policy.pack.hash}")
    for rule in policy.rules.values():
        listed.add_row(rule.id, rule.effect, rule.sentence, rule.source)
    out.print(listed)


@app.command()
def explain(
    number: Annotated[int | None, typer.Argument(help="The record's number; without one, the last denial.")] = None,
    as_json: Json = False,
) -> None:
    """Decide a recorded denial again, offline, and show why."""
    engine, council = _opened()
    record = records.get(engine, number) if number else records.last(engine, "denial")
    told = explained(record.body, Policy(council.stored(str(record.body.get("policy", council.law().policy)))))
    if as_json:
        print_json({"record": record.sequence, **msgspec.to_builtins(told)})
        return
    out.print(f"Record {record.sequence}: {record.body['operation']} by {record.body['organization']}: {told.rule}")
    for rule in told.rules:
        out.print(f"  [{rule.id}] {rule.sentence}\n  {rule.source}")
    if told.path:
        out.print(f"  {' → '.join(told.path)}")
    if told.same is not None:
        again = Text("the same.") if told.same else Text("another answer.", "bold")
        out.print(Text.assemble("  Decided again: ", again))


@app.command("test")
def run(pack: PackName) -> None:
    """Run the cases beside a pack. Exit code 1 when one fails."""
    chosen = _pack(pack)
    file = Path(pack).with_suffix(".cases.toml")
    outcomes = run_cases(Policy(chosen), shipped_cases(pack) if pack in names() else read_cases(file))
    for outcome in outcomes:
        mark = ("ok", "green") if outcome.passed else ("FAILED", "red")
        wanted = "" if outcome.passed else f": expected {outcome.case.expect}, found {outcome.found}"
        out.print(Text.assemble(mark, f" {outcome.case.name}{wanted}"))
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(NO)


@app.command()
def diff(pack: PackName, as_json: Json = False) -> None:
    """Say which organizations and calls a pack would newly allow or deny."""
    after, snapshot = Policy(_pack(pack)), Snapshots(_opened()[0]).current()
    purposes = {*snapshot.policy.purposes, *after.purposes}
    changes = difference(snapshot, after, purposes)
    if as_json:
        print_json([asdict(change) for change in changes])
        return
    listed = table("organization", "call", "purpose", "when", "before", "after", "rules")
    for each in changes:
        before, then = ("allowed" if is_so else "denied" for is_so in (each.allowed_before, each.allowed_after))
        party = snapshot.parties[each.organization].name
        call = f"{each.action} {each.data}"
        listed.add_row(party, call, each.purpose, each.circumstances, before, then, " ".join(each.rules))
    out.print(listed)


@app.command()
def store(pack: PackName) -> None:
    """Keep a pack so that a motion can name it; prints its hash. Nothing comes into force by this."""
    out.out(_opened()[1].store(_pack(pack)))


def _opened() -> tuple[Engine, Council]:
    from regard.stewardship.office import open_office

    engine = open_office(from_environment()).engine
    return engine, Council(engine)


def _pack(name: str) -> Pack:
    return Pack.shipped(name) if name in names() else Pack.from_file(Path(name))


def _plain(policy: Policy) -> list[dict[str, str]]:
    return [asdict(rule) for rule in policy.rules.values()]
