"""Models that are converted and compiled once a process: tests open hundreds of analyzers, on the same few files.

Compiling takes up to 1.5 s of a processor a model, reading and checking a file again some hundredths. The files are
read and checked each time all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy.util import LRUCache

from regard.vision.models import runtime, weights
from regard.vision.models.model_file import ModelFile

_LOAD, _CONVERT = runtime._OpenVino.load, weights._converted
# More than all models in every form that they are asked in, so that none is made twice; a bound all the same.
_MOST = 60
# Numbers of an input: a face's, or a small picture's.
_MOST_KEPT = 3 * 320 * 320


@contextmanager
def loaded_once() -> Iterator[None]:
    """Until the end of the block, a model that one analyzer loaded another finds, where it asks for it in the same way.

    A run belongs to nobody: how many may run at once is part of what is asked for.
    """
    compiled: LRUCache[Any, Any] = LRUCache(_MOST)
    converted: LRUCache[Any, ModelFile] = LRUCache(_MOST)

    def found(
        self: runtime._OpenVino,
        file: ModelFile,
        shape: runtime.Shape | Mapping[str, runtime.Shape] | None,
        fine: bool,
        taps: Sequence[str],
        whole: bool,
    ) -> Any:
        asked = tuple(sorted(shape.items())) if isinstance(shape, Mapping) else shape
        key = (*_named(file), asked, tuple(taps), whole, "f32" if fine else self.precision, *self._options.items())
        if key not in compiled:
            compiled[key] = _LOAD(self, file, shape, fine, taps, whole)
        return compiled[key]

    def made(file: ModelFile, how: str) -> ModelFile:
        key = *_named(file), how
        if key not in converted:
            converted[key] = _CONVERT(file, how)
        return converted[key]

    # What an inference took of memory is given back after each that is no small one: sixty models keep gigabytes.
    with (
        patch.object(runtime._OpenVino, "load", found),
        patch.object(weights, "_converted", made),
        patch.object(runtime, "_MOST_KEPT", _MOST_KEPT),
    ):
        yield


@contextmanager
def loaded_anew() -> Iterator[None]:
    """Until the end of the block, every load is one, for a test that is about loading."""
    with patch.object(runtime._OpenVino, "load", _LOAD), patch.object(weights, "_converted", _CONVERT):
        yield


def _named(file: ModelFile) -> tuple[str, str, int]:
    """Which file it is, by the bytes that it has: what it says of them may be wrong, and a test may be about that."""
    return file.label, file.suffix, hash(file.data)
