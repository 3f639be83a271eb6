"""The runtimes: the same numbers from both, from any thread."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regard.settings import from_environment
from regard.vision.models import runtime
from regard.vision.models.manifest import MissingWeights
from regard.vision.models.model_file import ModelFile
from regard.vision.models.runtime import Array, Runtime, RuntimeUnavailable
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import LabelFinder

# Shape of the input and its largest value.
INPUTS = {
    "face-detector": ((1, 3, 160, 128), 255),
    "small-face-detector": ((1, 3, 160, 128), 255),
    "face-embedder": ((1, 3, 112, 112), 255),
    "face-mesh": ((1, 192, 192, 3), 1),
    "iris": ((1, 64, 64, 3), 1),
    "age": ((1, 3, 64, 64), 1),
    "gender-presentation": ((1, 3, 32, 32), 1),
    "expression": ((1, 64, 64, 1), 1),
}
BEYOND = {
    "pornography": ((1, 224, 224, 3), 255),
    "things-and-scenes": ((1, 256, 256, 3), 1),
    "text-detector": ((1, 3, 160, 128), 1),
    "text-direction": ((1, 3, 48, 192), 1),
    "text-recogniser": ((1, 3, 48, 320), 1),
}
# Largest difference of an output, relative to its largest number or LEAST, whichever is more. Some scores of
# the face detector are all near 0, where the two libraries round their sigmoids 1e-7 apart.
F32, BF16, LEAST = 1e-4, 0.1, 0.01


def _file(name: str) -> ModelFile:
    try:
        return Weights(from_environment().weights_dir).read(name)
    except MissingWeights as error:
        pytest.skip(str(error))


def _input(name: str, portrait: bytes) -> Array:
    """A face in the form that the model takes."""
    shape, largest = (INPUTS | BEYOND)[name]
    first = shape[1] == 3
    height, width, channels = (*shape[2:], 3) if first else shape[1:]
    face = Image.open(io.BytesIO(portrait)).crop((140, 0, 310, 212)).resize((width, height))
    pixels = np.asarray(face.convert("L" if channels == 1 else "RGB"), np.float32)
    pixels = pixels.reshape(height, width, channels) * (largest / 255)
    return np.ascontiguousarray((pixels.transpose(2, 0, 1) if first else pixels)[None])


def _apart(found: list[Array], expected: list[Array]) -> float:
    assert [each.shape for each in found] == [each.shape for each in expected]
    return max(
        float(np.abs(one - other).max() / max(np.abs(other).max(), LEAST))
        for one, other in zip(found, expected, strict=True)
    )


@pytest.mark.long
@pytest.mark.parametrize("name", INPUTS | BEYOND)
def test_both_runtimes_give_the_same_numbers(name: str, portrait: bytes) -> None:
    pytest.importorskip("onnxruntime")
    file, given = _file(name), _input(name, portrait)
    found = Runtime("openvino", "f32").load(file, given.shape)(given)
    expected = Runtime("onnxruntime", "f32").load(file, given.shape)(given)
    assert _apart(found, expected) < F32


@pytest.mark.parametrize(
    ("name", "shape"),
    # The estimate of the expression is not among them: what OpenVINO reads of that file itself differs from run to run.
    [("face-mesh", (1, 192, 192, 3)), ("things-and-scenes", (1, 224, 224, 3))],
)
def test_a_converted_network_gives_the_numbers_of_the_original(name: str, shape: tuple[int, ...]) -> None:
    file, runtime = _file(name), Runtime("openvino", "f32")
    came = (from_environment().weights_dir / f"{file.label}.tflite").read_bytes()
    original = ModelFile(name, file.sha256, ".tflite", came)
    given = np.random.default_rng(0).random(shape, np.float32)
    assert _apart(runtime.load(file, shape)(given), runtime.load(original)(given)) < F32


@pytest.mark.long
@pytest.mark.parametrize("name", INPUTS)
def test_bf16_stays_near_f32(name: str, portrait: bytes) -> None:
    try:
        runtime = Runtime("openvino", "bf16")
    except RuntimeUnavailable:
        pytest.skip("this processor has no bf16 arithmetic")
    file, given = _file(name), _input(name, portrait)
    found = runtime.load(file, given.shape)(given)
    expected = Runtime("openvino", "f32").load(file, given.shape)(given)
    assert 0 < _apart(found, expected) < BF16


@pytest.mark.parametrize("instances", [0, 1])
@pytest.mark.parametrize("kind", ["openvino", "onnxruntime"])
def test_one_model_serves_many_threads_and_keeps_nothing_of_a_call(kind: str, instances: int) -> None:
    if kind == "onnxruntime":
        pytest.importorskip("onnxruntime")
    model = Runtime(kind, "f32", instances=instances).load(_file("gender-presentation"), (1, 3, 32, 32))
    rng = np.random.default_rng(2)
    inputs = [rng.random((1, 3, 32, 32), np.float32) for _ in range(64)]
    alone = [model(each)[0] for each in inputs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: model(each)[0], inputs))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    assert len({each.tobytes() for each in together}) == len(inputs)


def test_more_threads_than_cores_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    # With arrays of ours inside a request, OpenVINO and the interpreter once waited for each other for ever.
    monkeypatch.setattr("regard.vision.models.runtime._cores", lambda: 1)
    model = Runtime("openvino", "f32").load(_file("face-detector"), (1, 3, -1, -1))
    sides = [32 * (2 + number % 3) for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda side: model(np.zeros((1, 3, side, 64), np.float32))[0].shape[1], sides))
    assert found == sides  # cells of 8 pixels: side / 8 · 64 / 8


@pytest.mark.parametrize("kind", ["openvino", "onnxruntime"])
def test_a_side_of_any_length_is_taken(kind: str) -> None:
    if kind == "onnxruntime":
        pytest.importorskip("onnxruntime")
    model = Runtime(kind, "f32").load(_file("face-detector"), (1, 3, -1, -1))
    for height, width in ((64, 96), (320, 160)):
        scores = model(np.zeros((1, 3, height, width), np.uint8))[0]
        assert scores.shape == (1, height * width // 64, 1)


def test_a_wrong_number_of_inputs_is_refused() -> None:
    model = Runtime(precision="f32").load(_file("gender-presentation"), (1, 3, 32, 32))
    with pytest.raises(ValueError, match="1 inputs, not 2"):
        model(np.zeros((1, 3, 32, 32)), np.zeros(1))


@pytest.mark.parametrize(
    ("told", "precision"),
    [
        ("GenuineIntel avx512_bf16 amx_bf16", "bf16"),
        ("AuthenticAMD avx512_bf16", "bf16"),
        ("GenuineIntel avx512_bf16", "f32"),
        ("AuthenticAMD avx2", "f32"),
        (None, "f32"),
    ],
)
def test_bf16_is_chosen_where_it_is_quicker(
    told: str | None, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        Runtime("openvino", "bf16")
    except RuntimeUnavailable:
        pytest.skip("this processor has no bf16 arithmetic")
    info = tmp_path / "cpuinfo"
    if told is not None:
        info.write_text(told)
    monkeypatch.setattr(runtime, "_PROCESSOR", info)
    assert Runtime().precision == precision


def test_what_the_settings_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="openvino"):
        Runtime("other")
    with pytest.raises(ValueError, match="bf16"):
        Runtime("openvino", "f64")


def test_onnx_runtime_says_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(RuntimeUnavailable, match="REGARD_PRECISION"):
        Runtime("onnxruntime", "bf16")
    with pytest.raises(RuntimeUnavailable, match="ONNX files only"):
        Runtime("onnxruntime").load(ModelFile("mine", "0" * 64, ".tflite", b""))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeUnavailable, match=r"regard\[onnxruntime\]"):
        Runtime("onnxruntime")


def test_labels_say_what_onnx_runtime_cannot_read() -> None:
    pytest.importorskip("onnxruntime")
    settings = from_environment()
    finder = LabelFinder(Weights(settings.weights_dir), Runtime("onnxruntime", "f32"))
    with pytest.raises(RuntimeUnavailable, match=r"object-detector.*REGARD_RUNTIME"):
        finder.objects(Picture(np.zeros((64, 64, 3), np.uint8), "PNG"))


@pytest.mark.long
def test_what_a_large_picture_took_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Runtime("openvino", "f32", instances=1).load(_file("small-face-detector"), (1, 3, -1, -1))
    large = np.zeros((1, 3, 1472, 1472), np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "_MOST_KEPT", large.size)
        model(large)
        kept = _resident()
    model(large)
    # An inference of this size took 350 MB.
    assert _resident() < kept - 200e6


def test_what_was_in_use_when_it_was_to_be_given_back_is_given_back_afterwards() -> None:
    class Busy:
        asked = 0

        def release_memory(self) -> None:
            self.asked += 1
            if self.asked == 1:
                raise RuntimeError("another inference is at it")

    busy = Busy()
    kept = runtime._Kept(busy)
    small, large = np.zeros(3), np.broadcast_to(np.zeros(1), runtime._MOST_KEPT + 1)
    for given in (small, large, small, small):
        kept.give_back([given])
    assert busy.asked == 2


def _resident() -> int:
    """The bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("kind", ["openvino", "onnxruntime"])
