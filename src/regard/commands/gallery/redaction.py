"""`regard redact`: pictures and folders with the faces in them covered, and words by pattern, through the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from regard.commands.common.inside import Inside
from regard.commands.common.options import Json, Key
from regard.commands.common.output import err, failed, out, print_json, table
from regard.commands.pictures.asking import OF_THE_PICTURE
from regard.commands.pictures.pictures import pictures_under
from regard.commands.video.redaction import FILMS, redact_film
from regard.files import write_whole
from regard.operations.common.errors import ApiError
from regard.operations.images.redaction import DEFAULT_THRESHOLD
from regard.operations.videos.redaction import Sounds
from regard.settings import from_environment
from regard.vision.pictures.redaction import Style


def redact(
    path: Annotated[Path, typer.Argument(help="A picture, a folder of pictures, or a film.", exists=True)],
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", "--to", "-o", help="Where to write; by default beside it, with -redacted after its name."
        ),
    ] = None,
    style: Annotated[Style, typer.Option(help="fill leaves nothing; pixelate and blur are weak.")] = Style.FILL,
    collection: Annotated[
        str | None,
        typer.Option("--collection", "-c", help="Leave open who is in this collection with a consent that counts."),
    ] = None,
    at_least: Annotated[
        float, typer.Option(min=0, max=100, help="Least similarity to a person who stays open.")
    ] = DEFAULT_THRESHOLD,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", "-t", help="Cover words that fit this regular expression; may be repeated."),
    ] = None,
    sound: Annotated[
        Sounds, typer.Option(help="Of a film: keep copies it, and a voice may name a person.")
    ] = Sounds.DROP,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Cover the faces in pictures, and words by pattern, and write them without metadata.

    In films (.mp4, .mov, .m4v, .mkv, .webm) the faces of every frame are covered, and the sound is left out unless
    --sound keep. The original stays as it is. Leaves with 0 when every picture was written, 2 when one could not be
    read.

    Examples: `regard redact street.jpg`, `regard redact photos/ --out published/ --collection members --json`
    """
    if path.suffix.lower() in FILMS and path.is_file():
        if collection is not None or text:
            raise ValueError("In a film every face is covered, and no words: leave out --collection and --text.")
        redact_film(path, to, style, sound, as_json, key)
        return
    inside = Inside(from_environment(), key)
    to = to or path.with_name(f"{path.stem}-redacted{path.suffix}")
    given: dict[str, Any] = {"Style": style, "TextPatterns": text or []}
    if collection is not None:
        given |= {"CollectionId": collection, "FaceMatchThreshold": at_least}
    report: dict[str, dict[str, Any]] = {}
    files = list(pictures_under([path]))
    for file in track(files, description="Covering", console=err, disable=len(files) < 2):
        target = to / file.relative_to(path) if path.is_dir() else to
        report[str(file)] = _redact_one(inside, file, target, given)
    if as_json:
        print_json(report)
    else:
        _tell(report)
    if any("error" in each for each in report.values()):
        raise typer.Exit(failed("not every picture could be covered; what could not was not written"))


def _redact_one(inside: Inside, file: Path, target: Path, given: dict[str, Any]) -> dict[str, Any]:
    if target.exists() and target.samefile(file):
        return {"error": "the original would be overwritten; name another place with --out"}
    operation = "RedactOthers" if "CollectionId" in given else "Redact"
    try:
        answer = inside.ask_ours(operation, Image={"Bytes": file.read_bytes()}, **given)
        write_whole(target, answer.pop("image"))
    except (ApiError, OSError) as error:
        if isinstance(error, ApiError) and error.code not in OF_THE_PICTURE:
            raise
        return {"error": str(error)}
    return {"out": str(target), **answer}


def _tell(report: dict[str, dict[str, Any]]) -> None:
    rows = table("Picture", "Covered", "Left open", "Written to")
    for file, each in report.items():
        if "error" in each:
            rows.add_row(file, "", "", each["error"])
        else:
            people = ", ".join(sorted(left["person"] for left in each["left_open"]))
            rows.add_row(file, str(len(each["covered"])), people or "nobody", each["out"])
    out.print(rows)
