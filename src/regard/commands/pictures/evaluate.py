"""`regard evaluate`: how right the face model is, on pictures of your own, and what a similarity is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from regard.commands.common.output import err, out, print_json, say
from regard.commands.pictures.looking import looked_at
from regard.settings import from_environment

# What measures is slow to import; the other commands need not wait for it.
if TYPE_CHECKING:
    from regard.evaluation.accuracy.record import Record
    from regard.evaluation.document import Block
    from regard.evaluation.samples.pictures_on_disk import Labelled, ListedPairs

app = typer.Typer(help="Measure accuracy and calibrate. Rates only, never who.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Argument(exists=True, help="A folder a person, a CSV file (subject, image), or an InsightFace .bin.")
]
To = Annotated[Path, typer.Option("--out", "-o", help="The folder to write record.json, record.md and plots in.")]
Face = Annotated[
    str | None, typer.Option(help="Which face of a picture counts: central (the default), largest or aligned.")
]
Same = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="A CSV file of pairs of names that are one person: they are left out."
    ),
]
Plots = Annotated[bool, typer.Option(help="Draw the curves, with matplotlib.")]
Json = Annotated[bool, typer.Option("--json", help="Print the record as JSON.")]


@app.command()
def verify(
    data: Data,
    pairs: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A pairs file as LFW's, or lines of: path path 1 or 0."),
    ] = None,
    same: Same = None,
    to: To = Path("evaluation"),
    face: Face = None,
    plots: Plots = True,
    as_json: Json = False,
) -> None:
    """Measure one to one: accuracy in folds, ROC and DET, true match rates at fixed false match rates.

    The threshold of a fold comes from the others. Without a list of pairs, each pair of people weighs one in false
    match rates, however many pictures they have. What was looked at is kept, sealed: a run that was interrupted goes on
    where it stopped. Of a .bin file, faces are taken as aligned.

    Examples: `regard evaluate verify people/`, `regard evaluate verify lfw/ --pairs pairs.txt`
    """
    from regard.evaluation.accuracy import evaluations
    from regard.evaluation.accuracy.plots import require, save_verification
    from regard.vision.faces.faces import FaceAnalyzer

    if plots:
        require()
    settings = from_environment()
    pictures, listed, choice = _read(data, pairs, face)
    if same and listed is not None:
        raise typer.BadParameter("listed pairs say themselves who is the same", param_hint="--same")
    one_person = _same(same, pictures)
    found = looked_at(pictures, settings, choice)
    with err.status("Comparing"):
        record = evaluations.verify(pictures, found, FaceAnalyzer.opened(settings), listed, one_person)
    _write(record, to, as_json)
    if plots and record.verification:
        save_verification(record.verification, to)


@app.command()
def identify(
    data: Data,
    gallery: Annotated[list[int] | None, typer.Option(min=1, help="A number of people; may be repeated.")] = None,
    to: To = Path("evaluation"),
    face: Face = None,
    plots: Plots = True,
    as_json: Json = False,
) -> None:
    """Measure one to many: false positives and misses (FPIR, FNIR) in galleries drawn from the people.

    Example: `regard evaluate identify people/ --gallery 1000 --gallery 10000`
    """
    from regard.evaluation.accuracy import evaluations
    from regard.evaluation.accuracy.plots import require, save_identification
    from regard.vision.faces.faces import FaceAnalyzer

    if plots:
        require()
    settings = from_environment()
    pictures, _, choice = _read(data, None, face)
    found = looked_at(pictures, settings, choice)
    with err.status("Searching"):
        analyzer = FaceAnalyzer.opened(settings)
        record = evaluations.identify(pictures, found, analyzer, gallery or evaluations.GALLERIES)
    _write(record, to, as_json)
    if plots:
        save_identification(record.galleries, to)


@app.command()
def detect(
    data: Annotated[Path, typer.Argument(exists=True, help="A folder of pictures, or a CSV file (subject, image).")],
    to: To = Path("evaluation"),
    face: Face = None,
    as_json: Json = False,
) -> None:
    """Measure in how many pictures no face is found or enrolled, and the speed.

    Example: `regard evaluate detect photos/`
    """
    from regard.evaluation.accuracy import evaluations
    from regard.evaluation.samples.pictures_on_disk import Labelled, pictures_in, read_csv, require_there
    from regard.vision.faces.faces import FaceAnalyzer

    settings = from_environment()
    pictures = [Labelled(file, str(file)) for file in pictures_in(data)] if data.is_dir() else read_csv(data)
    require_there(pictures, data)
    found = looked_at(pictures, settings, face or "central")
    _write(evaluations.detect(pictures, found, FaceAnalyzer.opened(settings)), to, as_json)


@app.command()
def calibrate(
    data: Data,
    described: Annotated[str, typer.Option("--as", help="What the pictures are, in words that name nobody.")],
    version: Annotated[str, typer.Option(help="A name of the calibration, for answers and logs.")],
    same: Same = None,
    to: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("calibration.json"),
    face: Face = None,
    seed: Annotated[int, typer.Option(help="Draws the halves and the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Fit the scale of similarity to your pictures: on one half of the people, tested on the other.

    Each pair of people weighs one, however many pictures they have. One person under two names is the dearest mistake:
    name such pairs with --same. Where the pairs are too few to count, a named model of the tail extrapolates, and the
    file says so. To use the file, set REGARD_CALIBRATION_FILE to it. It takes about 500 people; for counted rates to 1
    in 100,000, about 5,000.

    Example: `regard evaluate calibrate people/ --as "passport photographs, 2026" --version own-1 --same twice.csv`
    """
    from regard.evaluation.accuracy import calibration
    from regard.evaluation.accuracy.record import calibration_blocks
    from regard.evaluation.samples.sample import sample_of
    from regard.vision.faces.faces import FaceAnalyzer

    settings = from_environment()
    pictures, _, choice = _read(data, None, face)
    one_person = _same(same, pictures)
    sample = sample_of(pictures, looked_at(pictures, settings, choice), one_person)
    analyzer = FaceAnalyzer.opened(settings)
    with err.status("Fitting") as status:
        made = calibration.calibrate(
            sample,
            described,
            version=version,
            face_model=analyzer.version,
            embedder=analyzer.embedder,
            seed=seed,
            progress=lambda about: status.update(f"Fitting: {about}"),
        )
    to.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    if as_json:
        print_json(msgspec.to_builtins(made))
        return
    _show(calibration_blocks(made))
    out.print(f"Written: {to}. Set REGARD_CALIBRATION_FILE to it to use it.")


