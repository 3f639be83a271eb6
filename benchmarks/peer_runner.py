"""One system embeds one face of each picture, on one core. Runs in an environment of that system's own.

`python peer_runner.py SYSTEM FILES OUT [DETECTOR RECOGNIZER]`: FILES lists pictures, one a line; OUT is an .npz with
`embeddings` (rows of zeros where no face was found), `seconds` of the processor, which neighbours do not lengthen, and
`mebibytes`. The face nearest the middle is taken.
"""

from __future__ import annotations

import io
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Embed = Callable[[bytes], "NDArray[np.float32] | None"]


def main(system: str, files: str, out: str, *weights: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    systems: dict[str, Callable[..., Embed]] = {"regard": _regard, "dlib": _dlib, "opencv": _opencv}
    embed = systems[system](*weights)
    pictures = [Path(line).read_bytes() for line in Path(files).read_text().splitlines()]
    for picture in pictures[:3]:
        embed(picture)
    begun = time.process_time()
    found = [embed(picture) for picture in pictures]
    seconds = time.process_time() - begun
    size = next((len(each) for each in found if each is not None), 128)
    rows = np.array([np.zeros(size) if each is None else each for each in found], np.float32)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.savez(out, embeddings=rows, seconds=seconds, mebibytes=mebibytes)


def _regard() -> Embed:
    from regard.settings import from_environment
    from regard.vision.faces.faces import FaceAnalyzer
    from regard.vision.pictures.images import decode

    analyzer = FaceAnalyzer.opened(from_environment())

    def embed(data: bytes) -> NDArray[np.float32] | None:
        picture = decode(data)
        faces = analyzer.detect(picture)
        middles = [(face.box.left + face.box.width / 2, face.box.top + face.box.height / 2) for face in faces]
        return analyzer.embed(picture, [faces[_central(middles)]])[0] if faces else None

    return embed


def _dlib() -> Embed:
    import dlib
    import face_recognition_models
    from PIL import Image

    detect = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
    embedder = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())

    def embed(data: bytes) -> NDArray[np.float32] | None:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        height, width = pixels.shape[:2]
        faces = list(detect(pixels, 1))
        middles = [(face.center().x / width, face.center().y / height) for face in faces]
        if not faces:
            return None
        return np.array(
            embedder.compute_face_descriptor(pixels, points(pixels, faces[_central(middles)]), 1), np.float32
        )

    return embed


def _opencv(detector: str, recognizer: str) -> Embed:
    import cv2

    cv2.setNumThreads(1)
    detect = cv2.FaceDetectorYN.create(detector, "", (320, 320), score_threshold=0.7)
    recognize = cv2.FaceRecognizerSF.create(recognizer, "")

    def embed(data: bytes) -> NDArray[np.float32] | None:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        height, width = pixels.shape[:2]
        detect.setInputSize((width, height))
        faces = detect.detect(pixels)[1]
        if faces is None:
            return None
        middles = [((face[0] + face[2] / 2) / width, (face[1] + face[3] / 2) / height) for face in faces]
        chip = recognize.alignCrop(pixels, faces[_central(middles)])
        return np.array(recognize.feature(chip)[0], np.float32)

    return embed


def _central(middles: list[tuple[float, float]]) -> int:
    return int(np.argmin([np.hypot(x - 0.5, y - 0.5) for x, y in middles]))


if __name__ == "__main__":
    main(*sys.argv[1:])
