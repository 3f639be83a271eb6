"""`regard figures`: public figures that RecognizeCelebrities may name. There are none but those enrolled here."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from regard.commands.common.inside import Inside
from regard.commands.common.options import Endpoint, Json, Key
from regard.commands.common.output import err, failed, out, print_json, table
from regard.commands.pictures.asking import Paths, ask_of_each
from regard.gallery.figures import COLLECTION
from regard.operations.common.errors import ApiError
from regard.settings import from_environment
from regard.stewardship.council.collections import BASIS
from regard.stewardship.policy.service_model import service_model

LIST = "figures.csv"
_GENDERS = service_model().shape_for("KnownGenderType").metadata["enum"]

app = typer.Typer(help="Enrol, list, recognize and remove public figures.", no_args_is_help=True)


@app.command("import")
def import_figures(
    path: Annotated[
        Path, typer.Argument(help="A CSV file, or a folder with figures.csv and the pictures it names.", exists=True)
    ],
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Enrol public figures from a table with the columns name, links, picture, basis and, where known, gender.

    Links are separated by spaces, the picture's path is relative to the table, and the basis says in words why this
    person may be recognised. A picture shows one face. Leaves with 0 when everybody was enrolled, else 2.

    Example: `regard figures import council-members/`
    """
    inside = Inside(from_environment(), key)
    rows = list(_rows(path / LIST if path.is_dir() else path))
    _make_collection(inside)
    report = {
        row["name"]: _enrol(inside, row) for row in track(rows, description="Enrolling", console=err, disable=not rows)
    }
    if as_json:
        print_json(report)
    else:
        shown = table("Name", "Id", "Not enrolled", whole=["Id"])
        for name, each in report.items():
            shown.add_row(name, each.get("Id", ""), each.get("error", ""))
        out.print(shown)
    if any("error" in each for each in report.values()):
        raise typer.Exit(failed("not everybody was enrolled"))


@app.command("recognize")
def recognize_figures(paths: Paths, as_json: Json = False, endpoint: Endpoint = None, key: Key = None) -> None:
    """Say which of the enrolled public figures pictures show.

    Leaves with 0 when one was recognised, 1 when none was, 2 when a picture could not be read.

    Example: `regard figures recognize council-meeting.jpg`
    """
    ask_of_each(
        paths,
        "RecognizeCelebrities",
        ("Name", "Id", "Similarity", "Links"),
        lambda answer: (
            (each["Name"], each["Id"], f"{each['MatchConfidence']:.1f}", " ".join(each["Urls"]))
            for each in answer["CelebrityFaces"]
        ),
        as_json=as_json,
        endpoint=endpoint,
        key=key,
    )


@app.command("list")
def list_figures(as_json: Json = False, key: Key = None) -> None:
    """Everybody who may be recognised, and why."""
    figures = Inside(from_environment(), key).ask_ours("ListFigures")["Figures"]
    if as_json:
        print_json(figures)
        return
    shown = table("Id", "Name", "Basis", "Links", whole=["Id"])
    for figure in figures:
        shown.add_row(figure["Id"], figure["Name"], figure["Basis"], " ".join(figure["Urls"]))
    out.print(shown)


@app.command("remove")
def remove_figure(figure: Annotated[str, typer.Argument(help="The figure's id.")], key: Key = None) -> None:
    """Forget a public figure with all of their faces. Nothing brings them back."""
    inside = Inside(from_environment(), key)
    inside.ask_ours("RemoveFigure", Id=figure)
    if faces := [face["FaceId"] for face in _faces(inside) if face.get("ExternalImageId") == figure]:
        inside.ask("DeleteFaces", CollectionId=COLLECTION, FaceIds=faces)
    out.print(f"{figure} is gone.")


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table, each checked. Raises ValueError."""
    with file.open(newline="", encoding="utf-8-sig") as opened:
        for number, row in enumerate(csv.DictReader(opened), 2):
            lacking = [column for column in ("name", "picture", "basis") if not (row.get(column) or "").strip()]
            if lacking:
                raise ValueError(f"{file}, line {number}: {', '.join(lacking)} is missing")
            gender = (row.get("gender") or "").strip() or None
            if gender is not None and gender not in _GENDERS:
                raise ValueError(f"{file}, line {number}: gender is one of {', '.join(_GENDERS)}, or empty")
            yield {
                "name": row["name"].strip(),
                "links": (row.get("links") or "").split(),
                "picture": file.parent / row["picture"].strip(),
                "basis": row["basis"].strip(),
                "gender": gender,
            }


def _make_collection(inside: Inside) -> None:
    try:
        # Whoever writes a basis beside each name attests it.
        inside.ask("CreateCollection", CollectionId=COLLECTION, Tags={BASIS: "attested"})
    except ApiError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise


def _enrol(inside: Inside, row: dict[str, Any]) -> dict[str, Any]:
    try:
        image = {"Bytes": row["picture"].read_bytes()}
        if (count := len(inside.ask("DetectFaces", Image=image)["FaceDetails"])) != 1:
            return {"error": f"the picture shows {count} faces; it must show one"}
        figure = inside.ask_ours(
            "AddFigure", Name=row["name"], Urls=row["links"], Basis=row["basis"], KnownGender=row["gender"]
        )["Id"]
        answer = inside.ask("IndexFaces", CollectionId=COLLECTION, Image=image, ExternalImageId=figure)
        if answer["FaceRecords"]:
            return {"Id": figure}
        inside.ask_ours("RemoveFigure", Id=figure)
        return {"error": ", ".join(answer["UnindexedFaces"][0]["Reasons"])}
    except (ApiError, OSError) as error:
        return {"error": str(error)}


def _faces(inside: Inside) -> Iterator[dict[str, Any]]:
    token = None
    while True:
        answer = inside.ask("ListFaces", CollectionId=COLLECTION, NextToken=token)
        yield from answer["Faces"]
        token = answer.get("NextToken")
        if not token:
            return
