"""Weights are verified when they are used: what runs is made of bytes whose digest is listed, read once."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from regard.settings import from_environment
from regard.vision.faces.faces import Box, Face, FaceAnalyzer
from regard.vision.models.manifest import DamagedWeights, MissingWeights, Source, Weight, WeightsError
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.crops import ALIGNED, TEMPLATE
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader

SHIPPED = Weights(Path())
FACE = Face(Box(0, 0, 1, 1), 100.0, TEMPLATE.astype(np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A weights folder of its own, with the files as they came."""
    there, ours = from_environment().weights_dir, tmp_path / "weights"
    ours.mkdir()
    for entry in SHIPPED.entries():
        weight = entry.weight
        name = f"{weight.name}-{weight.sha256}{weight.suffix}"
        if not (there / name).exists():
            pytest.skip("the weights were not pulled")
        (ours / name).symlink_to(there / name)
    return ours


def _original(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"{name}-{SHIPPED.digest(name)}.*")
    return found


def _everybody_alike(embedder: bytes) -> bytes:
    """The folded embedder, whose answer hardly depends on the face any more."""
    model = onnx.load_from_string(embedder)
    gemm = next(node for node in model.graph.node if node.op_type == "Gemm")
    for tensor in model.graph.initializer:
        if tensor.name in gemm.input[1:]:
            numbers = numpy_helper.to_array(tensor)
            changed = numbers * 1e-6 if numbers.ndim > 1 else np.full_like(numbers, 3)
            tensor.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), tensor.name))
    return bytes(model.SerializeToString())


def _replace(file: Path, data: bytes) -> None:
    file.unlink()
    file.write_bytes(data)


def _embedded(folder: Path) -> NDArray[np.float32]:
    """Two pictures of noise, embedded: nobody's, and unlike each other."""
    analyzer = FaceAnalyzer(Weights(folder), Runtime("openvino", "f32"))
    noise = np.random.default_rng(5).integers(0, 255, (2, ALIGNED, ALIGNED, 3), np.uint8)
    return np.concatenate([analyzer.embed(Picture(pixels, "PNG"), [FACE]) for pixels in noise])


def test_a_swapped_conversion_that_carries_its_own_hash_is_not_run(folder: Path) -> None:
    honest = _embedded(folder)
    assert honest[0] @ honest[1] < 0.9
    digest = SHIPPED.digest("face-embedder")
    own = hashlib.sha256(swapped := _everybody_alike(Weights(folder).read("face-embedder").data)).hexdigest()
    (folder / f"face-embedder-{digest[:16]}-fold-{own}.onnx").write_bytes(swapped)
    assert (_embedded(folder) == honest).all()


def test_a_swapped_model_of_faces_keeps_the_analyzer_from_opening(folder: Path) -> None:
    swapped = _everybody_alike(Weights(folder).read("face-embedder").data)
    _replace(_original(folder, "face-embedder"), swapped)
    with pytest.raises(DamagedWeights, match=hashlib.sha256(swapped).hexdigest()):
        _embedded(folder)


def _cold(folder: Path) -> FaceAnalyzer:
    return FaceAnalyzer(Weights(folder), Runtime("openvino", "f32"), at_once=False)


def test_models_of_faces_that_load_when_asked_for_are_looked_at_before(folder: Path) -> None:
    file = _original(folder, "face-mesh")
    data = file.read_bytes()
    _replace(file, data[:-1])
    with pytest.raises(DamagedWeights, match="is not run"):
        _cold(folder)
    file.unlink()
    with pytest.raises(MissingWeights, match="regard weights pull"):
        _cold(folder)


def test_models_of_faces_that_load_when_asked_for_are_hashed_again_then(folder: Path) -> None:
    analyzer = _cold(folder)
    _replace(_original(folder, "face-embedder"), b"another model")
    assert analyzer.detect(Picture(np.zeros((64, 64, 3), np.uint8), "PNG")) == []
    with pytest.raises(DamagedWeights, match="is not run"):
        analyzer.embed(Picture(np.zeros((ALIGNED, ALIGNED, 3), np.uint8), "PNG"), [FACE])


