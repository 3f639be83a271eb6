"""Projects and datasets in the process of a test, and the lines of manifests that they are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.operations.common.rooms import Rooms
from tests.helpers.fakes import Client
from tests.helpers.working import work_off

Line = dict[str, Any]


def metadata(name: str = "Sunrise", **others: Any) -> Line:
    told = {"confidence": 1, "job-name": "j", "class-name": name, "human-annotated": "yes"}
    return told | {"creation-date": "2020-03-06T17:46:39", "type": "groundtruth/image-classification"} | others


def picture(*names: str, key: str = "1.png") -> Line:
    """A line with labels of the whole picture."""
    line: Line = {"source-ref": f"s3://bucket/{key}"}
    for number, name in enumerate(names):
        line |= {f"label{number}": 1, f"label{number}-metadata": metadata(name)}
    return line


def box(left: float = 399, top: float = 251, width: float = 155, height: float = 101, of: int = 1) -> Line:
    return {"class_id": of, "left": left, "top": top, "width": width, "height": height}


def boxed(*boxes: Line, size: tuple[int, int] = (640, 480), key: str = "1.png") -> Line:
    """A line with boxes of Echo (0) and Dot (1)."""
    return {
        "source-ref": f"s3://bucket/{key}",
        "bb": {"image_size": [{"width": size[0], "height": size[1], "depth": 3}], "annotations": list(boxes)},
        "bb-metadata": {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {"0": "Echo", "1": "Dot"},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2013-11-18T02:53:27",
        },
    }


@dataclass(frozen=True)
class Fault:
    """A line with something changed at `path`, and what the contract says of it: its codes, and whether it is bad."""

    base: Line
    path: tuple[str | int, ...] = ()
    value: Any = None
    codes: frozenset[str] = frozenset()
    bad: bool = False
    dropped: bool = False

    def line(self, source: str) -> Line:
        """The line, about this picture."""
        line = json.loads(json.dumps(self.base | {"source-ref": source}))
        part: Any = line
        for step in self.path[:-1]:
            part = part[step]
        if self.path:
            part[self.path[-1]] = self.value
        return dict(line)


def _fault(base: Line, path: str, value: Any, *codes: str, bad: bool = True, dropped: bool = False) -> Fault:
    steps = tuple(int(step) if step.isdigit() else step for step in path.split("/"))
    return Fault(base, steps, value, frozenset(f"ERROR_{code}" for code in codes), bad, dropped)


_FORM, _META, _NONE = (
    "INVALID_LABEL_ATTRIBUTE_FORMAT",
    "INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT",
    "NO_VALID_LABEL_ATTRIBUTES",
)
_LABELLED, _TWO = picture("Sea"), boxed(box(), box(of=0))
FAULTS = [
    *(Fault(_LABELLED), Fault(_TWO), Fault(picture("Sun", "Rain")), Fault(picture()), Fault(boxed())) * 8,
    _fault(_LABELLED, "source-ref", None, bad=True, dropped=True),
    _fault(_LABELLED, "source-ref", "https://bucket/1.png", bad=True, dropped=True),
    _fault(_LABELLED, "label0", "1", _FORM),
    _fault(_LABELLED, "label0-metadata", 1, _META),
    _fault(_LABELLED, "label0-metadata/confidence", 2, _META),
    _fault(_LABELLED, "label0-metadata/class-name", "a" * 256, "INVALID_LABEL_NAME_LENGTH", _NONE),
    _fault(_LABELLED, "label0-metadata/type", "groundtruth/other", "UNSUPPORTED_USE_CASE_TYPE", _NONE),
    _fault(_TWO, "bb", [], _FORM),
    _fault(_TWO, "bb/image_size/0/width", "640", _FORM),
    _fault(_TWO, "bb/image_size/0/width", 5000, "INVALID_IMAGE_DIMENSION"),
    _fault(_TWO, "bb/annotations/0/left", -1, "INVALID_BOUNDING_BOX", bad=False),
    _fault(_TWO, "bb/annotations/1/height", 1, "BOUNDING_BOX_TOO_SMALL", bad=False),
    _fault(_TWO, "bb/annotations/1/class_id", 7, "MISSING_CLASS_MAP_ID"),
    _fault(_TWO, "bb/annotations", _TWO["bb"]["annotations"] * 26, "MISSING_BOUNDING_BOX_CONFIDENCE"),
    _fault(_TWO, "bb-metadata/objects", [{"confidence": 1}], "MISSING_BOUNDING_BOX_CONFIDENCE"),
    _fault(_TWO, "bb-metadata/class-map", None, _META),
    _fault(boxed(box()), "bb/annotations/0/top", 400, "INVALID_BOUNDING_BOX", "NO_VALID_ANNOTATIONS", _NONE),
    _fault(boxed(*[box()] * 50), "bb-metadata/more", 1, bad=False),
    _fault(boxed(*[box()] * 51), "bb-metadata/more", 1, "TOO_MANY_BOUNDING_BOXES", _NONE),
    _fault({"source-ref": ""}, "label0", 1, "NO_LABEL_ATTRIBUTES"),
]


def manifest(lines: Iterable[Line | str]) -> bytes:
    """A manifest of lines, or of texts as they are."""
    return b"".join(f"{line if isinstance(line, str) else json.dumps(line)}\n".encode() for line in lines)


def place(name: str = "list.manifest") -> dict[str, Any]:
    """The DatasetSource of a manifest on the shelf of a test."""
    return {"GroundTruthManifest": {"S3Object": {"Bucket": "bucket", "Name": name}}}


@dataclass
class Workshop:
    """An organization's projects and datasets, with a shelf of manifests in `folder`."""

    rooms: Rooms
    folder: Path

    @property
    def ask(self) -> Client:
        return Client(self.rooms)

    def project(self, name: str = "parts", **given: Any) -> str:
        return str(self.ask("CreateProject", ProjectName=name, **given)["ProjectArn"])

    def dataset(self, project: str, kind: str = "TRAIN", **given: Any) -> str:
        return str(self.ask("CreateDataset", ProjectArn=project, DatasetType=kind, **given)["DatasetArn"])

    def imported(self, lines: Iterable[Line | str], name: str = "parts", kind: str = "TRAIN", **given: Any) -> str:
        """A dataset of a new project, with these lines, that was worked on to its end."""
        (self.folder / "list.manifest").write_bytes(manifest(lines))
        arn = self.dataset(self.project(name, **given), kind, DatasetSource=place())
        assert work_off(self.rooms) == 1
        return arn

    def update(self, dataset: str, *lines: Line | str) -> None:
        assert self.ask("UpdateDatasetEntries", DatasetArn=dataset, Changes={"GroundTruth": manifest(lines)}) == {}

    def described(self, dataset: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("DescribeDataset", DatasetArn=dataset)["DatasetDescription"]
        return found

    def told(self, dataset: str) -> tuple[str, str, str]:
        """Where a dataset stands, whose fault it is, and what it says."""
        found = self.described(dataset)
        return found["Status"], found["StatusMessageCode"], found["StatusMessage"]

    def entries(self, dataset: str, **wanted: Any) -> list[Line]:
        """All entries of a dataset that are wanted, page by page."""
        found: list[Line] = []
        token: dict[str, str] = {}
        while True:
            answer = self.ask("ListDatasetEntries", DatasetArn=dataset, **wanted, **token)
            found += map(json.loads, answer["DatasetEntries"])
            if "NextToken" not in answer:
                return found
            token = {"NextToken": answer["NextToken"]}

    def keys(self, dataset: str, **wanted: Any) -> list[str]:
        """The names of their pictures."""
        return [line["source-ref"].removeprefix("s3://bucket/") for line in self.entries(dataset, **wanted)]

    def labels(self, dataset: str) -> dict[str, tuple[int, int | None]]:
        """Each label with its two counts."""
        found = self.ask("ListDatasetLabels", DatasetArn=dataset)["DatasetLabelDescriptions"]
        stats = {each["LabelName"]: each["LabelStats"] for each in found}
        return {name: (each["EntryCount"], each.get("BoundingBoxCount")) for name, each in stats.items()}