def _read(data: Path, pairs: Path | None, face: str | None) -> tuple[list[Labelled], ListedPairs | None, str]:
    from regard.evaluation.samples.pictures_on_disk import read_bin, read_labelled, read_pairs, require_there

    if data.suffix == ".bin":
        return *read_bin(data), face or "aligned"
    pictures, listed = (read_labelled(data), None) if pairs is None else read_pairs(pairs, data)
    require_there(pictures, pairs or data)
    return pictures, listed, face or "central"


def _same(file: Path | None, pictures: list[Labelled]) -> list[tuple[str, str]]:
    from regard.evaluation.samples.labels import same_in

    found = same_in(file, pictures) if file else []
    if found:
        err.print(f"{len(found):,} pairs of names are left out as one person.")
    return found


def _write(record: Record, to: Path, as_json: bool) -> None:
    from regard.evaluation.accuracy.record import blocks
    from regard.evaluation.document import as_markdown

    to.mkdir(parents=True, exist_ok=True)
    (to / "record.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    (to / "record.md").write_text(as_markdown(blocks(record)))
    if as_json:
        print_json(msgspec.to_builtins(record))
    else:
        _show(blocks(record))
        out.print(f"Written: {to / 'record.json'}, record.md")


def _show(told: list[Block]) -> None:
    from rich.markdown import Markdown

    from regard.evaluation.document import as_markdown

    say(Markdown(as_markdown(told)))
