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
    """Embeds the faces of a picture file."""

    def __init__(self) -> None:
        self._detect = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
        self._embedder = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())

    def embeddings(self, data: bytes) -> list[NDArray[np.float64]]:
        """128 numbers for each face, the largest first."""
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        faces = sorted(self._detect(pixels, 1), key=lambda box: -box.area())
        return [
            np.asarray(self._embedder.compute_face_descriptor(pixels, self._points(pixels, face), 1)) for face in faces
        ]
