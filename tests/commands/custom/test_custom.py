"""`regard custom`: a folder of pictures becomes a model, which is looked at, asked and taken along."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from regard.custom.workbench import making
from regard.custom.workbench.kept import HEAD, MANIFEST, RESULTS, SEEN, Results, read_model, read_results
from regard.evaluation.custom.background import background
from regard.stewardship.policy.denied import Denied
from regard.vision.heads.head import DamagedHead
from regard.vision.things.features import Features
from tests.helpers.commands import run
from tests.helpers.shapes import NAMES, SIDE, drawn, png

OF_EACH = 10


def _drawn(folder: Path, label: str, each: int, seed: int) -> None:
    """Blue bars, or red squares, on grains."""
    (folder / label).mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    for number in range(each):
        pixels = chance.integers(0, 120, (64, 80, 3)).astype(np.uint8)
        down, right = chance.integers(5, 30, 2)
        if label == "bar":
            pixels[down : down + 12] = (40, 60, 250)
        else:
            pixels[down : down + 30, right : right + 30] = (250, 40, 40)
        Image.fromarray(pixels).save(folder / label / f"{label}-{number}.png")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    _drawn(folder, "bar", OF_EACH, 0)
    _drawn(folder, "square", OF_EACH, 1)
    return folder


@pytest.fixture(scope="module")
def model(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is trained of the parts, and of one file that is no picture."""
    folder, to = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("models") / "parts-1"
    shutil.copytree(parts, folder / "parts")
    (folder / "parts" / "bar" / "broken.png").write_text("no picture")
    # An eighth of the unrelated pictures takes an eighth of the time.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "background", lambda base: background(base)[::8])
        result = run("custom", "train", folder / "parts", "--out", to)
    assert result.exit_code == 0, result.output
    assert "broken.png" in result.output
    for told in ("F1 across five folds", "95 times in 100", "Unrelated pictures with a label", "Told from"):
        assert told in result.output
    return to


@pytest.mark.long
def test_a_folder_a_label_becomes_a_model_tested_on_a_fifth(model: Path) -> None:
    results = read_results(model)
    assert sorted(each.name for each in model.iterdir()) == [HEAD, MANIFEST, "report.html", RESULTS, SEEN]
    assert (results.trained, len(results.pictures)) == (16, 4)
    assert results.f1 == 1.0
    assert read_model(model).manifest["base"]["sha256"]


