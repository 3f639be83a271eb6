"""The command line: a table of names, and where each command is. A command is imported when it is asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

# Name, where it is below `regard.commands`, and the first line of its help: a test holds that it says the same.
COMMANDS = {
    "serve": ("serve:serve", "Start the service, and print what to paste to use it."),
    "demo": (
        "pictures.demo:demo",
        "Compare a portrait with its own mirrored crop, through boto3 over HTTP, and show what came back.",
    ),
    "detect": ("pictures.pictures:detect", "Find the faces in pictures."),
    "compare": (
        "pictures.pictures:compare",
        "Compare the largest face of one picture with every face of another.",
    ),
    "labels": ("pictures.things:labels", "Say what pictures show."),
    "text": ("pictures.things:text", "Read the text in pictures."),
    "moderation": ("pictures.things:moderation", "Find what a moderator would look at in pictures."),
    "equipment": ("pictures.things:equipment", "Find the protective equipment that people in pictures wear."),
    "redact": (
        "gallery.redaction:redact",
        "Cover the faces in pictures, and words by pattern, and write them without metadata.",
    ),
    "video": ("video.video:app", "Look at stored video: labels, faces, text, moderation, segments."),
    "jobs": ("jobs.jobs:app", "List, show, cancel and retry jobs on stored video."),
    "streams": ("streams.streams:app", "Set where live video comes from; list, show and stop what looks at it."),
    "work": (
        "jobs.work:work",
        "Work on jobs, one at a time, until told to stop. `regard serve` starts such workers itself.",
    ),
    "index": ("gallery.gallery:index", "Enrol the faces of pictures in a collection."),
    "search": ("gallery.gallery:search", "Look for the largest face of a picture in a collection."),
    "coverage": ("coverage:coverage", "Which of Rekognition's operations answer, and what is missing in each."),
    "settings": ("coverage:settings", "Every setting: its environment variable, its default, what it does."),
    "audit": ("pictures.audit:app", "Measure for whom the face model fails. Rates only, never who."),
    "train": (
        "pictures.train:app",
        "Make heads, the small files that tell attributes of faces and scenes, from labelled pictures.",
    ),
    "custom": (
        "custom.custom:app",
        "Train models of labels of your own from pictures on disk; look at them, ask them, take them along.",
    ),
    "evaluate": ("pictures.evaluate:app", "Measure accuracy and calibrate. Rates only, never who."),
    "collections": ("gallery.seals:app", "List, make, show and delete collections."),
    "figures": ("gallery.figures:app", "Enrol, list, recognize and remove public figures."),
    "keys": ("stewardship.keys:app", "List, issue, show and revoke access keys."),
    "orgs": ("stewardship.orgs:app", "Register organizations, their ties, and decide reviews."),
    "policy": ("stewardship.policy:app", "Show, explain, test and compare policies."),
    "council": ("stewardship.council:app", "Show the charter; propose, vote and stop."),
    "console": (
        "stewardship.console:app",
        "Invite people to the console; see who is signed in, and end it.",
    ),
    "consent": ("people.consent:app", "Add, show, list, withdraw and import consent receipts."),
    "subject": ("people.subject:app", "Tell people what is held on them; erase them."),
    "review": ("people.review:app", "Appoint reviewers; see what waits, and decide."),
    "log": ("record.log:app", "Audit a transparency log, and find your own calls in it."),
    "receipt": ("record.receipt:app", "Check receipts."),
    "report": (
        "record.report:report",
        "Count a period of a transparency log: calls, denials, motions, suspensions, keys, appeals, audits.",
    ),
    "reports": ("people.reports:app", "Read and answer appeals and reports of abuse."),
    "witness": ("record.witness:app", "Cosign other people's logs."),
    "weights": ("pictures.weights:app", "List, pull, verify, add, export and import the model files."),
}


class Commands(TyperGroup):
    """The commands of the table: lists and completes from it, and imports the one that runs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names, imported, with its name and the other words."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, imported(name) if found and name else None, rest


def imported(name: str) -> Any:
    """The command of a name in the table, or the group of commands, as Typer makes it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"regard.commands.{module}"), attribute)
    around = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name)(found)
    return get_group(around).commands[name]


app = typer.Typer(
    name="regard",
    cls=Commands,
    help="Pictures, with regard for the people in them: Amazon Rekognition's API on your own machine.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _told_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"regard {version('regard')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_told_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def _is_told(error: Exception) -> bool:
    """Whether a user can cause and mend it. Anything else is a fault of ours and shows where it happened."""
    from botocore.exceptions import BotoCoreError, ClientError

    from regard.operations.common.errors import ApiError

    told = (ApiError, BotoCoreError, ClientError, OSError, ValueError, LookupError, RuntimeError)
    return isinstance(error, told)


def main() -> None:
    """Run the command line. Exit codes: 0 yes or done, 1 no (no face, no match), 2 an error that is told."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _is_told(error):
            raise
        from regard.commands.common.output import failed

        sys.exit(failed(error))


if __name__ == "__main__":
    main()
