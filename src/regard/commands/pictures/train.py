"""`regard train`: heads made of labelled faces, and of labelled scenes; docs/heads.md and docs/labels.md tell how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.commands.common.output import err, out, table
from regard.settings import from_environment

# What makes heads is slow to import; the other commands need not wait for it.
if TYPE_CHECKING:
    from regard.evaluation.training.looking import Looker
    from regard.evaluation.training.recipes import Recipe
    from regard.evaluation.training.scenes import Left
    from regard.vision.heads.head import Head
    from regard.vision.heads.scenes import SceneHead

app = typer.Typer(
    help="Make heads, the small files that tell attributes of faces and scenes, from labelled pictures.",
    no_args_is_help=True,
)


def _plain(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.]{1,32}", name):
        raise typer.BadParameter("a name has 1 to 32 letters, digits, dots and underscores.")
    return name


Faces = Annotated[
    Path,
    typer.Argument(
        exists=True, help="A CSV file (image, person, answer), or a folder with labels.csv, or yes/ and no/."
    ),
]
To = Annotated[Path, typer.Option("--out", "-o", help="The folder to write to: the one that REGARD_HEADS_DIR names.")]


@app.command()
def head(
    name: Annotated[str, typer.Argument(help="Which head: `eyeglasses`, `beard` and so on.")],
    faces: Faces,
    to: To = Path("heads"),
    column: Annotated[
        str | None, typer.Option(help="The column of the CSV file with the answers, 1 or 0; by default the head's own.")
    ] = None,
) -> None:
    """Make one head of faces of your own, in the place of the one that ships.

    Prints what it is worth on people it was not made with. With `REGARD_HEADS_DIR` set to the folder, the service asks
    it from the next start.

    Examples: `regard train head beard faces/`, `regard train head smile faces.csv --out heads`
    """
    import msgspec

    from regard.evaluation.training.recipes import book

    recipe = book().recipe(name)
    if column:
        recipe = msgspec.structs.replace(recipe, column=column)
    _make([recipe], faces, to)


@app.command()
def heads(faces: Faces, to: To = Path("heads")) -> None:
    """Make every head of a folder with labels.csv: of the pictures that those were made of that ship, the same bytes.

    Example: `regard train heads attributes/ --out heads`
    """
    from regard.evaluation.training.recipes import book

    _make(book().recipes, faces, to)


@app.command()
def scenes(
    pictures: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder with pictures and labels.csv.")
    ],
    name: Annotated[
        str, typer.Option(help="What the head is called in LabelModelVersion.", callback=_plain)
    ] = "scenes",
    to: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("scenes.json"),
) -> None:
    """Make a head that tells words of your own, such as Sky or Kitchen, from pictures of your own.

    A line of `labels.csv` is a picture: file, source, and a column a word, 1 where it is right and 0 where it is not.
    A word is taken in where it is right four times in five on pictures of sources that it was not made of. With
    `REGARD_SCENES_FILE` set to the file, DetectLabels tells them from the next start.

    Example: `regard train scenes photos/ --name ours --out scenes.json`
    """
    from regard.evaluation.training.scenes import labelled_in, looker, made, seen
    from regard.files import write_whole

    base, see = looker(from_environment())
    labelled, inputs = seen(labelled_in(pictures), see)
    head, left = made(name, base, labelled, inputs)
    write_whole(to, head.written())
    _print_words(head, left)
    out.print(f"Written to {to}. Set REGARD_SCENES_FILE to it to have DetectLabels tell them.")


@app.command()
def background(
    pictures: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder with labels.csv: file, source and terms.")
    ],
    to: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("background.json"),
) -> None:
    """Make the unrelated pictures, as features, that labels of one's own are taught to keep off.

    What ships is made by this command; docs/custom.md says of which pictures. None of them is in the file.

    Example: `regard train background unrelated/`
    """
    from regard.evaluation.custom.background import background_of
    from regard.files import write_whole
    from regard.vision.things.features import READING, Features

    features = Features.opened(from_environment())
    made = background_of(pictures, features.base, READING, features.features_of)
    write_whole(to, made.written())
    out.print(f"{made.pictures} pictures of {len(made.data)} sources, written to {to}.")


def _make(recipes: Sequence[Recipe], faces: Path, to: Path) -> None:
    from regard.evaluation.training.looking import Largest, open_looker
    from regard.evaluation.training.recipes import book
    from regard.files import write_whole
    from regard.vision.heads.heads import SUFFIX

    looking: dict[tuple[str, str], Looker] = {}
    largest = Largest(from_environment())
    made = []
    for recipe in recipes:
        err.print(f"Looking at faces for {recipe.name}.")
        read = book().read_by(recipe)
        seeing = looking[read] = looking.get(read) or open_looker(from_environment(), recipe, largest)
        made.append(_made(recipe, faces, seeing))
        write_whole(to / f"{recipe.name}{SUFFIX}", made[-1].written())
    _print(made)
    out.print(f"Written to {to}. Set REGARD_HEADS_DIR to it to have them asked.")


def _made(recipe: Recipe, faces: Path, seeing: Looker) -> Head:
    from regard.evaluation.training.examples import examples_in
    from regard.evaluation.training.making import made
    from regard.evaluation.training.recipes import book

    examples = examples_in(faces, recipe.column, recipe.unless, book().without)
    return made(recipe, book().points[recipe.points], examples, seeing)


def _print(heads: Sequence[Head]) -> None:
    shown = table("Head", "People", "Yes", "No", "Drawn", "AUC", "Right", "Right at 80", "Told at 80", whole=["Head"])
    for each in heads:
        counts = (sum(getattr(data, name) for data in each.data) for name in ("people", "yes", "no", "drawn"))
        measured = each.measured
        rates = measured.auc, measured.right, measured.right_at_80, measured.told_at_80
        drawn = " (drawn)" if measured.drawn else ""
        shown.add_row(each.name, *map(str, counts), *(f"{rate:.3f}{drawn}" for rate in rates))
    out.print(shown)
    out.print(
        "Of people left out, five folds by person: " + "the area under the curve, the share that is told right, and"
    )
    out.print("of what is told with 80 and more the share that is right, and how much that is.")


def _print_words(head: SceneHead, left: Sequence[Left]) -> None:
    shown = table("Word", "Yes", "No", "From", "Right", "Told", whole=["Word"])
    for each in head.words:
        shown.add_row(
            each.name, str(each.yes), str(each.no), f"{each.least:.0f}", f"{each.precision:.3f}", f"{each.recall:.3f}"
        )
    out.print(shown)
    out.print("Of pictures of other sources: the share that is right of what is told, from this confidence on, and the")
    out.print("share that is told of what is right.")
    for word in left:
        out.print(f"Left out: {word.name}. {word.why}")
