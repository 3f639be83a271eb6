"""`regard custom`: labels of one's own from pictures on disk, without a service; docs/custom.md tells how."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.commands.common.output import ERROR, NO, YES, err, failed, out, print_json, say, table
from regard.commands.custom.law import require_lawful, tags_of
from regard.settings import from_environment
from regard.stewardship.policy.custom_labels import Faces, Project, fills

# What learns and looks is slow to import; the help need not wait for it.
if TYPE_CHECKING:
    from regard.custom.workbench.eyes import Eye
    from regard.custom.workbench.kept import Model, Results
    from regard.custom.workbench.pictures import Labelled
    from regard.custom.workbench.seeing import Glance, Kept

app = typer.Typer(
    help="Train models of labels of your own from pictures on disk; look at them, ask them, take them along.",
    no_args_is_help=True,
)
Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="What `regard custom train` wrote.")]
Says = Callable[[float], None]


def _meanings(given: list[str]) -> list[str]:
    if any("=" not in each for each in given):
        raise typer.BadParameter("a meaning is LABEL=TEXT.")
    return given


@app.command()
def train(
    pictures: Annotated[
        Path,
        typer.Argument(
            exists=True, help="A folder of folders, one a label; a CSV file (image, label…); or a manifest of lines."
        ),
    ],
    to: Annotated[Path, typer.Option("--out", "-o", help="The folder to write, which is not there yet.")],
    test: Annotated[
        Path | None,
        typer.Option(exists=True, help="Pictures to test with, laid out alike; by default, a fifth of the others."),
    ] = None,
    meaning: Annotated[
        list[str],
        typer.Option(help="LABEL=TEXT: what a label of two meanings stands for; may be repeated.", callback=_meanings),
    ] = [],  # noqa: B006 - typer copies it
    seed: Annotated[int, typer.Option(help="Another one deals pictures to other folds.")] = 0,
    seen: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Another model: what it saw is not looked at again."),
    ] = None,
) -> None:
    """Train a model that tells labels of your own, and say what it is worth.

    A manifest with boxes makes a detector, and one with labels of moderation an adapter. Writes a folder with
    head.onnx, manifest.json and report.html, whole or not at all. Nothing leaves this machine.
    Leaves with 2 where nothing was trained: the text says which labels are too weak, and what would help.

    Examples: `regard custom train parts/ --out parts-1`, `regard custom train parts.csv --test more.csv --out parts-2`
    """
    # As for workers: threads of small products wait for each other. It counts where nothing has multiplied yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from regard.custom.workbench.eyes import open_eye
    from regard.custom.workbench.kept import REPORT, keep, read_seen
    from regard.custom.workbench.making import Lesson, made, require_enough, split
    from regard.custom.workbench.page import page
    from regard.custom.workbench.pictures import ADAPTER, kind_of, labelled_in, of_kind
    from regard.evaluation.custom.errors import NotTrained

    if to.exists():
        raise FileExistsError(f"{to} is there already. Name another folder, or take it away.")
    labelled = [labelled_in(each) for each in (pictures, *([test] if test else []))]
    kind = kind_of(labelled[0])
    labelled = [of_kind(each, kind) for each in labelled]
    # Labels of moderation are AWS's, and nobody's own.
    names = tuple(sorted({name for each in labelled[0] for name in each.names})) if kind != ADAPTER else ()
    tags = tags_of(dict(each.split("=", 1) for each in meaning))
    require_lawful(Project(to.resolve().name, names, tags))
    eye = open_eye(kind, from_environment())
    try:
        if not test:
            require_enough(labelled[0])
        with _bar("Looking") as told:
            sides = _seen(labelled, eye, read_seen(seen, eye.on) if seen else {}, told)
        everything = [each for side in sides for each in side]
        faces = Faces(len(everything), sum(fills(each.kept.look.face, 1.0) for each in everything))
        require_lawful(Project(to.resolve().name, names, tags, faces))
        training, tested = (sides[0], sides[1]) if test else split(sides[0])
        beside = {"tags": tags, "faces": [faces.pictures, faces.filled]}
        with _bar("Training") as told:
            lesson = Lesson(training, tested, eye.base, seed, told)
            trained, results = made(to.resolve().name, kind, lesson, beside)
    except NotTrained as error:
        raise typer.Exit(failed(f"ERROR_{error.code}: {error}")) from None
    keep(to, trained, results, page(results), everything, eye.on)
    _tell(results)
    out.print(f"Written to {to}. Look at {to / REPORT}.")


@app.command()
def report(
    folder: Folder,
    against: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Another version, to compare with.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="The page to write; by default, report.html of the folder.")
    ] = None,
) -> None:
    """Write the page on a model: what it confuses, with the pictures, and how it differs from another version.

    The pictures are looked up where they lay, and are in the page, small: it is for its owner alone (0600).

    Example: `regard custom report parts-2 --against parts-1`
    """
    from regard.custom.workbench.kept import REPORT, read_results
    from regard.custom.workbench.page import page
    from regard.files import replace_private

    text = page(read_results(folder), read_results(against) if against else None)
    replace_private(to or folder / REPORT, text.encode())
    out.print(f"Written to {to or folder / REPORT}.")


@app.command()
def export(
    folder: Folder,
    to: Annotated[Path, typer.Option("--to", help="The ONNX file to write.")],
) -> None:
    """Write one ONNX file that runs without this software, and print the Python that runs it.

    Example: `regard custom export parts-1 --to parts.onnx`
    """
    from regard.custom.workbench.kept import read_model
    from regard.custom.workbench.taking import taken_along
    from regard.files import write_whole

    data, lines = taken_along(read_model(folder), from_environment(), str(to))
    write_whole(to, data)
    err.print(f"Written to {to}. These lines take numpy, onnxruntime and Pillow:")
    out.out(lines, end="")


@app.command()
def detect(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", exists=True)],
    folder: Annotated[
        Path, typer.Option("--model", exists=True, file_okay=False, help="What `regard custom train` wrote.")
    ],
    at_least: Annotated[
        float | None,
        typer.Option("--at-least", min=0, max=100, help="Least confidence; by default, each label's own."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in the form of the API.")] = False,
) -> None:
    """Say which labels of your own pictures show.

    Leaves with 0 when a label was found, 1 when there was none, 2 when a picture could not be read.

    Example: `regard custom detect new/ --model parts-1`
    """
    from regard.commands.pictures.pictures import pictures_under
    from regard.custom.workbench.asking import asker
    from regard.custom.workbench.eyes import open_eye
    from regard.custom.workbench.kept import read_model
    from regard.vision.pictures.images import ImageError, decode

    model, settings = read_model(folder), from_environment()
    require_lawful(_project(folder, model))
    ask = asker(model, open_eye(model.kind, settings, faces=False), settings, at_least)
    found: dict[str, Any] = {}
    code = NO
    for file in pictures_under(paths):
        try:
            found[str(file)] = ask(decode(file.read_bytes()))
        except (OSError, ImageError) as error:
            code = failed(f"{file}: {error}")
            continue
        code = YES if code != ERROR and any(found[str(file)].values()) else code
    if as_json:
        print_json(found)
    else:
        _list(found)
    raise typer.Exit(code)


def _project(folder: Path, model: Model) -> Project:
    """What decides whether a model may be asked: the names of its labels, and what its training was judged by."""
    from regard.custom.workbench.kept import read_results
    from regard.custom.workbench.pictures import ADAPTER

    names = tuple(str(each["name"]) for each in model.labels) if model.kind != ADAPTER else ()
    beside = read_results(folder).beside
    return Project(folder.resolve().name, names, beside["tags"], Faces(*beside["faces"]))


def _seen(sides: Sequence[Sequence[Labelled]], eye: Eye, known: Mapping[str, Kept], told: Says) -> list[list[Glance]]:
    """The pictures of the training and of the test as they are seen; what cannot be read is told and left out."""
    from regard.custom.workbench.seeing import seen

    found = []
    whole, done = sum(map(len, sides)), 0
    for side in sides:
        start = done
        glances, wrong = seen(side, eye.look, known, lambda share: told((start + share * len(side)) / whole))  # noqa: B023
        done += len(side)
        for each in wrong:
            err.print(f"Left out: {each}")
        if not glances:
            raise ValueError("None of the pictures can be read. Give JPEG and PNG files.")
        found.append(glances)
    return found


@contextmanager
def _bar(about: str) -> Iterator[Says]:
    """A bar with an estimate of the time that is left; it is told the share that is done."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bars:
        task = bars.add_task(about, total=1.0)
        yield lambda share: bars.update(task, completed=share)


