"""Models are loaded when first needed, once, and again after they were let go of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pytest

from regard.settings import from_environment
from regard.vision.detection.detector import Detector
from regard.vision.eyes import open_eyes
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.models.model_file import ModelFile
from regard.vision.models.runtime import Array, Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader
from tests.helpers.loaded import loaded_anew

GREY = Picture(np.full((300, 400, 3), 128, np.uint8), "PNG")
# Large tiles: of a picture without content no model is asked.
TILES = Picture(
    np.kron(np.random.default_rng(1).integers(0, 255, (6, 8, 3), np.uint8), np.ones((50, 50, 1), np.uint8)), "PNG"
)


class CountingRuntime:
    """Loads models that answer zeros."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def load(
        self,
        file: ModelFile,
        _shape: object = None,
        *,
        fine: bool = False,
        taps: Sequence[str] = (),
        whole: bool = True,
    ) -> Callable[[Array], list[Array]]:
        self.loaded.append(file.name)
        return lambda given: self._answers(file.name, given.shape)

    @staticmethod
    def _answers(name: str, shape: tuple[int, ...]) -> list[Array]:
        if name == "face-detector":
            cells = [shape[2] // stride * (shape[3] // stride) for stride in (8, 16, 32)]
            return [np.zeros((1, count, values), np.float32) for values in (1, 1, 4, 10) for count in cells]
        shapes: dict[str, list[tuple[int, ...]]] = {
            "object-detector": [(1, 19206, 90), (1, 19206, 4)],
            "things-and-scenes": [(1, 1000)],
        }
        return [np.zeros(each, np.float32) for each in shapes.get(name, [(1, 2)])]


class NamedWeights:
    def read(self, name: str) -> ModelFile:
        return ModelFile(name, "0" * 64, ".onnx", b"")


def _rooms(runtime: CountingRuntime) -> tuple[LabelFinder, Moderator, EquipmentInspector]:
    given = cast(Weights, NamedWeights()), cast(Runtime, runtime)
    labels = LabelFinder(*given)
    faces = cast(FaceAnalyzer, type("NoFaces", (), {"detect_all": staticmethod(lambda _picture: [])}))
    return labels, Moderator(*given, labels.scene), EquipmentInspector(faces, labels.objects)


def test_nothing_is_loaded_before_the_first_picture() -> None:
    runtime = CountingRuntime()
    _rooms(runtime)
    assert not runtime.loaded


def test_labels_and_equipment_share_one_detector() -> None:
    runtime = CountingRuntime()
    labels, _, equipment = _rooms(runtime)
    for _ in range(2):
        labels(TILES)
        equipment(TILES)
    assert sorted(runtime.loaded) == ["face-detector", "object-detector", "things-and-scenes"]


def test_labels_look_for_faces_with_the_detector_that_is_there() -> None:
    runtime = CountingRuntime()
    given = cast(Weights, NamedWeights()), cast(Runtime, runtime)
    detector = Detector(cast(Model, runtime.load(NamedWeights().read("face-detector"), (1, 3, -1, -1))))
    labels = LabelFinder(*given, detector=lambda: detector)
    labels(TILES)
    labels.unload()
    labels(TILES)
    assert runtime.loaded.count("face-detector") == 1


def test_what_was_let_go_of_is_loaded_again() -> None:
    runtime = CountingRuntime()
    labels, moderator, _ = _rooms(runtime)
    for times in (1, 2):
        for _ in range(2):
            labels(TILES)
            moderator(TILES)
        for name in ("object-detector", "things-and-scenes", "face-detector", "pornography"):
            assert runtime.loaded.count(name) == times
        for room in (labels, moderator):
            room.unload()


def test_faces_load_when_they_are_asked_for_where_they_are_not_warmed() -> None:
    at_once, later = (Weights.opened(from_environment()) for _ in range(2))
    FaceAnalyzer.opened(from_environment(), weights=at_once)
    analyzer = FaceAnalyzer.opened(from_environment(warm=()), weights=later)
    assert at_once.loaded.keys() == {"face-detector", "face-embedder", "face-mesh"}
    assert later.loaded == {}
    assert analyzer.detect(GREY) == []
    assert later.loaded.keys() == {"face-detector"}


def test_eyes_are_opened_without_any_network_where_none_is_warmed() -> None:
    assert open_eyes(from_environment(warm=())).weights.loaded == {}


@pytest.mark.long
def test_a_reader_that_let_go_of_its_networks_reads_again() -> None:
    reader = TextReader.opened(from_environment())
    with loaded_anew():
        before = reader(GREY)
        reader.unload()
        assert not vars(reader).get("_first")
        assert reader(GREY) == before == []
