"""`regard streams`: where live video comes from, and what looks at it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from regard.commands.common.output import NO, err, out, print_json, say, table
from regard.settings import from_environment
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from regard.streams.cameras.pipes import poured
from regard.streams.cameras.places import PIPE, place_of
from regard.streams.errors import ProcessorInUse
from regard.streams.processor import Processor
from regard.streams.streams import Streams

app = typer.Typer(help="Set where live video comes from; list, show and stop what looks at it.", no_args_is_help=True)

Arn = Annotated[str, typer.Argument(help="The ARN of a Kinesis video stream, as callers of the API name it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The name of a stream processor, or its ARN.")]


@app.command()
def source(
    arn: Arn,
    address: Annotated[
        str | None,
        typer.Argument(
            help="rtsp://…, http://… of an MJPEG stream, the path of a film, or - for what comes on standard input."
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Let go of the source.")] = False,
) -> None:
    """Say where the pictures of a stream come from. User and password in the address are kept sealed."""
    streams = _streams()
    if remove:
        if not streams.sources.remove(arn):
            err.print("It had no source.")
            raise typer.Exit(NO)
        say("Removed.")
        return
    if address is None:
        say(streams.sources.get(arn).place.shown)
        return
    streams.sources.put(arn, address)
    if address != PIPE:
        say(f"{arn} comes from {place_of(address).shown}.")
        return
    say(f"{arn} comes from this command, as long as it runs: JPEG pictures one after another, or H.264.")
    poured(streams.pipes, arn, sys.stdin.buffer)
    # A worker may hold the other end still.
    sys.stdout.flush()
    os._exit(0)


@app.command("list")
def list_streams(as_json: Json = False) -> None:
    """Show the sources that are set, with the digest by which a motion names a camera, and all processors."""
    streams = _streams()
    sources, processors = streams.sources.all(), streams.processors.all()
    if as_json:
        places = [
            {"arn": each.arn, "source": _shown(each.text), "camera": streams.sources.digest(each)} for each in sources
        ]
        print_json({"sources": places, "processors": [_told(each) for each in processors]})
        return
    shown = table("stream", "source", "camera")
    for each in sources:
        shown.add_row(each.arn, _shown(each.text), streams.sources.digest(each))
    out.print(shown)
    shown = table("processor", "organization", "looks for", "status", "cause")
    for one in processors:
        shown.add_row(one.name, one.organization, _searched(one), str(one.status), one.cause)
    out.print(shown)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show a processor: where it stands, what it looks for, and why it failed."""
    streams = _streams()
    told = _told(found := _found(streams, name))
    if (lag := streams.processors.lags().get(found.id)) is not None:
        told["lag in seconds"] = round(lag, 2)
    if as_json:
        print_json(told)
        return
    shown = table("", "")
    for key, value in told.items():
        shown.add_row(key, str(value))
    out.print(shown)


@app.command()
def stop(name: Name) -> None:
    """Have a processor not worked on any more."""
    streams = _streams()
    found = _found(streams, name)
    try:
        streams.processors.halt(found.organization, found.name)
    except ProcessorInUse as error:
        err.print(str(error))
        raise typer.Exit(NO) from None
    say("It stops. `regard streams show` says when it has.")


def _streams() -> Streams:
    return open_holdings(open_office(from_environment())).streams


def _found(streams: Streams, name: str) -> Processor:
    found = [each for each in streams.processors.all() if name in (each.name, each.arn)]
    if len(found) != 1:
        raise LookupError(f"{len(found) or 'no'} stream processors are named {name}; `regard streams list` shows them")
    return found[0]


def _shown(text: str) -> str:
    try:
        return place_of(text).shown
    except ValueError:
        return "a film that is gone"


def _searched(processor: Processor) -> str:
    settings = processor.given["Settings"]
    if processor.searches_faces:
        return f"faces of {settings['FaceSearch']['CollectionId']}"
    return ", ".join(settings["ConnectedHome"]["Labels"])


def _told(processor: Processor) -> dict[str, Any]:
    session = processor.session
    told = {
        "processor": processor.name,
        "arn": processor.arn,
        "organization": processor.organization,
        "stream": processor.stream,
        "looks for": _searched(processor),
        "status": str(processor.status),
        "cause": processor.cause or None,
        "made": _when(processor.created_at),
        "session": session and session.id,
        "started by": session and session.access_key,
        "first picture": session and _when(session.first_at),
        "last message": session and _when(session.told_at),
    }
    return {name: value for name, value in told.items() if value is not None}


def _when(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
