"""`regard detect` and `regard compare`: pictures and folders, on the library or through a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import regard
from regard.commands.common.options import Endpoint, Json
from regard.commands.common.output import ERROR, NO, YES, err, failed, out, print_json, table
from regard.operations.common.rendering import bounding_box, compared_face, face_detail, wanted_attributes
from regard.vision.faces.drawing import Dots, Mark, drawn
from regard.vision.faces.faces import Box
from regard.vision.pictures.images import ImageError, decode

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


def detect(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", exists=True)],
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", "-a", help="DEFAULT, ALL or an attribute's name.")
    ] = None,
    as_json: Json = False,
    to: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the picture with boxes here; for many, a folder."),
    ] = None,
    endpoint: Endpoint = None,
) -> None:
    """Find the faces in pictures.

    Leaves with 0 when a face was found, 1 when there was none, 2 when a picture could not be read.

    Examples: `regard detect party.jpg --out boxes.jpg`, `regard detect photos/ -a ALL --json > faces.json`
    """
    from rich.progress import track

    files = list(pictures_under(paths))
    if not files:
        err.print(f"There are no pictures in {', '.join(map(str, paths))}.")
    found, code = {}, NO
    for file in track(files, description="Looking", console=err, disable=len(files) < 2):
        try:
            details = _detect(file.read_bytes(), attributes, endpoint)
        except (ImageError, OSError) as error:
            code = failed(f"{file}: {error}")
            continue
        found[str(file)] = details
        code = YES if details and code != ERROR else code
        if to:
            save(file.read_bytes(), to if len(files) == 1 else to / file.name, map(_mark, details))
    if as_json:
        print_json(found)
    elif found:
        _print_faces(found)
    raise typer.Exit(code)


def compare(
    source: Annotated[Path, typer.Argument(help="The picture whose largest face is looked for.", exists=True)],
    target: Annotated[Path, typer.Argument(help="The picture that it is looked for in.", exists=True)],
    threshold: Annotated[float, typer.Option(min=0, max=100, help="Least similarity of a match.")] = 80,
    as_json: Json = False,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Write the target with boxes here.")] = None,
    endpoint: Endpoint = None,
) -> None:
    """Compare the largest face of one picture with every face of another.

    Leaves with 0 when one matches, 1 when none does, 2 on an error.
    """
    answer, unmatched = _compare(source.read_bytes(), target.read_bytes(), threshold, endpoint)
    if to:
        save(target.read_bytes(), to, comparison_marks(answer))
    if as_json:
        print_json(answer)
    else:
        print_comparison(answer, unmatched or [f"under {threshold:g}"] * len(answer["UnmatchedFaces"]))
    raise typer.Exit(YES if answer["FaceMatches"] else NO)


def pictures_under(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and the JPEG and PNG files in the folders named, in a fixed order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        else:
            yield path


def print_comparison(answer: dict[str, Any], unmatched: Sequence[str]) -> None:
    """A CompareFaces answer as a table; `unmatched` has the similarity of each of its unmatched faces, in words."""
    shown = table("Similarity", "Match", "Left", "Top", "Width", "Height")
    for match in answer["FaceMatches"]:
        shown.add_row(f"{match['Similarity']:.2f}", "yes", *_ratios(match["Face"]))
    for similarity, face in zip(unmatched, answer["UnmatchedFaces"], strict=True):
        shown.add_row(similarity, "no", *_ratios(face))
    out.print(shown)


def _detect(data: bytes, attributes: list[str] | None, endpoint: str | None) -> list[dict[str, Any]]:
    if endpoint:
        answer = client_of(endpoint).detect_faces(Image={"Bytes": data}, Attributes=attributes or ["DEFAULT"])
        return list(answer["FaceDetails"])
    findings = regard.detect(data, wanted_attributes(attributes))
    return [face_detail(finding.face, finding.description) for finding in findings]


def _compare(source: bytes, target: bytes, threshold: float, endpoint: str | None) -> tuple[dict[str, Any], list[str]]:
    """The answer in the form of the API, and the similarity of each unmatched face, which a server does not tell."""
    if endpoint:
        answer: dict[str, Any] = client_of(endpoint).compare_faces(
            SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, SimilarityThreshold=threshold
        )
        answer.pop("ResponseMetadata")
        return answer, []
    comparison = regard.compare(source, target)
    matched = [found for found in comparison.matches if found.similarity >= threshold]
    others = [found for found in comparison.matches if found.similarity < threshold]
    answer = {
        "SourceImageFace": {
            "BoundingBox": bounding_box(comparison.source.box),
            "Confidence": comparison.source.confidence,
        },
        "FaceMatches": [
            {"Similarity": match.similarity, "Face": compared_face(match.face, match.description)} for match in matched
        ],
        "UnmatchedFaces": [compared_face(other.face, other.description) for other in others],
    }
    return answer, [f"{other.similarity:.2f}" for other in others]


def client_of(endpoint: str) -> Any:
    """boto3's client of a server, with the credentials of the environment."""
    import boto3

    return boto3.client("rekognition", endpoint_url=endpoint, region_name="us-east-1")


