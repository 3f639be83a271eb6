"""Options that commands of several rooms take."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON in the form of the API.")]
Endpoint = Annotated[
    str | None,
    typer.Option(help="Ask this server, with boto3 and your AWS credentials, instead of the library."),
]
Key = Annotated[
    str | None, typer.Option("--key", help="Act as the holder of this access key; by default, the first that works.")
]
