"""`regard demo`: the main job, shown on a picture that an installed package ships."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from regard.commands.common.output import failed, out, table
from regard.commands.pictures.pictures import comparison_marks, save
from regard.settings import from_environment
from regard.vision.models.weights import Weights

# The API's threshold of a match where none is given.
_MATCH = 80


@dataclass(frozen=True, slots=True)
class OwnService:
    """A service in a process of its own, and the lines that it printed to paste."""

    url: str
    environment: Mapping[str, str]
    process: subprocess.Popen[str]

    def client(self) -> Any:
        """boto3, unchanged, with those lines."""
        import boto3

        return boto3.session.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
        ).client("rekognition", endpoint_url=self.url)


@contextmanager
def own_service(
    data_dir: Path,
    known: Mapping[str, str] | None = None,
    command: Sequence[str] = ("-m", "regard.cli", "serve", "--port", "0"),
    **settings: str,
) -> Iterator[OwnService]:
    """A service on a free port until the end of the block. `known` are the lines that an earlier start printed."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONUNBUFFERED": "1", "REGARD_DATA_DIR": str(data_dir), **settings},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _greeted(process, known)
    finally:
        process.terminate()
        process.communicate()


def demo(
    to: Annotated[Path, typer.Option("--out", "-o", help="Where to write the annotated picture.")] = Path(
        "regard-demo.png"
    ),
) -> None:
    """Compare a portrait with its own mirrored crop, through boto3 over HTTP, and show what came back.

    The portrait ships with scikit-image. Mirrored and cropped it is the same person in another picture: enough to
    see the service work, no test of how well it tells people apart.
    """
    try:
        from PIL import Image, ImageOps
        from skimage.data import astronaut
    except ImportError:
        raise typer.Exit(failed("the portrait comes with scikit-image: pip install 'regard[demo]'")) from None
    portrait = Image.fromarray(astronaut())
    source, target = _jpeg(portrait), _jpeg(ImageOps.mirror(portrait).crop((60, 0, 460, 400)))
    settings = from_environment()
    Weights(settings.weights_dir, settings.weights_file).pull()
    with tempfile.TemporaryDirectory() as folder, own_service(Path(folder)) as service:
        out.print(f"A service of its own runs at {service.url}; boto3 asks it:\n")
        client = service.client()
        faces = client.detect_faces(Image={"Bytes": source}, Attributes=["ALL"])["FaceDetails"]
        _show_faces(faces)
        # At a threshold of 0 the API tells the similarity of a "no", too.
        answer = client.compare_faces(
            SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, SimilarityThreshold=0
        )
        _show_comparison(answer)
    save(target, to, comparison_marks(answer, _MATCH))
    out.print(f"\nThe second picture, with what was found in it: {to}")


def _greeted(process: subprocess.Popen[str], known: Mapping[str, str] | None) -> OwnService:
    assert process.stdout
    url, environment = "", dict(known or {})
    for line in process.stdout:
        if found := re.search(r"regard listens on (\S+)", line):
            url = found[1]
        if found := re.match(r"export (\w+)=(\S+)", line):
            environment[found[1]] = found[2]
        if url and (known or "AWS_DEFAULT_REGION" in environment):
            return OwnService(url, environment | {"AWS_ENDPOINT_URL_REKOGNITION": url}, process)
    raise RuntimeError(f"the service did not start (exit code {process.wait()}); its words are above")


def _show_faces(faces: list[dict[str, Any]]) -> None:
    shown = table("DetectFaces", "of the portrait")
    for face in faces:
        box = face["BoundingBox"]
        shown.add_row("box", ", ".join(f"{side} {box[side]:.3f}" for side in box))
        shown.add_row("confidence", f"{face['Confidence']:.1f}")
        shown.add_row("landmarks", str(len(face["Landmarks"])))
        shown.add_row("pose", ", ".join(f"{angle} {degrees:+.0f}°" for angle, degrees in face["Pose"].items()))
        for name in ("AgeRange", "Gender", "Smile", "EyesOpen", "MouthOpen"):
            if name in face:
                shown.add_row(name, ", ".join(f"{key} {_short(value)}" for key, value in face[name].items()))
    out.print(shown)


def _show_comparison(answer: dict[str, Any]) -> None:
    shown = table("CompareFaces", "of the portrait with its mirrored crop")
    for match in answer["FaceMatches"]:
        told = "match" if match["Similarity"] >= _MATCH else "no match"
        shown.add_row(told, f"similarity {match['Similarity']:.1f}")
    out.print("", shown)


def _short(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _jpeg(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()