def _print_faces(found: dict[str, list[dict[str, Any]]]) -> None:
    """A table of the faces of each picture, and of what else is said of them where it was asked for."""
    for name, details in found.items():
        out.print(name)
        if not details:
            out.print("none", "")
            continue
        shown = table("Face", "Confidence", "Left", "Top", "Width", "Height", "Age", "Yaw", "Pitch", "Roll")
        more = table("Face", "Attribute", "Value", "Confidence")
        for number, face in enumerate(details, 1):
            age, pose = face.get("AgeRange"), face["Pose"]
            shown.add_row(
                str(number),
                f"{face['Confidence']:.1f}",
                *_ratios(face),
                f"{age['Low']}–{age['High']}" if age else "",
                *(f"{pose[angle]:+.0f}°" for angle in ("Yaw", "Pitch", "Roll")),
            )
            for attribute in _attributes(face):
                more.add_row(str(number), *attribute)
        out.print(shown)
        out.print(more if more.row_count else "", "")


# What the table of faces tells already, and what there is for programs: points, and what every face has.
_TOLD = frozenset({"BoundingBox", "Confidence", "Landmarks", "Pose", "AgeRange", "Quality"})


def _attributes(face: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, value and confidence of what is said of a face beyond the default attributes."""
    extra = {name: value for name, value in face.items() if name not in _TOLD}
    if not extra and "AgeRange" not in face:
        return
    for name, value in face["Quality"].items():
        yield name, f"{value:.1f}", ""
    yield "Landmarks", f"{len(face['Landmarks'])} points", ""
    for name, told in extra.items():
        if isinstance(told, list):
            yield from ((name, str(each["Type"]), f"{each['Confidence']:.1f}") for each in told)
        elif "Value" in told:
            yield name, _words(told["Value"]), f"{told['Confidence']:.1f}"
        else:
            values = [f"{key} {_words(each)}" for key, each in told.items() if key != "Confidence"]
            yield name, ", ".join(values), f"{told['Confidence']:.1f}" if "Confidence" in told else ""


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:+.1f}" if isinstance(value, float) else str(value)


def _ratios(face: dict[str, Any]) -> list[str]:
    return [f"{face['BoundingBox'][side]:.3f}" for side in ("Left", "Top", "Width", "Height")]


def mark_of(box: dict[str, float], text: str, found: bool = True, dots: Dots = ()) -> Mark:
    """What to draw for a BoundingBox of the API."""
    return Mark(Box(box["Left"], box["Top"], box["Width"], box["Height"]), text, found, dots)


def _mark(face: dict[str, Any], text: str = "", found: bool = True) -> Mark:
    dots = tuple((point["X"], point["Y"]) for point in face.get("Landmarks", ()))
    return mark_of(face["BoundingBox"], text or f"{face['Confidence']:.1f}", found, dots)


def comparison_marks(answer: dict[str, Any], threshold: float = 0) -> list[Mark]:
    """What to draw on the target of a CompareFaces answer; a match below the threshold is drawn as none."""
    marks = []
    for match in answer["FaceMatches"]:
        found = match["Similarity"] >= threshold
        told = f"{match['Similarity']:.1f}"
        marks.append(_mark(match["Face"], told if found else f"no match {told}", found))
    return marks + [_mark(face, "no match", found=False) for face in answer["UnmatchedFaces"]]


def save(data: bytes, to: Path, marks: Iterable[Mark]) -> None:
    """Write the picture file `data` with marks on it; the ending of `to` says in which format. Raises ValueError."""
    if to.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{to} says no format to write in: end it in {', '.join(sorted(SUFFIXES))}.")
    to.parent.mkdir(parents=True, exist_ok=True)
    drawn(decode(data), marks).save(to)
