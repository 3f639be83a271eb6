"""What the package face_recognition does by default, on dlib: HOG detector, five points, ResNet embedding."""

from __future__ import annotations

import io

import dlib
import face_recognition_models
import numpy as np
from numpy.typing import NDArray
from PIL import Image

DISTANCE = 0.6  # the package's own default: at most this far apart is the same person


class DlibPeer:
    """Embeds the largest face of a picture file."""

    def __init__(self) -> None:
        self._detect = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
        self._embedder = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())

    def embedding(self, data: bytes) -> NDArray[np.float64] | None:
        """128 numbers, or None where no face was found."""
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        faces = self._detect(pixels, 1)
        if not faces:
            return None
        face = max(faces, key=lambda box: box.area())
        return np.asarray(self._embedder.compute_face_descriptor(pixels, self._points(pixels, face), 1))
