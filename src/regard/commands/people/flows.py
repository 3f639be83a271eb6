"""`regard review flow`: when a person looks at a picture that DetectModerationLabels was in doubt about."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from regard.commands.common.inside import caller_of
from regard.commands.common.output import out, print_json, table
from regard.commands.people.consent import Json, Key
from regard.settings import from_environment
from regard.stewardship.office import open_office
from regard.stewardship.people.flows import ANY, Flow, Flows

app = typer.Typer(help="Set, list and remove the flow definitions that HumanLoopConfig names.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of the flow definition.")]


@app.command("set")
def set_flow(
    name: Name,
    label: Annotated[str, typer.Option(help="The label of taxonomy 7.0 that it is about; * is any.")] = ANY,
    at_least: Annotated[float, typer.Option(help="The least confidence that a person looks at.")] = 0.0,
    at_most: Annotated[float, typer.Option(help="The highest.")] = 100.0,
    key: Key = None,
) -> None:
    """Make a flow definition, or change it. Prints the ARN that requests name.

    Example: `regard review flow set doubtful --label Explicit --at-least 20 --at-most 80`
    """
    flows, organization = _open(key)
    flow = Flow(name, label, at_least, at_most)
    flows.define(organization, flow)
    out.out(_arn(organization, flow))


@app.command("list")
def list_flows(as_json: Json = False, key: Key = None) -> None:
    """Every flow definition, its condition and its ARN."""
    flows, organization = _open(key)
    found = flows.all(organization)
    if as_json:
        print_json([asdict(flow) | {"arn": _arn(organization, flow)} for flow in found])
        return
    shown = table("Name", "Label", "Confidence", "ARN")
    for flow in found:
        shown.add_row(flow.name, flow.label, f"{flow.at_least:g} to {flow.at_most:g}", _arn(organization, flow))
    out.print(shown)


@app.command("remove")
def remove_flow(name: Name, key: Key = None) -> None:
    """Remove a flow definition. What waits for a reviewer still does."""
    flows, organization = _open(key)
    flows.remove(organization, name)


def _arn(organization: str, flow: Flow) -> str:
    # Requests may name any region: here there is one.
    return f"arn:aws:sagemaker:us-east-1:{organization}:flow-definition/{flow.name}"


def _open(key: str | None) -> tuple[Flows, str]:
    office = open_office(from_environment())
    return Flows(office.engine), caller_of(office, key).organization
