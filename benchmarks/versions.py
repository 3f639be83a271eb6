"""Versions of labels of one's own: how long a training takes from the pictures to the model, a start, and an answer
beside the bare model, at a service as a user has it.

Not among the benchmarks that run by default: `python -m benchmarks versions`.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.boxed import things
from benchmarks.labelled import files_in
from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.serving import opened
from regard.operations.custom.versions.settling import workshop_of
from regard.operations.service import Service
from regard.stewardship.policy.call import Call
from regard.vision.pictures.images import decode
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

PICTURES, LABELS, BOXED = 1000, 10, 150
SIZE = (480, 360)
# Pictures that a version is asked of.
ASKED = (SIZE, (1920, 1080))
STARTS, ROUNDS = 5, 40
PATIENCE = 900.0
_SAID = {"human-annotated": "yes", "creation-date": "2026-01-01T00:00:00"}
Line = dict[str, Any]


def run() -> str:
    """The section of docs/benchmarks.md."""
    if not SHARED.is_dir():
        return markdown("Versions of one's own labels", ("not measured",), [("the pictures are not on this machine",)])
    with tempfile.TemporaryDirectory() as folder, store() as address:
        bucket = store_client(address)
        for name in ("pictures", "results"):
            bucket.create_bucket(Bucket=name)
        settings = store_settings(address, "*=pictures/") | {"REGARD_S3_WRITABLE": "*=results/"}
        data = Path(folder) / "data"
        with running(data, **settings, REGARD_JOBS_WORKERS="1") as service:
            labelled = _trained(service, bucket, "labelled", cuts())
            again = _trained(service, bucket, "labelled", None, "again")
            boxed = _trained(service, bucket, "boxed", _boxed())
            starts = [_started(service, boxed[0])]
            for _ in range(STARTS):
                starts.append(_started(service, labelled[0]))
                if len(starts) <= STARTS:
                    service.client().stop_project_version(ProjectVersionArn=labelled[0])
        # Opened once: of one log only one process, and one service in it, is the writer.
        here = opened(data)
        answers = {
            f"{kind}, {wide}×{high}": _answered(*here, each[0], (wide, high))
            for kind, each in (("labels", labelled), ("boxes", boxed))
            for wide, high in ASKED
        }
    rows = [
        (f"a version of {PICTURES:,} pictures, {LABELS} labels", f"{labelled[1]:.0f} s", "under 180 s"),
        ("another version of the same pictures", f"{again[1]:.0f} s", ""),
        (f"a version of {BOXED} pictures with boxes", f"{boxed[1]:.0f} s", "under 600 s"),
        ("a start", f"{median(starts):.2f} s", "under 1 s"),
        *(
            (f"DetectCustomLabels, {kind}", f"{1e3 * ours:.1f} ms, bare {1e3 * bare:.1f} ms: {ratio:.2f}×", "1.15×")
            for kind, (ours, bare, ratio) in answers.items()
        ),
    ]
    return markdown(
        "Versions of one's own labels",
        ("what", "takes", "at most"),
        rows,
        f"A service with one worker and a store beside it, on the same machine, wall-clock. Of the pictures a fifth is "
        f"the test. They are cuts of {SIZE[0]}×{SIZE[1]} pixels of photographs, ten of each, a label for every ten "
        "photographs; those with boxes are scenes that photographs of animals and of things are set into. Looking, "
        "faces, folds, calibration and learning curve are in it. An answer is in process, without HTTP, in processor "
        "seconds; the bare model decodes the same JPEG file, looks, and asks the head. `python -m benchmarks versions`",
    )


def _trained(
    service: Running, bucket: Any, name: str, lines: Iterator[tuple[str, bytes, Line]] | None, version: str = "one"
) -> tuple[str, float]:
    """The ARN of a version that was trained of pictures, and how many seconds that took; without any, of those that the
    project had before.
    """
    client = service.client()
    if lines is not None:
        texts = []
        for key, data, line in lines:
            bucket.put_object(Bucket="pictures", Key=f"{name}/{key}", Body=data)
            texts.append(json.dumps({"source-ref": f"s3://pictures/{name}/{key}"} | line))
        bucket.put_object(Bucket="pictures", Key=f"{name}.manifest", Body="\n".join(texts).encode())
        project = client.create_project(ProjectName=name)["ProjectArn"]
    else:
        project = client.describe_projects(ProjectNames=[name])["ProjectDescriptions"][0]["ProjectArn"]
    asset = {"GroundTruthManifest": {"S3Object": {"Bucket": "pictures", "Name": f"{name}.manifest"}}}
    begun = time.monotonic()
    arn = client.create_project_version(
        ProjectArn=project,
        VersionName=version,
        OutputConfig={"S3Bucket": "results", "S3KeyPrefix": name},
        TrainingData={"Assets": [asset]},
        TestingData={"AutoCreate": True},
    )["ProjectVersionArn"]
    while time.monotonic() - begun < PATIENCE:
        found = client.describe_project_versions(ProjectArn=project, VersionNames=[version])
        told = found["ProjectVersionDescriptions"][0]
        if told["Status"] == "TRAINING_COMPLETED":
            return str(arn), time.monotonic() - begun
        if told["Status"] != "TRAINING_IN_PROGRESS":
            raise RuntimeError(f"{name}: {told['Status']}, {told['StatusMessage']}")
        time.sleep(0.25)
    raise TimeoutError(f"{name} was not trained in {PATIENCE:.0f} s")


def _started(service: Running, arn: str) -> float:
    """Seconds until a version runs."""
    client = service.client()
    name, version = arn.split("/")[1], arn.split("/")[3]
    project = client.describe_projects(ProjectNames=[name])["ProjectDescriptions"][0]["ProjectArn"]
    begun = time.monotonic()
    client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    while True:
        found = client.describe_project_versions(ProjectArn=project, VersionNames=[version])
        if found["ProjectVersionDescriptions"][0]["Status"] == "RUNNING":
            return time.monotonic() - begun


def _answered(
    service: Service, call: Callable[[str, bytes], Call], arn: str, size: tuple[int, int]
) -> tuple[float, float, float]:
    """Processor seconds of an answer and of the bare model, and the median of their ratios within a round."""
    file = jpeg(Image.open(files_in("imagenet")[0]).convert("RGB").resize(size))
    bare = _bare(service, call("DetectCustomLabels", file), arn)

    def answer() -> None:
        asked = call("DetectCustomLabels", file)
        asked.parameters["ProjectVersionArn"] = arn
        service.answer(asked)

    def model() -> None:
        bare(file)

    answer(), model()
    rounds = [(_processor(answer), _processor(model)) for _ in range(ROUNDS)]
    ours, least = (median(each) for each in zip(*rounds, strict=True))
    return ours, least, median(one / other for one, other in rounds)


def _processor(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _bare(service: Service, asked: Call, arn: str) -> Callable[[bytes], object]:
    """The file decoded, looked at, and the head asked, and nothing else."""
    rooms = service.rooms
    workshop = workshop_of(rooms)
    with rooms.gallery.reading() as connection:
        head = workshop.open(connection, workshop.versions.find(connection, asked.caller.organization, arn))
    limits = np.array([each.threshold for each in head.manifest.labels], np.float32)
    way, boxes, features, seeker = head.manifest.way, head.boxes, rooms.features, rooms.seeker
    assert features is not None
    assert seeker is not None

    def ask(file: bytes) -> object:
        if boxes is None:
            return head.scores(features.features_of(decode(file)))
        return boxes(seeker(decode(file), (way,))[way], limits)

    return ask


def cuts() -> Iterator[tuple[str, bytes, Line]]:
    """Cuts of photographs, with a label for every ten of these."""
    draw = Random(0)
    files = files_in("imagenet")[: PICTURES // LABELS]
    for number in range(PICTURES):
        place = number % len(files)
        whole = Image.open(files[place]).convert("RGB").resize((600, 450))
        left, top = draw.randint(0, 600 - SIZE[0]), draw.randint(0, 450 - SIZE[1])
        name = f"kind {place * LABELS // len(files)}"
        told = {"confidence": 1, "class-name": name, "type": "groundtruth/image-classification"} | _SAID
        cut = whole.crop((left, top, left + SIZE[0], top + SIZE[1]))
        yield f"{number}.jpg", jpeg(cut), {"label": 1, "label-metadata": told}


def _boxed() -> Iterator[tuple[str, bytes, Line]]:
    """Scenes that photographs are set into."""
    for number, (scene, boxes) in enumerate(things(BOXED)):
        names = sorted({each[0] for each in boxes})
        annotations = [
            {"class_id": names.index(name), "left": left, "top": top, "width": wide, "height": high}
            for name, left, top, wide, high in boxes
        ]
        size = [{"width": scene.width, "height": scene.height, "depth": 3}]
        told = {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(place): name for place, name in enumerate(names)},
            "type": "groundtruth/object-detection",
        }
        line = {"bb": {"image_size": size, "annotations": annotations}, "bb-metadata": told | _SAID}
        yield f"{number}.jpg", jpeg(scene), line


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
