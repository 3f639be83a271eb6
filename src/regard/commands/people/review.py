"""`regard review`: the people who decide whether a match is one, and which labels of a picture are right."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from regard.commands.common.inside import caller_of
from regard.commands.common.output import out, print_json, table
from regard.commands.people import flows
from regard.commands.people.consent import Json, Key
from regard.gallery.faces import subject as subject_of
from regard.settings import from_environment
from regard.stewardship.holdings import Holdings, open_holdings
from regard.stewardship.office import open_office
from regard.stewardship.people.review import Reviews
from regard.stewardship.people.reviewers import Reviewer

app = typer.Typer(help="Appoint reviewers; see what waits, and decide.", no_args_is_help=True)
app.add_typer(flows.app, name="flow")

Name = Annotated[str, typer.Argument(help="The reviewer's name.")]
Secret = Annotated[str, typer.Option(envvar="REVIEW_SECRET", help="The secret that `appoint` told.")]


@app.command()
def appoint(
    name: Name,
    asks_with: Annotated[list[str] | None, typer.Option(help="An access key of theirs; may be repeated.")] = None,
    key: Key = None,
) -> None:
    """Make a person a reviewer, or give them another secret. They do not decide on what their own keys asked."""
    reviews, organization = _open(key)
    secret = reviews.reviewers.appoint(organization, name, asks_with or ())
    out.out(f"log in at /review as {organization}/{name} with {secret}")


@app.command()
def pending(name: Name, secret: Secret, key: Key = None) -> None:
    """Show the matches that wait for a reviewer, as JSON; pictures are on the page /review."""
    reviews, reviewer = _log_in(name, secret, key)
    print_json(msgspec.to_builtins(reviews.pending(reviewer)))


@app.command()
def decide(
    name: Name,
    candidate: Annotated[str, typer.Argument(help="The candidate's id.")],
    secret: Secret,
    same: Annotated[bool, typer.Option("--same/--not-same", help="Whether it is the same person.")],
    key: Key = None,
) -> None:
    """Say whether a candidate is the same person. Two who say so confirm it; one who denies ends it."""
    reviews, reviewer = _log_in(name, secret, key)
    reviews.decide(reviewer, candidate, same)


@app.command("false-match")
def false_match(
    name: Name,
    subject: Annotated[str, typer.Argument(help="Who was found: the ExternalImageId.")],
    request: Annotated[str, typer.Argument(help="The search that found them, by its request id.")],
    secret: Secret,
    key: Key = None,
) -> None:
    """Say that a search found the wrong person, for whatever purpose. The same picture does not find them again, and
    once two reviewers say so, neither does the other person without a review. Prints what `take-back` takes.
    """
    reviews, reviewer = _log_in(name, secret, key)
    out.out(reviews.false_match(reviewer.organization, subject_of(subject, ""), request, reviewer.name))


@app.command("take-back")
def take_back(
    name: Name,
    candidate: Annotated[str, typer.Argument(help="The candidate's id, which `false-match` and `pending` print.")],
    secret: Secret,
    key: Key = None,
) -> None:
    """Take back that you called a match false. What the person said, or another reviewer, stays."""
    reviews, reviewer = _log_in(name, secret, key)
    reviews.take_back(reviewer.organization, candidate, reviewer.name)


@app.command()
def counts(key: Key = None) -> None:
    """How many matches people confirmed, rejected or have still to decide on, by purpose, as JSON: for audits."""
    reviews, organization = _open(key)
    print_json(reviews.counts(organization))


@app.command()
def loops(
    name: Annotated[str | None, typer.Argument(help="The HumanLoopName; by default, all.")] = None,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Show human loops: the labels of each picture, and which of them a reviewer found right."""
    holdings, organization = _holdings(key)
    found = holdings.loops.all(organization) if name is None else [holdings.loops.get(organization, name)]
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    shown = table("Name", "Flow", "Labels", "Right", "Reviewer")
    for loop in found:
        right = "waits" if loop.right is None else ", ".join(loop.right) or "none"
        labels = ", ".join(f"{label} {confidence:.1f}" for label, confidence in loop.labels.items())
        shown.add_row(loop.name, loop.flow, labels, right, loop.reviewer or "")
    out.print(shown)


def _log_in(name: str, secret: str, key: str | None) -> tuple[Reviews, Reviewer]:
    reviews, organization = _open(key)
    return reviews, reviews.reviewers.log_in(organization, name, secret)


def _open(key: str | None) -> tuple[Reviews, str]:
    holdings, organization = _holdings(key)
    return holdings.reviews, organization


def _holdings(key: str | None) -> tuple[Holdings, str]:
    office = open_office(from_environment())
    return open_holdings(office), caller_of(office, key).organization
