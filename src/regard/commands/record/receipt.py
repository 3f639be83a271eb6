"""`regard receipt`: the proof that a call is in the log, checked offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from regard.commands.common.output import NO, err, out, print_json
from regard.commands.record.verifiers import read_verifiers
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.merkle import ProofError
from regard.ledger.tree.notes import Note, NoteError
from regard.ledger.tree.proof import Receipt, verify_receipt
from regard.ledger.witnesses.series import Keys

app = typer.Typer(help="Check receipts.", no_args_is_help=True)


@app.callback()
def _() -> None:
    # Keeps `verify` a command of its own while it is the only one.
    pass


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .tlog-proof file.")],
    key: Annotated[list[str], typer.Option(help="The log's public key, or a file of keys; may be repeated.")],
    witness: Annotated[
        list[str] | None, typer.Option(help="A witness's public key, or a file of them; may be repeated.")
    ] = None,
    quorum: Annotated[int, typer.Option(min=0, help="How many of the witnesses must have cosigned.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a receipt without a network, and print the entry that it proves.

    Exit codes: 0 proved, 1 not proved, 2 the question was wrong.
    """
    keys, witnesses = Keys(read_verifiers(key)), read_verifiers(witness or [])
    data = file.read_bytes()
    try:
        origin = Checkpoint.parse(Note.parse(Receipt.parse(data).note).text).origin
        receipt, checkpoint = verify_receipt(data, keys.get(origin, ()), origin, witnesses, quorum)
    except (ProofError, NoteError) as error:
        err.print(f"not proved: {error}")
        raise typer.Exit(NO) from None
    entry = json.loads(receipt.entry)
    if as_json:
        print_json({"origin": origin, "index": receipt.index, "size": checkpoint.size, "entry": entry})
        return
    out.print(f"Entry {receipt.index} of the {checkpoint.size} in {origin}:")
    print_json(entry)
