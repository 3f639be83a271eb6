"""`regard serve`: the service, and the lines to paste."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from regard.commands.common.output import out, say
from regard.settings import from_environment
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.parties.organization import Organization

# To paste into a shell, after the lines that point boto3 here.
_EXAMPLE = """\
{python} - <<'END'
import boto3
picture = "{picture}"
answer = boto3.client("rekognition").detect_faces(
    Image={{"Bytes": open(picture, "rb").read()}}, Attributes=["ALL"]
)
for face in answer["FaceDetails"]:
    print(face["BoundingBox"], face["AgeRange"], face["Confidence"])
END"""


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
    from regard.stewardship.office import start_office
    from regard.stewardship.staff.reception import open_reception
    from regard.wire.exposure import ENTER, check_certificate, check_exposure, is_loopback
    from regard.wire.listen import bound

    settings = from_environment(host=host, port=port, data_dir=data_dir)
    check_exposure(settings)
    check_certificate(settings)
    # A first start that cannot listen shall not be the one that shows the key.
    with bound(settings) as on:
        office = start_office(settings)
        first = office.organizations.first_start()
        operator = office.organizations.operator()
        near = is_loopback(settings.host) and not settings.behind_proxy

        def announce(url: str, opening: list[str]) -> None:
            # As Jupyter does: whoever reads this sits at the machine already. It works once, within 15 minutes.
            token = open_reception(office.engine, office.key).local_link(operator.id) if near else ""
            _announce(url, opening, operator, first, f"{url}{ENTER}#{token}" if token else "")

        server.serve(office, on, announce)


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


def _announce(url: str, opening: list[str], operator: Organization, first: AccessKey | None, console: str) -> None:
    """What is in force, and then, last and on one screen, what whoever starts the service needs next."""
    for line in opening:
        say(line)
    out.print(Text.assemble("\nregard listens on ", (url, "bold")))
    say(f"organization {operator.id}: {operator.name}")
    if console:
        out.out(f"console: {console}")
    command = _near(Path(sys.executable).with_name("regard")) or "regard"
    if first:
        say("\nThis is the first start. Paste these lines into another terminal:\n")
        out.out(exports(url, first))
        _show_example()
    else:
        say(f"`{command} keys list` shows the access keys, `{command} keys show KEY` the lines to paste for one.")

    pages = _near(Path(__file__).parents[3] / "docs")
    say(f"\nTo read on: {f'README.md, {pages}/, ' if pages else ''}`{command} --help`.")


def _show_example() -> None:
    """A first call to paste, on the portrait that scikit-image ships where it is near; else on one's own picture."""
    python, scikit = _near(Path(sys.executable)), find_spec("skimage")
    portrait = _near(Path(scikit.origin).parent / "data" / "astronaut.png") if scikit and scikit.origin else None
    if python and portrait:
        say("\nThen paste a first call, on a portrait that ships with a package:\n")
    else:
        python, portrait = "python3", "picture.jpg"
        say("\nThen paste a first call, with boto3 (`pip install boto3`) and a picture of your own:\n")
    out.out(_EXAMPLE.format(python=python, picture=portrait))


def _near(path: Path) -> str | None:
    """The path as seen from the folder that the service was started in, where it is there and below; else None."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) and path.exists() else None
