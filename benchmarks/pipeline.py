"""Decode, detect, align and embed one face: ours against OpenCV's, on the same weights and one thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import cycle

import cv2
import numpy as np

from benchmarks.measuring import markdown, medians, ratios
from benchmarks.model_files import model_file
from benchmarks.pictures import small
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import decode

ROUNDS = 200


def run() -> str:
    """The section of docs/benchmarks.md."""
    os.sched_setaffinity(0, {0})
    settings = from_environment()
    weights = Weights.opened(settings)
    pictures = small(50)
    peer = _turns(_opencv(), pictures)
    rows = []
    for precision in ("f32", "bf16"):
        analyzer = FaceAnalyzer(weights, Runtime("openvino", precision, 1))
        ours = _turns(lambda data, eyes=analyzer: _ours(eyes, data), pictures)
        taken = medians({"ours": ours, "peer": peer}, ROUNDS)
        rows.append(
            (
                precision,
                f"{taken['ours'] * 1e3:.1f} ms",
                f"{taken['peer'] * 1e3:.1f} ms",
                f"{ratios(peer, ours, ROUNDS):.2f}×",
            )
        )
    return markdown(
        "Decode, detect, align, embed",
        ("precision", "regard", "OpenCV", "times faster"),
        rows,
        "Pictures of 250×250 pixels, one face and one embedding each, one thread; OpenCV is FaceDetectorYN "
        f"and FaceRecognizerSF of {cv2.__version__} on the same weights. `python -m benchmarks pipeline`",
    )


def _turns(work: Callable[[bytes], object], pictures: list[bytes]) -> Callable[[], object]:
    following = cycle(pictures)
    return lambda: work(next(following))


def _ours(analyzer: FaceAnalyzer, data: bytes) -> object:
    picture = decode(data)
    return analyzer.embed(picture, analyzer.detect(picture)[:1])


def _opencv() -> Callable[[bytes], object]:
    cv2.setNumThreads(1)
    detector = cv2.FaceDetectorYN.create(model_file("face-detector"), "", (250, 250), 0.7)
    embedder = cv2.FaceRecognizerSF.create(model_file("face-embedder"), "")

    def work(data: bytes) -> object:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        detector.setInputSize((pixels.shape[1], pixels.shape[0]))
        faces = detector.detect(pixels)[1]
        if faces is None:
            return None
        return embedder.feature(embedder.alignCrop(pixels, faces[0]))

    return work