@pytest.mark.long
def test_the_model_tells_new_pictures_and_a_picture_of_nothing_has_no_label(model: Path, tmp_path: Path) -> None:
    _drawn(tmp_path, "bar", 2, 5)
    result = run("custom", "detect", tmp_path / "bar", "--model", model, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [[each["Name"] for each in one["CustomLabels"]] for one in told.values()] == [["bar"], ["bar"]]
    Image.fromarray(np.full((64, 80, 3), 250, np.uint8)).save(tmp_path / "plain.png")
    assert run("custom", "detect", tmp_path / "plain.png", "--model", model).exit_code == 1
    (tmp_path / "broken.png").write_text("no picture")
    assert run("custom", "detect", tmp_path / "broken.png", "--model", model).exit_code == 2


@pytest.mark.long
def test_what_is_exported_runs_by_the_lines_that_are_printed(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime, which such a file is for, is not installed")
    result = run("custom", "export", model, "--to", tmp_path / "own.onnx")
    assert result.exit_code == 0, result.output
    _drawn(tmp_path, "square", 1, 6)
    (tmp_path / "ask.py").write_text(result.stdout)
    picture = tmp_path / "square" / "square-0.png"
    asked = subprocess.run(
        [sys.executable, "-I", tmp_path / "ask.py", picture], capture_output=True, text=True, check=True, timeout=60
    )
    sure = {line.split("\t")[0]: line.endswith("told") for line in asked.stdout.splitlines()}
    assert sure == {"bar": False, "square": True}


def test_the_report_is_written_again_and_compares_versions(model: Path, tmp_path: Path) -> None:
    results = read_results(model)
    turned = [msgspec.structs.replace(each, scores=each.scores[::-1]) for each in results.pictures]
    worse = msgspec.structs.replace(results, name="<other>", pictures=turned, f1=0.0)
    (tmp_path / RESULTS).write_bytes(msgspec.json.encode(worse))
    result = run("custom", "report", model, "--against", tmp_path, "--out", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "page.html").read_text()
    assert "4 pictures were in both tests: 4 are right now, 0 were before." in text
    assert "right now, wrong before" in text
    assert "&lt;other&gt;" in text
    assert "<other>" not in text
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_over_a_folder_that_is_there(parts: Path, model: Path) -> None:
    before = (model / HEAD).read_bytes()
    assert isinstance(run("custom", "train", parts, "--out", model).exception, FileExistsError)
    assert (model / HEAD).read_bytes() == before


def test_a_model_that_was_changed_is_not_asked(model: Path, parts: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "changed")
    head = (tmp_path / "changed" / HEAD).read_bytes()
    (tmp_path / "changed" / HEAD).write_bytes(head[:-1] + bytes([head[-1] ^ 1]))
    assert isinstance(run("custom", "detect", parts / "bar", "--model", tmp_path / "changed").exception, DamagedHead)


def test_labels_that_infer_traits_are_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    for label in ("muslim", "other"):
        (tmp_path / "faces" / label).mkdir(parents=True)
        (tmp_path / "faces" / label / "1.png").write_text("it is not even opened")
    error = run("custom", "train", tmp_path / "faces", "--out", tmp_path / "model").exception
    assert isinstance(error, Denied)
    assert error.rule == "no-inferred-traits"
    assert not (tmp_path / "model").exists()


def test_a_model_whose_labels_infer_traits_is_not_asked(model: Path, parts: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "renamed")
    manifest = msgspec.json.decode((tmp_path / "renamed" / MANIFEST).read_bytes())
    manifest["labels"][0]["name"] = "muslim"
    (tmp_path / "renamed" / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    error = run("custom", "detect", parts / "bar", "--model", tmp_path / "renamed").exception
    assert isinstance(error, Denied)
    assert error.rule == "no-inferred-traits"


def test_too_few_pictures_are_told_with_awss_code(tmp_path: Path) -> None:
    _drawn(tmp_path / "parts", "bar", 1, 0)
    _drawn(tmp_path / "parts", "square", 2, 0)
    result = run("custom", "train", tmp_path / "parts", "--out", tmp_path / "model")
    assert result.exit_code == 2
    assert "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT" in result.output
    assert "bar" in result.output
    assert not (tmp_path / "model").exists()


def test_results_of_other_labels_are_none(model: Path, tmp_path: Path) -> None:
    results: Results = read_results(model)
    fewer = msgspec.structs.replace(results, labels=results.labels[:1])
    (tmp_path / RESULTS).write_bytes(msgspec.json.encode(fewer))
    with pytest.raises(ValueError, match="other labels"):
        read_results(tmp_path)


def test_what_a_model_saw_is_not_looked_at_again(parts: Path, model: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "background", lambda base: background(base)[::8])
        patch.setattr(Features, "features_of", lambda _self, _picture: pytest.fail("it is looked at again"))
        result = run("custom", "train", parts, "--out", tmp_path / "again", "--seen", model)
    assert result.exit_code == 0, result.output
    assert read_model(tmp_path / "again").head == read_model(model).head


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of pictures of shapes, with boxes."""
    folder = tmp_path_factory.mktemp("framed")
    lines = []
    for number in range(10):
        picture, boxes = drawn(number)
        (folder / f"{number}.png").write_bytes(png(picture))
        annotations = [
            {"class_id": NAMES.index(name), "left": left, "top": top, "width": wide, "height": high}
            for name, left, top, wide, high in boxes
        ]
        told: dict[str, Any] = {
            "human-annotated": "yes",
            "creation-date": "2026-11-29T00:00:00",
            "type": "groundtruth/object-detection",
        }
        told |= {
            "objects": [{"confidence": 1}] * len(boxes),
            "class-map": {str(kind): name for kind, name in enumerate(NAMES)},
        }
        size = [{"width": SIDE, "height": SIDE, "depth": 3}]
        lines.append(
            {"source-ref": f"{number}.png", "bb": {"image_size": size, "annotations": annotations}, "bb-metadata": told}
        )
    (folder / "parts.manifest").write_text("\n".join(json.dumps(each) for each in lines))
    return folder


@pytest.fixture(scope="module")
def detector(framed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("detectors") / "parts-1"
    result = run("custom", "train", framed / "parts.manifest", "--out", to)
    assert result.exit_code == 0, result.output
    assert "Average precision" in result.output
    return to


@pytest.mark.long
@pytest.mark.slow("learns from boxes, and writes networks of 8 bits as ONNX")
def test_a_detector_that_is_exported_runs_by_the_lines_that_are_printed(
    detector: Path, framed: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime, which such a file is for, is not installed")
    result = run("custom", "export", detector, "--to", tmp_path / "own.onnx")
    assert result.exit_code == 0, result.output
    (tmp_path / "ask.py").write_text(result.stdout)

    def asked(number: int) -> list[list[str]]:
        code = [sys.executable, "-I", "ask.py", str(framed / f"{number}.png")]
        done = subprocess.run(code, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
        return [line.split("\t") for line in done.stdout.splitlines()]

    # Of one picture nothing may be told; of several that were learned from, something is.
    told = next(lines for number in range(5) if (lines := asked(number)))
    for name, score, *box in told:
        assert name in NAMES
        assert 0 < float(score) <= 100
        assert all(0 <= float(side) <= 1 for side in box)
        assert len(box) == 4


@pytest.mark.long
@pytest.mark.slow("learns from boxes")
def test_a_manifest_with_boxes_becomes_a_detector_that_tells_boxes(detector: Path, framed: Path) -> None:
    results = read_results(detector)
    assert (results.kind, results.trained, len(results.pictures)) == ("detector", 8, 2)
    assert "Figures of labels count boxes" in (detector / "report.html").read_text()
    picture, boxes = drawn(900)
    (framed / "fresh.png").write_bytes(png(picture))
    result = run("custom", "detect", framed / "fresh.png", "--model", detector, "--json")
    told = json.loads(result.stdout)[str(framed / "fresh.png")]["CustomLabels"]
    assert {each["Name"] for each in told} <= {name for name, *_ in boxes}
    assert told
    for each in told:
        assert sorted(each["Geometry"]["BoundingBox"]) == ["Height", "Left", "Top", "Width"]
    assert run("custom", "detect", framed / "fresh.png", "--model", detector).exit_code == 0


@pytest.mark.long
def test_labels_of_moderation_become_an_adapter_counted_beside_the_base(parts: Path, tmp_path: Path) -> None:
    lines = [
        {"source-ref": str(file), "content-moderation-groundtruth": {"ModerationLabels": shows}}
        for label, shows in (("bar", [{"Name": "Weapons"}]), ("square", []))
        for file in sorted((parts / label).iterdir())
    ]
    (tmp_path / "safe.manifest").write_text("\n".join(json.dumps(each) for each in lines))
    result = run("custom", "train", tmp_path / "safe.manifest", "--out", tmp_path / "safe-1")
    assert result.exit_code == 0, result.output
    results = read_results(tmp_path / "safe-1")
    assert (results.kind, len(results.beside["compared"])) == ("adapter", 20)
    assert "Adapter: missed" in (tmp_path / "safe-1" / "report.html").read_text()
    result = run("custom", "detect", parts / "bar", "--model", tmp_path / "safe-1", "--json")
    told = [one["ModerationLabels"] for one in json.loads(result.stdout).values()]
    assert "Weapons" in {each["Name"] for one in told for each in one}
    error = run("custom", "export", tmp_path / "safe-1", "--to", tmp_path / "safe.onnx").exception
    assert isinstance(error, ValueError)
    assert "adapter" in str(error)
