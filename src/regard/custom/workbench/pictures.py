"""Labelled pictures on disk: a folder a label, a CSV file as AWS's sample takes it, or a manifest with local files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from regard.custom.judged import Judged
from regard.custom.manifests import SOURCE, judge
from regard.evaluation.samples.pictures_on_disk import SUFFIXES, NotLabelled

# What the first column of a CSV file is headed by, where it has a head.
_HEADS = frozenset({"image", "file", "filename", "picture"})
# Lines are judged as those of the service, whose pictures lie in buckets.
_ANYWHERE = "s3://local/picture"
_FILE = "file://"


class Labelled(NamedTuple):
    """A picture's file, and the labels that it shows, each once."""

    path: Path
    labels: tuple[str, ...]


def labelled_in(source: Path) -> list[Labelled]:
    """The pictures of a folder, a CSV file or a manifest, each file once. Raises NotLabelled and OSError."""
    if source.is_dir():
        found = _of_folder(source)
    elif source.suffix.lower() == ".csv":
        found = _of_csv(source)
    else:
        found = _of_manifest(source)
    joined: dict[Path, tuple[str, ...]] = {}
    for path, labels in found:
        joined[path] = tuple(dict.fromkeys((*joined.get(path, ()), *labels)))
    if not joined:
        raise NotLabelled(
            f"{source} names no pictures. Give a folder of folders, one a label, with JPEG and PNG files."
        )
    return [Labelled(path, labels) for path, labels in joined.items()]


def _of_folder(folder: Path) -> Iterable[Labelled]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if flat := next((file for file in files if file.parent == folder), None):
        raise NotLabelled(f"{flat} is in no folder that says its label. Make a folder a label in {folder}.")
    # What lies deeper is of the label as well.
    return [Labelled(file, (file.relative_to(folder).parts[0],)) for file in files]


def _of_csv(file: Path) -> Iterable[Labelled]:
    """Lines of a picture and its labels. Buckets are none of ours: the names are of files beside the CSV file."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        for number, row in enumerate(csv.reader(lines), 1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and cells[0].casefold() in _HEADS):
                continue
            labels = tuple(cell for cell in cells[1:] if cell)
            if not cells[0] or not labels:
                raise NotLabelled(f"{file}, line {number}: it takes a picture and a label, as in `1.jpg,screw`.")
            yield Labelled(_there(file, cells[0], number), labels)


def _of_manifest(file: Path) -> Iterable[Labelled]:
    for number, text in enumerate(file.read_bytes().splitlines(), 1):
        if not text.strip():
            continue
        try:
            line: Any = msgspec.json.decode(text)
            source = line[SOURCE]
            line[SOURCE] = _ANYWHERE
        except (msgspec.MsgspecError, LookupError, TypeError):
            raise NotLabelled(f"{file}, line {number}: it is no JSON object with a {SOURCE}.") from None
        if not isinstance(source, str):
            raise NotLabelled(f"{file}, line {number}: its {SOURCE} is no text.")
        yield Labelled(
            _there(file, source.removeprefix(_FILE), number), _labels(judge(msgspec.json.encode(line)), file, number)
        )


def _labels(line: Judged, file: Path, number: int) -> tuple[str, ...]:
    """The labels of a line. Raises NotLabelled where it is wrong, and of boxes."""
    if line.boxes:
        raise NotLabelled(f"{file}, line {number}: it has boxes. What lies where is learned by the service alone.")
    if line.errors or not line.labels:
        why = line.errors[0].told["code"] if line.errors else "it has no label"
        raise NotLabelled(f"{file}, line {number}: {why}; docs/custom.md says what that means.")
    return line.labels


def _there(file: Path, name: str, number: int) -> Path:
    """The file that a line names, from the folder of the list on. Raises NotLabelled."""
    path = file.parent / name
    if name.startswith("s3://") or not path.is_file():
        raise NotLabelled(f"{file}, line {number}: {name} is no file here. Name files on this machine.")
    return path
