"""Labelled pictures on disk: a folder a label, a CSV file as AWS's sample takes it, or a manifest with local files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from regard.custom.judged import Box, Judged
from regard.custom.manifests import MODERATION, SOURCE, judge
from regard.custom.projects import Feature
from regard.evaluation.samples.pictures_on_disk import SUFFIXES, NotLabelled

# What is learned of pictures: labels of the whole, what lies where, or what to add to labels of moderation.
CLASSIFIER: Final = "classifier"
DETECTOR: Final = "detector"
ADAPTER: Final = "adapter"
# What the first column of a CSV file is headed by, where it has a head.
_HEADS = frozenset({"image", "file", "filename", "picture"})
# Lines are judged as those of the service, whose pictures lie in buckets.
_ANYWHERE = "s3://local/picture"
_FILE = "file://"


class Labelled(NamedTuple):
    """A picture's file, and the labels that it shows, each once; or boxes, in pixels of a picture of this `size`.

    `moderated` says that the labels are those of moderation: none, where the picture is safe.
    """

    path: Path
    labels: tuple[str, ...]
    boxes: tuple[Box, ...] = ()
    size: tuple[int, int] | None = None
    moderated: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Its labels and those of its boxes, each once."""
        return tuple(dict.fromkeys((*self.labels, *(each.name for each in self.boxes))))

    def joined(self, other: Labelled) -> Labelled:
        """The picture with what either says of it."""
        labels = tuple(dict.fromkeys((*self.labels, *other.labels)))
        return self._replace(labels=labels, boxes=(*self.boxes, *other.boxes), size=self.size or other.size)


def labelled_in(source: Path) -> list[Labelled]:
    """The pictures of a folder, a CSV file or a manifest, each file once. Raises NotLabelled and OSError."""
    if source.is_dir():
        found = _of_folder(source)
    elif source.suffix.lower() == ".csv":
        found = _of_csv(source)
    else:
        found = _of_manifest(source)
    joined: dict[Path, Labelled] = {}
    for each in found:
        known = joined.get(each.path)
        joined[each.path] = known.joined(each) if known else each
    if not joined:
        raise NotLabelled(
            f"{source} names no pictures. Give a folder of folders, one a label, with JPEG and PNG files."
        )
    return list(joined.values())


def kind_of(pictures: Sequence[Labelled]) -> str:
    """What is learned of pictures: as in the service, boxes where half of them or more have some.

    Raises NotLabelled where some have labels of moderation, and others labels of one's own.
    """
    moderated = sum(each.moderated for each in pictures)
    if not moderated:
        return DETECTOR if 2 * sum(bool(each.boxes) for each in pictures) >= len(pictures) else CLASSIFIER
    if moderated < len(pictures):
        raise NotLabelled(
            f"{moderated} lines have labels of moderation, and {len(pictures) - moderated} labels of your own. Make a "
            "list of each: an adapter and a model of your own are trained apart."
        )
    return ADAPTER


def of_kind(pictures: Sequence[Labelled], kind: str) -> list[Labelled]:
    """Those that can be learned from: of what lies where, with boxes; of labels, with a label of the whole.

    Raises NotLabelled where there are none.
    """
    found = [each for each in pictures if (each.boxes if kind == DETECTOR else each.labels or each.moderated)]
    if not found:
        raise NotLabelled(f"None of the {len(pictures)} pictures has what a {kind} learns from. Label them alike.")
    return found


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
            labels = tuple(dict.fromkeys(cell for cell in cells[1:] if cell))
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
        moderated = MODERATION in line
        judged = judge(msgspec.json.encode(line), Feature.CONTENT_MODERATION if moderated else Feature.CUSTOM_LABELS)
        _require_right(judged, file, number)
        path = _there(file, source.removeprefix(_FILE), number)
        yield Labelled(path, judged.labels, judged.boxes, judged.size, moderated)


def _require_right(line: Judged, file: Path, number: int) -> None:
    """Raise NotLabelled where a line is wrong."""
    if line.errors or not line.usable:
        why = line.errors[0].told["code"] if line.errors else "it has no label"
        raise NotLabelled(f"{file}, line {number}: {why}; docs/custom.md says what that means.")


def _there(file: Path, name: str, number: int) -> Path:
    """The file that a line names, from the folder of the list on. Raises NotLabelled."""
    path = file.parent / name
    if name.startswith("s3://") or not path.is_file():
        raise NotLabelled(f"{file}, line {number}: {name} is no file here. Name files on this machine.")
    return path