def _tell(results: Results) -> None:
    from regard.custom.workbench.page import by_label, figures

    out.print(f"{results.name}: learned from {results.trained} pictures, tested with {len(results.pictures)} others.")
    shown = table("", "")
    for row in figures(results):
        shown.add_row(*row)
    out.print(shown)
    labels = table("Label", "F1", "Precision", "Recall", "Told from", "Learned from", "Tested with")
    for each in by_label(results):
        labels.add_row(*each)
    out.print(labels)
    if results.twins:
        err.print(
            f"Of the test, also in the training or alike: {len(results.twins)}. What is told of them is flattered."
        )
    for label in results.labels:
        if label.advice:
            say(f"Weak: {label.advice}")


def _list(found: dict[str, Any]) -> None:
    for name, answer in found.items():
        out.print(name)
        shown = table("Label", "Confidence", "Left", "Top", "Width", "Height") if _has_boxes(answer) else None
        shown = shown or table("Label", "Confidence")
        for each in chain.from_iterable(answer.values()):
            box = each.get("Geometry", {}).get("BoundingBox", {}).values()
            shown.add_row(each["Name"], f"{each['Confidence']:.1f}", *(f"{side:.3f}" for side in box))
        out.print(shown if shown.row_count else "none", "")


def _has_boxes(answer: dict[str, Any]) -> bool:
    return any("Geometry" in each for each in chain.from_iterable(answer.values()))
