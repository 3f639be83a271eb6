"""Manifests of media analysis: what one lists, and what is written about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

# Of a line: a source-ref has 1,024 bytes of name, which JSON may write six times as long.
_MOST_LINE = 8192
_SCHEME = "s3://"
# How the summary spells it.
_NUMBER = "line-numer"
OPERATION = "detect-moderation-labels"


class _Json(msgspec.Struct, frozen=True):
    source: str = msgspec.field(name="source-ref")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a manifest, counted from 1: the picture that it names, or why it names none.

    `source` is its source-ref as it stands there, empty where there is none.
    """

    number: int
    source: str
    bucket: str = ""
    name: str = ""
    wrong: str = ""

    @property
    def valid(self) -> bool:
        """Whether it names a picture."""
        return not self.wrong


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a line: what was found, or the code and the text of what went wrong."""

    number: int
    found: dict[str, Any] | None = None
    code: str = ""
    message: str = ""


def lines_of(manifest: bytes) -> list[Line]:
    """The lines of a manifest (JSON lines, UTF-8), without those that are blank."""
    texts = manifest.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [_line(number, text) for number, text in enumerate(texts, 1) if text.strip()]


class Report:
    """What came of a manifest: `results` has a line for each picture that was looked at, in the order of the manifest.

    It grows line by line, so that only what is written is held.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._sources = {line.number: line.source for line in lines}
        self._valid = sum(line.valid for line in lines)
        self._errors: list[dict[str, Any]] = []
        self.results = bytearray()

    def add(self, seen: Seen) -> None:
        """Tell what came of the next line."""
        source = {"source-ref": self._sources[seen.number]}
        if seen.found is None:
            self._errors.append({_NUMBER: seen.number} | source | {"code": seen.code, "message": seen.message})
        else:
            self.results += msgspec.json.encode(source | {OPERATION: seen.found}) + b"\n"

    @property
    def summary(self) -> bytes:
        """How many lines the manifest has, and what went wrong with which, as JSON."""
        whole, valid = len(self._sources), self._valid
        counts = {"total-json-lines": whole, "valid-json-lines": valid, "invalid-json-lines": whole - valid}
        return msgspec.json.encode({"version": "1.0", "statistics": counts, "errors": self._errors})


def _line(number: int, text: bytes) -> Line:
    if len(text) > _MOST_LINE:
        return Line(number, "", wrong=f"The line has more than {_MOST_LINE} bytes.")
    try:
        source = msgspec.json.decode(text, type=_Json).source
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return Line(number, "", wrong=f"The line is no JSON object with a source-ref: {error}")
    bucket, _, name = source.removeprefix(_SCHEME).partition("/")
    if not (source.startswith(_SCHEME) and bucket and name):
        return Line(number, source, wrong="The source-ref is not of the form s3://bucket/name.")
    return Line(number, source, bucket, name)
