"""`regard serve`: the service, and the lines to paste."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from regard.commands.common.output import out
from regard.settings import from_environment
from regard.stewardship.parties.keys import AccessKey

_EXAMPLE = """\
import boto3

faces = boto3.client("rekognition").detect_faces(
    Image={"Bytes": open("picture.jpg", "rb").read()}, Attributes=["ALL"]
)["FaceDetails"]
for face in faces:
    print(face["BoundingBox"], face["AgeRange"], face["Confidence"])
"""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [REGARD_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one [REGARD_PORT].")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept [REGARD_DATA_DIR].")] = None,
) -> None:
    """Start the service, and print what to paste to use it.

    The first start makes an organization and an access key. Every other setting is an environment variable:
    `regard settings` lists them.
    """
    from regard import server
    from regard.stewardship.office import open_office
    from regard.wire.exposure import check_certificate, check_exposure
    from regard.wire.listen import bound

    settings = from_environment(host=host, port=port, data_dir=data_dir)
    check_exposure(settings)
    check_certificate(settings)
    # A first start that cannot listen shall not be the one that shows the key.
    with bound(settings) as on:
        office = open_office(settings)
        first = office.organizations.first_start()
        server.serve(office, on, lambda url, opening: _announce(url, opening, first))


def exports(url: str, key: AccessKey) -> str:
    """The lines that point any AWS client at this service."""
    lines = {
        "AWS_ENDPOINT_URL_REKOGNITION": url,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_SESSION_TOKEN": key.session_token,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return "\n".join(f"export {name}={value}" for name, value in lines.items() if value)


def _announce(url: str, opening: list[str], first: AccessKey | None) -> None:
    out.print(Text.assemble("regard listens on ", (url, "bold")))
    for line in opening:
        out.print(line)
    if first is None:
        out.print("`regard keys list` shows the access keys, `regard keys show KEY` the lines to paste for one.")
        return
    out.print("\nThis is the first start. Here is an access key; paste these lines into another terminal:\n")
    out.out(exports(url, first))
    out.print("\nThen, in Python (`pip install boto3`), with a picture of your own:\n")
    out.out(_EXAMPLE)
