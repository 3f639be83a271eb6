"""`regard train`: heads made of labelled faces; docs/heads.md tells how."""

from __future__ import annotations

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
    from regard.vision.heads.head import Head

app = typer.Typer(
    help="Make heads, the small files that tell attributes of faces, from labelled faces.", no_args_is_help=True
)

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


def _make(recipes: Sequence[Recipe], faces: Path, to: Path) -> None:
    from regard.evaluation.training.looking import open_looker
    from regard.evaluation.training.recipes import book
    from regard.files import write_whole
    from regard.vision.heads.heads import SUFFIX

    looking: dict[tuple[str, str], Looker] = {}
    made = []
    for recipe in recipes:
        err.print(f"Looking at faces for {recipe.name}.")
        read = book().read_by(recipe)
        seeing = looking[read] = looking.get(read) or open_looker(from_environment(), recipe)
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