@pytest.mark.parametrize("name", [entry.weight.name for entry in SHIPPED.entries()])
def test_each_model_is_hashed_when_it_is_loaded(folder: Path, name: str) -> None:
    weights, file = Weights(folder), _original(folder, name)
    read = weights.read(name)
    assert weights.loaded == {name: SHIPPED.digest(name)} == {name: read.sha256}
    data = file.read_bytes()
    _replace(file, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DamagedWeights, match="is not run"):
        weights.read(name)
    assert [entry.state for entry in weights.verify([name])] == ["damaged"]


@pytest.fixture
def swapped_once_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """Somebody who waits until a file was hashed and then puts other bytes in its place."""
    hashed = {way: getattr(hashlib, way) for way in ("sha256", "file_digest")}

    def wait(name: str, swapped: bytes) -> None:
        def and_swap(way: str, *given: Any) -> Any:
            found = hashed[way](*given)
            if found.hexdigest() == SHIPPED.digest(name):
                _replace(_original(folder, name), swapped)
            return found

        for way in hashed:
            monkeypatch.setattr(hashlib, way, partial(and_swap, way))

    return wait


def test_what_was_swapped_after_it_was_hashed_is_not_run(
    folder: Path, swapped_once_hashed: Callable[[str, bytes], None]
) -> None:
    honest = _embedded(folder)
    swapped = _everybody_alike(Weights(folder).read("face-embedder").data)
    swapped_once_hashed("face-embedder", swapped)
    assert (_embedded(folder) == honest).all()
    assert _original(folder, "face-embedder").read_bytes() == swapped


def test_what_was_swapped_after_it_was_hashed_is_not_exported(
    folder: Path, swapped_once_hashed: Callable[[str, bytes], None]
) -> None:
    honest = _original(folder, "iris").read_bytes()
    swapped_once_hashed("iris", b"another model")
    Weights(folder).export_to(folder.parent / "weights.tar", ["iris"])
    assert _original(folder, "iris").read_bytes() == b"another model"
    with tarfile.open(folder.parent / "weights.tar") as tar:
        (member,) = tar.getmembers()
        assert tar.extractfile(member).read() == honest  # type: ignore[union-attr]


def test_readers_and_finders_of_all_kinds_refuse_what_was_changed(folder: Path) -> None:
    picture = Picture(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), "PNG")
    given = Weights(folder), Runtime("openvino", "f32")
    labels = LabelFinder(*given)
    looks: dict[str, Callable[[], object]] = {
        "text-recogniser": lambda: TextReader(*given)(picture),
        "pornography": lambda: Moderator(*given, labels.scene).pornography(picture),
        "things-and-scenes": lambda: labels.scene(picture),
    }
    for name, look in looks.items():
        _replace(_original(folder, name), b"another model")
        with pytest.raises(DamagedWeights, match=name):
            look()


def test_loading_writes_nothing_beside_the_weights(folder: Path) -> None:
    before = sorted(file.name for file in folder.iterdir())
    weights, runtime = Weights(folder), Runtime("openvino", "f32")
    for name in ("face-detector", "expression", "things-and-scenes"):
        runtime.load(weights.read(name))
    assert sorted(file.name for file in folder.iterdir()) == before


def test_a_recogniser_that_lacks_its_characters_has_none_fetched_for_it(folder: Path, tmp_path: Path) -> None:
    model = onnx.load_from_string(_original(folder, "text-recogniser").read_bytes())
    del model.metadata_props[:]
    (tmp_path / "mute.onnx").write_bytes(data := model.SerializeToString())
    weights = Weights(folder, tmp_path / "mine.toml")
    weights.add(Weight("text-recogniser", hashlib.sha256(data).hexdigest(), Source(file="mute.onnx")))
    weights.pull(["text-recogniser"])
    with pytest.raises(WeightsError, match="under `character`"):
        TextReader(weights, Runtime("openvino", "f32"))(Picture(np.zeros((64, 64, 3), np.uint8), "PNG"))