def test_a_file_that_is_no_model_is_named(kind: str) -> None:
    if kind == "onnxruntime":
        pytest.importorskip("onnxruntime")
    with pytest.raises(RuntimeUnavailable, match=r"noise-0+\.onnx"):
        Runtime(kind).load(ModelFile("noise", "0" * 64, ".onnx", b"noise"))


def test_a_layer_within_a_model_is_given_after_its_outputs_by_both_runtimes(portrait: bytes) -> None:
    pytest.importorskip("onnxruntime")
    file, given = _file("face-mesh"), _input("face-mesh", portrait)
    plain = Runtime("openvino", "f32").load(file, given.shape)(given)
    found, expected = (
        Runtime(kind, "f32").load(file, given.shape, taps=("PRelu 7", "PRelu 1"))(given) for kind in runtime.KINDS
    )
    assert [each.shape for each in found[2:]] == [(1, 64, 24, 24), (1, 16, 96, 96)]
    assert _apart(found, expected) < F32
    assert all(np.array_equal(one, other) for one, other in zip(plain, found, strict=False))


@pytest.mark.parametrize("kind", runtime.KINDS)
def test_of_a_model_that_is_not_run_whole_only_its_layers_are_given_and_they_are_the_same(
    kind: str, portrait: bytes
) -> None:
    if kind == "onnxruntime":
        pytest.importorskip("onnxruntime")
    file, given = _file("face-embedder"), _input("face-embedder", portrait)
    whole, layers = (
        Runtime(kind, "f32").load(file, given.shape, taps=("PRelu 23", "PRelu 7"), whole=each)(given)
        for each in (True, False)
    )
    assert [len(whole), len(layers)] == [3, 2]
    assert all(map(np.array_equal, whole[1:], layers))


@pytest.mark.parametrize("kind", runtime.KINDS)
@pytest.mark.parametrize("tap", ["PRelu 0", "PRelu 99", "Pixie 1", "PRelu", ""])
def test_a_layer_that_a_model_lacks_is_refused(kind: str, tap: str) -> None:
    if kind == "onnxruntime":
        pytest.importorskip("onnxruntime")
    with pytest.raises(RuntimeUnavailable, match="has no layer"):
        Runtime(kind, "f32").load(_file("face-mesh"), (1, 192, 192, 3), taps=(tap,))


def test_openvino_tells_nobody_that_it_is_used(tmp_path: Path) -> None:
    """Asked outside of a CI, where it holds its tongue anyway, and with a home in which it could keep an identity."""
    asked = "from regard.vision.models.runtime import opened_openvino as opened; import sys, threading; opened()"
    told = "print(sys.modules['openvino_telemetry'], threading.active_count())"
    outside = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", f"{asked}; {told}"], env=outside, capture_output=True, text=True)
    assert ran.stdout == "None 1\n", ran.stderr
    assert not list(tmp_path.iterdir())
