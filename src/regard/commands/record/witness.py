"""`regard witness`: watching over other people's logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from regard.commands.common.output import out
from regard.commands.record.verifiers import read_verifiers
from regard.ledger.tree.notes import KeyFormatError, Kind, Signer
from regard.ledger.witnesses.series import Keys
from regard.ledger.witnesses.witness import Witness
from regard.settings import from_environment
from regard.stewardship.council.member_keys import operator_key

app = typer.Typer(help="Cosign other people's logs.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of the witness, for ever: a host name and a path without scheme.")]
Folder = Annotated[Path, typer.Option(help="Where its key and what it cosigned last are kept. Never restore it.")]


@app.command()
def serve(
    name: Name,
    folder: Folder,
    log: Annotated[list[str], typer.Option(help="Key of a log to witness, or a file of them; may be repeated.")],
    host: Annotated[str | None, typer.Option(help="Address to listen on [REGARD_HOST].")] = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 4600,
) -> None:
    """Answer `POST /add-checkpoint` (C2SP tlog-witness): cosign that the logs only ever grew."""
    from regard.pages.ledger.witness import witness_pages
    from regard.wire.exposure import check_exposure, url
    from regard.wire.listen import bound, listen

    settings = from_environment(host=host, port=port)
    check_exposure(settings)
    logs = Keys(read_verifiers(log))
    signer = _signer(name, folder)
    witness = Witness(folder / "logs", signer, logs)
    pages = witness_pages(witness.add_checkpoint, signer.verifier, list(logs))

    def announce(bound: int) -> None:
        out.print(Text.assemble("witness listens on ", (url(settings, bound), "bold")))
        out.print(f"It cosigns {', '.join(logs)} with the key\n{signer.verifier}")

    with bound(settings) as on:
        listen(pages, settings, on, announce, lambda: None)


@app.command()
def key(name: Name, folder: Folder) -> None:
    """Print the witness's public key, made when there is none: logs put it into REGARD_WITNESSES."""
    out.out(str(_signer(name, folder).verifier))


def _signer(name: str, folder: Path) -> Signer:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "witness.key"
    signer = operator_key(file, name, Kind.COSIGNATURE)
    if signer.name != name:
        raise KeyFormatError(f"{file} is the key of {signer.name}, not of {name}")
    return signer
