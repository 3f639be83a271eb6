"""A head of one's own labels as it answers: its ONNX file, run in f32.

OpenVINO's own choice of arithmetic moved scores by 0.009, which is more than thresholds stand apart.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from regard.vision.heads.head import DamagedHead
from regard.vision.models.model_file import ModelFile
from regard.vision.models.runtime import Model, Runtime, RuntimeUnavailable

NAME = "custom-head"


class OwnHead:
    """A head that is ready. Any number of threads may ask it at once."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @classmethod
    def opened(cls, data: bytes, digest: str, runtime: Runtime) -> OwnHead:
        """The head of a file's bytes. Raises DamagedHead where these have another SHA-256 than its manifest names."""
        found = sha256(data).hexdigest()
        if found != digest:
            raise DamagedHead(f"The head has SHA-256 {found}, and its manifest names {digest}. Train it again.")
        try:
            return cls(runtime.load(ModelFile(NAME, found, ".onnx", data), fine=True))
        except RuntimeUnavailable as error:
            raise DamagedHead(f"The head cannot be run: {error}") from None

    def scores(self, *inputs: NDArray[np.floating]) -> NDArray[np.float32]:
        """How sure each label is, 0 to 1: (n, labels), for features (n, d) or of one picture (d,).

        An adapter takes the base scores, 0 to 1, (n, labels), after the features.
        """
        return np.asarray(self._model(*(np.atleast_2d(np.asarray(each, np.float32)) for each in inputs))[0])
