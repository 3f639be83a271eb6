"""The command line: thin, each command calls one room."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError

from regard.commands import coverage, serve
from regard.commands.common.output import failed
from regard.commands.gallery import figures, gallery, redaction, seals
from regard.commands.people import consent, reports, review, subject
from regard.commands.pictures import audit, demo, evaluate, pictures, weights
from regard.commands.record import log, receipt, report, witness
from regard.commands.stewardship import council, keys, orgs, policy
from regard.operations.common.errors import ApiError

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
app.command()(redaction.redact)
app.command()(gallery.index)
app.command()(gallery.search)
app.command()(coverage.coverage)
app.command()(coverage.settings)
app.add_typer(audit.app, name="audit")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(seals.app, name="collections")
app.add_typer(figures.app, name="figures")
app.add_typer(keys.app, name="keys")
app.add_typer(orgs.app, name="orgs")
app.add_typer(policy.app, name="policy")
app.add_typer(council.app, name="council")
app.add_typer(consent.app, name="consent")
app.add_typer(subject.app, name="subject")
app.add_typer(review.app, name="review")
app.add_typer(log.app, name="log")
app.add_typer(receipt.app, name="receipt")
app.command()(report.report)
app.add_typer(reports.app, name="reports")
app.add_typer(witness.app, name="witness")
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
