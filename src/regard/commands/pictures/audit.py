"""`regard audit`: for whom the face model fails, on a sample of your own; `regard log` audits the log."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from regard.commands.common.output import ERROR, NO, YES, err, out, print_json, table
from regard.commands.pictures.looking import looked_at
from regard.commands.record.verifiers import read_verifiers
from regard.settings import Settings, from_environment

# What measures is slow to import; the other commands need not wait for it.
if TYPE_CHECKING:
    from regard.evaluation.bias.report import Report

app = typer.Typer(help="Measure for whom the face model fails. Rates only, never who.", no_args_is_help=True)

GroupsFile = Annotated[
    Path | None,
    typer.Option("--groups", exists=True, dir_okay=False, help="A CSV file: subject, and a column each way to group."),
]
TheFace = Annotated[str, typer.Option("--face", help="Which face of a picture counts: central, largest or aligned.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_REPORT, _NOTE, _MARKDOWN, _PAGE = "audit.json", "audit.note", "audit.md", "audit.html"


@app.command()
def run(
    sample: Annotated[
        Path,
        typer.Argument(
            exists=True, help="A CSV file (subject, image, groups…), or a folder a group of folders a person."
        ),
    ],
    groups: GroupsFile = None,
    similarity: Annotated[
        list[float] | None, typer.Option(min=0, max=100, help="A threshold to audit; 80, 90 and 99 by default.")
    ] = None,
    fmr: Annotated[
        list[float] | None,
        typer.Option(help="A threshold to audit: where the whole sample has this false match rate; 0.001 by default."),
    ] = None,
    gallery: Annotated[
        list[int] | None, typer.Option(min=1, help="A size of gallery; 1,000, 25,000 and 1,000,000 by default.")
    ] = None,
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")] = Path("audit"),
    face: TheFace = "central",
    log: Annotated[bool, typer.Option(help="Enter the audit in the transparency log.")] = True,
) -> None:
    """Audit the face model by group: false matches, false non-matches, failures to enrol.

    Groups are those that the labels name; none is inferred. Writes the report, a signed statement on it and a model
    card. What was looked at is kept: a run that was interrupted goes on where it stopped.

    Leaves with 0 when no disparity was found, 1 when one was, 2 on an error, or when nothing was compared: that is no
    audit, and is not entered in the log.

    Example: `regard audit run people.csv --similarity 95 --gallery 20000 -o audit-2026`
    """
    from regard.evaluation.bias.audit import GALLERIES, Threshold, at_rate
    from regard.evaluation.bias.report import report_on
    from regard.evaluation.samples.labels import groups_in, sample_in
    from regard.evaluation.samples.pictures_on_disk import require_there
    from regard.evaluation.samples.sample import sample_of
    from regard.stewardship.office import open_office
    from regard.vision.faces.faces import FaceAnalyzer
    from regard.vision.faces.similarity import score

    settings = from_environment()
    pictures = sample_in(sample, groups_in(groups) if groups else None)
    require_there(pictures, sample)
    # Who signs is asked before all pictures are looked at.
    open_office(settings).engine.dispose()
    labelled = sample_of(pictures, looked_at(pictures, settings, face))
    thresholds = [
        *(Threshold(f"FMR {rate:g} of this sample", at_rate(labelled, rate)) for rate in fmr or [1e-3]),
        *(Threshold(f"Similarity {each:g}", score(each)) for each in similarity or [80, 90, 99]),
    ]
    with err.status("Comparing") as status:
        report = report_on(
            labelled,
            thresholds,
            made=datetime.now(UTC),
            model=FaceAnalyzer.opened(settings).version,
            service=version("regard"),
            galleries=gallery or GALLERIES,
            progress=lambda about: status.update(f"Comparing: {about}"),
        )
    compared = report.findings.asked > 0
    _write(report, settings, to, log and compared)
    _tell(report, to)
    if not compared:
        raise typer.Exit(ERROR)
    raise typer.Exit(NO if report.remedies else YES)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="What `regard audit run` wrote.")],
    key: Annotated[list[str], typer.Option(help="The operator's public key, or a file of keys; may be repeated.")],
) -> None:
    """Check that the report is the one that was signed, and print the statement. `regard log key` prints the key."""
    from regard.evaluation.bias.report import verified

    statement = verified((folder / _REPORT).read_bytes(), (folder / _NOTE).read_bytes(), read_verifiers(key))
    print_json(statement.body)


@app.command()
def congress(
    probes: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The people: a file or a folder each.")],
    gallery: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Pictures of other people.")],
    groups: GroupsFile = None,
    face: TheFace = "central",
    as_json: Json = False,
) -> None:
    """Match people with strangers' pictures, as was done with the members of Congress in 2018, and count by group.

    Nobody in the one folder may be in the other: every match is a false one. The last column is the chance that so
    many of a group or more would be matched if false matches fell on people regardless of it (hypergeometric).

    Example: `regard audit congress members/ arrests/ --groups members.csv`
    """
    from regard.evaluation.bias import congress as design
    from regard.evaluation.samples.embedding import embeddings
    from regard.evaluation.samples.labels import groups_in, people_in
    from regard.evaluation.statistics.rates import percent
    from regard.vision.faces.similarity import score

    settings = from_environment()
    people, strangers = people_in(probes), people_in(gallery)
    found = looked_at([*people, *strangers], settings, face)
    rows = embeddings(found)
    seen = [place for place in range(len(people)) if found[place].enrolled]
    outcomes = design.outcomes(
        [people[place].subject for place in seen],
        design.closest(rows[seen], rows[len(people) :]).tolist(),
        groups_in(groups) if groups else {},
        {similarity: score(similarity) for similarity in design.SIMILARITIES},
    )
    if as_json:
        print_json(msgspec.to_builtins(outcomes))
        return
    enrolled = sum(each.enrolled for each in found[len(people) :])
    out.print(f"{len(seen)} of {len(people)} pictures of people against {enrolled} of {len(strangers)} of others.")
    shown = table("Similarity", "Group", "People", "Falsely matched", "Share", "Chance")
    for outcome in outcomes:
        share = percent(outcome.matched / outcome.people) if outcome.people else ""
        shown.add_row(f"{outcome.similarity:g}", "all", str(outcome.people), str(outcome.matched), share, "")
        for one in outcome.shares:
            share = percent(one.matched / one.people)
            name = f"{one.attribute}: {one.group}"
            shown.add_row("", name, str(one.people), str(one.matched), share, f"{one.chance:.3g}")
    out.print(shown)


def _write(report: Report, settings: Settings, to: Path, log: bool) -> None:
    from regard.evaluation.bias import AUDIT
    from regard.evaluation.bias.card import card
    from regard.evaluation.bias.report import Statement, signed
    from regard.evaluation.document import as_html, as_markdown
    from regard.stewardship.office import open_office

    to.mkdir(parents=True, exist_ok=True)
    office = open_office(settings)
    blocks = card(report)
    (to / _REPORT).write_bytes(report.text)
    (to / _NOTE).write_bytes(signed(report, office.logbook.keys.signers))
    (to / _MARKDOWN).write_text(as_markdown(blocks))
    (to / _PAGE).write_text(as_html(blocks))
    if log:
        office.logbook.write(AUDIT, Statement.of(report).body)
        office.logbook.close()


def _tell(report: Report, to: Path) -> None:
    from regard.evaluation.bias.card import NOTHING_COMPARED
    from regard.evaluation.bias.report import Statement

    found = report.findings
    for attribute in found.attributes:
        shown = table("Group", "People", "Failure to enrol", "Threshold", "False match", "False non-match")
        shown.title = attribute.name
        for place, group in enumerate(attribute.groups):
            start = [group, f"{attribute.people[place]:,}", attribute.failure_to_enrol.rates[place].told]
            for at in attribute.thresholds:
                rates = (at.false_match.rates[place], at.false_non_match.rates[place])
                shown.add_row(*start, at.threshold.name, *(rate.told for rate in rates))
                start = [""] * 3
        out.print(shown)
    for note in found.notes:
        out.print(note)
    for name, value in Statement.of(report).results["disparities found"].items():
        out.print(f"Disparity found: {name}: {value}")
    if not found.asked:
        out.print(NOTHING_COMPARED)
    elif not report.remedies:
        out.print(f"No disparity was found in {found.asked:,} comparisons.")
    out.print(f"Written: {to / _PAGE}, {_MARKDOWN}, {_REPORT}, {_NOTE}")
