"""The command line: thin, each command calls one room."""

from __future__ import annotations

import sys

import typer

from regard.commands import coverage, demo, keys, pictures, serve, weights
from regard.commands.output import failed

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
app.command()(coverage.coverage)
app.command()(coverage.settings)
app.add_typer(keys.app, name="keys")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run the command line. Exit codes: 0 yes or done, 1 no (no face, no match), 2 an error that is told."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        sys.exit(failed(error))


if __name__ == "__main__":
    main()
