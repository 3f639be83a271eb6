"""Heads in memory: read once, and let go of when there are many others."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.custom.errors import CustomChanged
from regard.custom.versions.models import ModelFile
from regard.vision.heads.box_head import BoxHead
from regard.vision.things.candidates import READ_AS, Seeker
from regard.vision.things.features import READING, Features

# Heads of one process. One of 250 labels has about a megabyte.
MOST_HEADS = 64
Floats = NDArray[np.float32]


class Label(msgspec.Struct, frozen=True):
    """A label of a head: from which score on it is told, 0 to 1."""

    name: str
    threshold: float


class Backbone(msgspec.Struct, frozen=True):
    """What the features are of that a head takes: the model, its SHA-256, its layers, and how they are read."""

    model: str
    sha256: str
    layer: str
    reading: str

    @classmethod
    def of(cls, features: Features) -> Backbone:
        """The one that features are of now."""
        base = features.base
        return cls(base.model, base.sha256, base.layer, READING)

    @classmethod
    def of_candidates(cls, seeker: Seeker) -> Backbone:
        """The one that candidates are of now."""
        base = seeker.base
        return cls(base.model, base.sha256, base.layer, READ_AS)


class Manifest(msgspec.Struct, frozen=True):
    """What the service needs of a head's manifest. `people` says that it was trained on pictures of people."""

    kind: str
    labels: tuple[Label, ...]
    base: Backbone
    people: bool = False
    # How a detector comes by candidates; of others nothing.
    way: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """A head that is ready: one matrix on the features of a picture, in f32.

    An adapter adds what it says to the log odds of the base. A detector's `boxes` are on candidates.
    """

    manifest: Manifest
    weights: Floats = field(repr=False)
    offsets: Floats = field(repr=False)
    boxes: BoxHead | None = field(default=None, repr=False)

    def scores(self, features: Floats, base: Floats | None = None) -> Floats:
        """How sure each label is, 0 to 1: (labels,), for the features (d,) of a picture.

        An adapter takes the base scores of its labels, 0 to 1, too.
        """
        odds = features @ self.weights + self.offsets
        if base is not None:
            # Slow to import, and for adapters alone.
            from scipy.special import logit

            from regard.evaluation.custom.adapter import LEAST

            odds += logit(np.clip(base, LEAST, 1 - LEAST))
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -60, 60))), np.float32)


def read(model: ModelFile) -> Head:
    """The head of a model. Raises CustomChanged where its files do not fit together."""
    import onnx
    from onnx import numpy_helper

    try:
        manifest = msgspec.json.decode(model.manifest, type=Manifest)
        tensors = onnx.load_model_from_string(model.onnx).graph.initializer
        held = {each.name: np.ascontiguousarray(numpy_helper.to_array(each), np.float32) for each in tensors}
        boxes = None
        if manifest.kind == "detector":
            boxes = BoxHead(held["weights"], held["offsets"], held["shifts"], held["places"])
        head = Head(manifest, held["weights"], held["offsets"], boxes)
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        raise CustomChanged(f"the files of a model do not fit together: {error}") from None
    if head.weights.shape[1:] != (len(manifest.labels),) or head.offsets.shape != (len(manifest.labels),):
        raise CustomChanged("the head of a model has other labels than its manifest")
    return head


class Loaded:
    """Heads by the digests of their models. Thread-safe."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, Head] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, digest: str, model: Callable[[], ModelFile]) -> Head:
        """The head of this digest; `model` gives it where it is not in memory."""
        with self._lock:
            if (found := self._heads.get(digest)) is not None:
                self._heads.move_to_end(digest)
                return found
        head = read(model())
        with self._lock:
            self._heads[digest] = head
            while len(self._heads) > MOST_HEADS:
                self._heads.popitem(last=False)
        return head
