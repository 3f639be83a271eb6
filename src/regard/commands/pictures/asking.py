"""One operation on each of many pictures, through the gate in this process or through a server, told as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from regard.commands.common.output import ERROR, NO, YES, err, failed, out, print_json, table
from regard.commands.pictures.pictures import client_of, pictures_under

Paths = Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", exists=True)]
Rows = Callable[[dict[str, Any]], Iterable[Sequence[str]]]

# Errors that the next picture may not have; any other would come again with each.
OF_THE_PICTURE = frozenset(
    {
        "InvalidImageFormatException",
        "ImageTooLargeException",
        "InvalidParameterException",
        "InvalidS3ObjectException",
        "ValidationException",
    }
)


def ask_of_each(
    paths: Iterable[Path],
    operation: str,
    columns: Sequence[str],
    rows: Rows,
    *,
    as_json: bool,
    endpoint: str | None,
    key: str | None,
    given: dict[str, Any] | None = None,
) -> None:
    """Print the answer to `operation` for each picture: its `rows`, or as JSON by the picture's path.

    Raises Exit with 0 where a picture has rows, 1 where none has, 2 where a picture could not be looked at.
    """
    from rich.progress import track

    files = list(pictures_under(paths))
    if not files:
        err.print(f"There are no pictures in {', '.join(map(str, paths))}.")
        raise typer.Exit(NO)
    ask = _asker(operation, given or {}, endpoint, key)
    found: dict[str, dict[str, Any]] = {}
    code = NO
    for file in track(files, description="Looking", console=err, disable=len(files) < 2):
        try:
            answer = ask(file.read_bytes())
        except OSError as error:
            code = failed(f"{file}: {error}")
            continue
        except Exception as error:
            if _code_of(error) not in OF_THE_PICTURE:
                raise
            code = failed(f"{file}: {error}")
            continue
        found[str(file)] = answer
        code = YES if code != ERROR and any(True for _ in rows(answer)) else code
    if as_json:
        print_json(found)
    else:
        _print(found, columns, rows)
    raise typer.Exit(code)


def _asker(
    operation: str, given: dict[str, Any], endpoint: str | None, key: str | None
) -> Callable[[bytes], dict[str, Any]]:
    if endpoint:
        from botocore import xform_name

        call = getattr(client_of(endpoint), xform_name(operation))

        def ask_server(data: bytes) -> dict[str, Any]:
            answer = call(Image={"Bytes": data}, **given)
            return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

        return ask_server
    from regard.commands.common.inside import Inside
    from regard.settings import from_environment

    inside = Inside(from_environment(), key)
    return lambda data: inside.ask(operation, Image={"Bytes": data}, **given)


def _code_of(error: Exception) -> str:
    """The API's word for an error, of the gate in this process or of boto3; empty for another error."""
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code") or getattr(error, "code", ""))


def _print(found: dict[str, dict[str, Any]], columns: Sequence[str], rows: Rows) -> None:
    for name, answer in found.items():
        out.print(name)
        shown = table(*columns)
        for row in rows(answer):
            shown.add_row(*row)
        out.print(shown if shown.row_count else "none", "")
