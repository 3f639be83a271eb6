"""`regard weights`: the model files, where they come from, and whether they are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from regard.commands.common.output import ERROR, err, out, print_json, table
from regard.settings import from_environment
from regard.vision.models.manifest import Source, Weight
from regard.vision.models.weights import Entry, Weights, sha256

app = typer.Typer(help="List, pull, verify, add, export and import the model files.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Names of weights; all, by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_weights(as_json: Json = False) -> None:
    """Every model file: what it is for, where it comes from, its licence, whether it is here."""
    _show(_weights().entries(), as_json)


@app.command()
def pull(names: Names = None) -> None:
    """Fetch what is missing or damaged; what is here and whole is not fetched again."""
    weights = _weights()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name.split("-")[0], total=total or None)
            bars.update(tasks[name], completed=done)

        pulled = weights.pull(names or None, report)
    out.print(f"{len(pulled)} model files pulled." if pulled else "The model files are here and whole.")


@app.command()
def verify(names: Names = None, as_json: Json = False) -> None:
    """Hash the files. Leaves with 2 when one is missing or damaged; `regard weights pull` repairs it."""
    entries = _weights().verify(names or None)
    _show(entries, as_json)
    if any(entry.state != "ready" for entry in entries):
        raise typer.Exit(ERROR)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The name that the weights get; one that ships is replaced.")],
    source: Annotated[str, typer.Argument(help="An https address, or a file on this machine.")],
    digest: Annotated[str | None, typer.Option("--sha256", help="SHA-256 of the file; needed for an address.")] = None,
    licence: Annotated[str, typer.Option(help="Under which terms you may use them.")] = "",
    origin: Annotated[str, typer.Option(help="Who made them.")] = "",
) -> None:
    """Write an entry into the weights.toml of your own that REGARD_WEIGHTS_FILE names."""
    remote = source.startswith("https://")
    if remote and digest is None:
        raise typer.BadParameter("an address needs --sha256, so that a changed file is noticed")
    found = digest or sha256(Path(source))
    place = Source(url=source) if remote else Source(file=str(Path(source).resolve()))
    _weights().add(Weight(name, found, place, licence=licence, origin=origin))
    out.print(f"{name} is listed. `regard weights pull {name}` fetches it.")


@app.command("export")
def export_weights(
    archive: Annotated[Path, typer.Argument(help="The tar file to write.")], names: Names = None
) -> None:
    """Write the files into one tar, for a machine without a network."""
    out.print(f"{archive}: {', '.join(_weights().export_to(archive, names or None))}")


@app.command("import")
def import_weights(
    archive: Annotated[Path, typer.Argument(exists=True, help="A tar that export wrote.")],
) -> None:
    """Take files out of a tar, each checked against weights.toml."""
    out.print(f"imported: {', '.join(_weights().import_from(archive))}")


def _weights() -> Weights:
    settings = from_environment()
    return Weights(settings.weights_dir, settings.weights_file)


def _show(entries: list[Entry], as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "name": entry.weight.name,
                    "state": entry.state,
                    "task": entry.weight.task,
                    "licence": entry.weight.licence,
                    "origin": entry.weight.origin,
                    "sha256": entry.weight.sha256,
                }
                for entry in entries
            ]
        )
        return
    shown = table("Name", "State", "Licence", "Task, origin, claimed accuracy", whole=["Name"])
    for entry in entries:
        weight = entry.weight
        about = "\n".join(each for each in (weight.task, weight.origin, weight.accuracy) if each)
        shown.add_row(weight.name, entry.state, weight.licence, about)
    out.print(shown)
