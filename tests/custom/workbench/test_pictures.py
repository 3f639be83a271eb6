"""Labelled pictures on disk are read in three forms, and what is wrong is told with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regard.custom.judged import Box
from regard.custom.workbench.pictures import ADAPTER, CLASSIFIER, DETECTOR, Labelled, kind_of, labelled_in, of_kind
from regard.evaluation.samples.pictures_on_disk import NotLabelled

LABEL = {"class-name": "screw", "confidence": 1, "human-annotated": "yes", "creation-date": "2026-03-01T10:00:00"}
METADATA = LABEL | {"type": "groundtruth/image-classification"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("screw/1.png", "screw/deep/2.JPG", "nut/3.jpeg", "nut/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_says_the_label_of_what_is_in_it(folder: Path) -> None:
    assert labelled_in(folder) == [
        Labelled(folder / "nut/3.jpeg", ("nut",)),
        Labelled(folder / "screw/1.png", ("screw",)),
        Labelled(folder / "screw/deep/2.JPG", ("screw",)),
    ]
    (folder / "4.png").touch()
    with pytest.raises(NotLabelled, match=r"4\.png is in no folder"):
        labelled_in(folder)


@pytest.mark.parametrize("head", ["", "image,label\n"])
def test_a_csv_file_has_a_picture_and_its_labels_a_line_and_lines_of_one_picture_are_joined(
    folder: Path, head: str
) -> None:
    (folder / "list.csv").write_text(f"{head}screw/1.png, screw,steel\nnut/3.jpeg,nut\n\nscrew/1.png,steel,old\n")
    assert labelled_in(folder / "list.csv") == [
        Labelled(folder / "screw/1.png", ("screw", "steel", "old")),
        Labelled(folder / "nut/3.jpeg", ("nut",)),
    ]


@pytest.mark.parametrize(
    ("line", "why"), [("screw/1.png", "takes a picture and a label"), ("away.png,screw", "away.png is no file here")]
)
def test_what_is_wrong_in_a_csv_file_is_told_with_its_line(folder: Path, line: str, why: str) -> None:
    (folder / "list.csv").write_text(f"nut/3.jpeg,nut\n{line}\n")
    with pytest.raises(NotLabelled, match=rf"list\.csv, line 2: .*{why}"):
        labelled_in(folder / "list.csv")


def _manifest(folder: Path, *lines: object) -> Path:
    file = folder / "parts.manifest"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def test_a_manifest_names_local_files(folder: Path) -> None:
    line = {"source-ref": "screw/1.png", "a": 1, "a-metadata": METADATA}
    other = line | {
        "source-ref": f"file://{folder / 'nut/3.jpeg'}",
        "b": 1,
        "b-metadata": METADATA | {"class-name": "old"},
    }
    assert labelled_in(_manifest(folder, line, other)) == [
        Labelled(folder / "screw/1.png", ("screw",)),
        Labelled(folder / "nut/3.jpeg", ("screw", "old")),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ([], "no JSON object"),
        ({"source-ref": 1}, "no text"),
        ({"source-ref": "s3://parts/screw/1.png", "a": 1, "a-metadata": METADATA}, "no file here"),
        ({"source-ref": "screw/1.png"}, "no label"),
        ({"source-ref": "screw/1.png", "a": 1}, "ERROR_NO_LABEL_ATTRIBUTES"),
    ],
)
def test_a_line_that_is_wrong_is_told(folder: Path, line: object, why: str) -> None:
    with pytest.raises(NotLabelled, match=f"line 1: .*{why}"):
        labelled_in(_manifest(folder, line))


def test_boxes_make_a_detector_where_half_of_the_pictures_or_more_have_some(folder: Path) -> None:
    size = [{"width": 80, "height": 64, "depth": 3}]
    boxes = [{"class_id": 0, "left": 1, "top": 1, "width": 9, "height": 9}]
    metadata = {"objects": [{"confidence": 1}], "class-map": {"0": "nut"}, "type": "groundtruth/object-detection"}
    told = METADATA | metadata
    line = {"source-ref": "screw/1.png", "a": {"image_size": size, "annotations": boxes}, "a-metadata": told}
    other = {"source-ref": "nut/3.jpeg", "a": 1, "a-metadata": METADATA}
    framed, whole = labelled_in(_manifest(folder, line, other))
    assert (framed.boxes, framed.size, framed.names) == ((Box("nut", 1, 1, 9, 9),), (80, 64), ("nut",))
    assert kind_of([framed, whole]) == DETECTOR
    assert kind_of([framed, whole, whole]) == CLASSIFIER
    assert of_kind([framed, whole], DETECTOR) == [framed]
    assert of_kind([framed, whole, whole], CLASSIFIER) == [whole, whole]
    with pytest.raises(NotLabelled, match="None of the 1 pictures has what a detector learns from"):
        of_kind([whole], DETECTOR)


def test_labels_of_moderation_make_an_adapter_and_are_not_mixed_with_ones_own(folder: Path) -> None:
    safe = {"source-ref": "screw/1.png", "content-moderation-groundtruth": {"ModerationLabels": []}}
    rude = {
        "source-ref": "nut/3.jpeg",
        "content-moderation-groundtruth": {"ModerationLabels": [{"Name": "Rude Gesture"}]},
    }
    found = labelled_in(_manifest(folder, safe, rude))
    assert [each.labels for each in found] == [(), ("Rude Gesture",)]
    assert kind_of(found) == ADAPTER
    assert of_kind(found, ADAPTER) == found
    with pytest.raises(NotLabelled, match="2 lines have labels of moderation, and 1 labels of your own"):
        kind_of([*found, Labelled(folder / "screw/1.png", ("screw",))])
