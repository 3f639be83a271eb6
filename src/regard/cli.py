"""The command line: thin, each command calls one room."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError

from regard.commands import council, coverage, demo, gallery, keys, orgs, pictures, policy, serve, weights
from regard.commands.output import failed
from regard.operations.errors import ApiError

app = typer.Typer(
    name="regard",
    help="Pictures, with regard for the people in them: Amazon Rekognition's API on your own machine.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(demo.demo)
app.command()(pictures.detect)
app.command()(pictures.compare)
app.command()(gallery.index)
app.command()(gallery.search)
app.command()(coverage.coverage)
app.command()(coverage.settings)
app.add_typer(gallery.app, name="collections")
app.add_typer(keys.app, name="keys")
app.add_typer(orgs.app, name="orgs")
app.add_typer(policy.app, name="policy")
app.add_typer(council.app, name="council")
app.add_typer(weights.app, name="weights")


# What a user can cause and mend. Anything else is a fault of ours and shows where it happened.
_TOLD = (ApiError, BotoCoreError, ClientError, OSError, ValueError, LookupError, RuntimeError)


def main() -> None:
    """Run the command line. Exit codes: 0 yes or done, 1 no (no face, no match), 2 an error that is told."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except _TOLD as error:
        sys.exit(failed(error))


if __name__ == "__main__":
    main()
