"""VideoLabels, VideoFaces, VideoText, VideoModeration: told as AWS tells stored video, and never a film cut short."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from regard.operations.common.errors import ApiError, translated
from regard.operations.common.registry import function_of, ours
from regard.stewardship.policy.call import Capability, DataClass
from regard.stewardship.policy.withholding import FACES
from regard.vision.pictures.findings import Box, Description, Face, FoundLabel, Instance, Landmark, Pose, Quality
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import ModerationLabel, Moderator
from regard.vision.things.text import Line, TextReader, Word, between
from tests.helpers.fakes import Client, as_botocore_reads_it, open_rooms
from tests.helpers.films import film_of, numbered, spoiled

# Our operation, and AWS's that tells the same.
LIKE = {
    "VideoLabels": "GetLabelDetection",
    "VideoFaces": "GetFaceDetection",
    "VideoText": "GetTextDetection",
    "VideoModeration": "GetContentModeration",
}


@dataclass
class Eyes:
    """Finds one thing in each frame, and remembers what it was asked."""

    wanted: frozenset[str] = frozenset()
    told: list[bool] = field(default_factory=list)

    def labels(self, picture: Picture, faces: bool) -> list[FoundLabel]:
        self.told.append(faces)
        dog = Instance(Box(0.1, 0.1, 0.5, 0.5), 90.0)
        return [FoundLabel("Dog", 90.0, (dog,)), FoundLabel("Pet", 90.0), FoundLabel("Boat", 20.0)]

    def moderator(self, picture: Picture) -> list[ModerationLabel]:
        return [ModerationLabel("Explicit", "", 1, 60.0), ModerationLabel("Explicit Nudity", "Explicit", 2, 40.0)]

    def text(self, picture: Picture) -> list[Line]:
        outline = between(np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.2], [0.1, 0.2]]), 0, 1)
        return [Line("no parking", 95.0, outline, (Word("no", 99.0, outline), Word("parking", 91.0, outline)))]

    def detect(self, picture: Picture) -> list[Face]:
        return [Face(Box(0.1, 0.1, 0.2, 0.2), 97.0, cast(Any, None))]

    def detect_each(self, frames: Sequence[Picture]) -> list[list[Face]]:
        return [self.detect(frame) for frame in frames]

    def describe(self, picture: Picture, face: Face, wanted: frozenset[str]) -> Description:
        self.wanted = wanted
        return Description((Landmark("eyeLeft", 0.1, 0.1),), Pose(0, 0, 0), Quality(50, 50))


@pytest.fixture
def eyes() -> Eyes:
    return Eyes()


@pytest.fixture
def client(tmp_path: Path, eyes: Eyes) -> Client:
    rooms = open_rooms(tmp_path)
    return Client(
        replace(
            rooms,
            faces=cast(Any, eyes),
            labels=cast(LabelFinder, eyes.labels),
            moderator=cast(Moderator, eyes.moderator),
            text=cast(TextReader, eyes.text),
        )
    )


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds at 25 frames a second."""
    return film_of(tmp_path / "film.mp4", numbered(50, (48, 64)))


def _ask(client: Client, name: str, film: Path, **given: object) -> tuple[dict[str, Any], dict[str, str]]:
    call = client.call(name, Video=film, **given)
    try:
        return function_of(name)(call, client.rooms), call.remarks
    except Exception as error:
        raise translated(error, call) from error


@pytest.mark.parametrize("name", LIKE)
def test_clients_of_aws_read_the_answer(client: Client, film: Path, name: str) -> None:
    answer, _ = _ask(client, name, film)
    read = as_botocore_reads_it(LIKE[name], answer)
    # Members that AWS's shape does not know would have been left out.
    assert read.keys() == answer.keys()
    assert read["VideoMetadata"] == {
        "Codec": "h264",
        "DurationMillis": 2000,
        "Format": "QuickTime / MOV",
        "FrameRate": 25.0,
        "FrameHeight": 48,
        "FrameWidth": 64,
        "ColorRange": "LIMITED",
    }
    member = next(each for each in answer if isinstance(answer[each], list))
    assert sorted({element["Timestamp"] for element in read[member]}) == [0, 480, 1000, 1480]


def test_labels_are_those_of_at_least_50_or_what_is_given(client: Client, film: Path) -> None:
    names = [[each["Label"]["Name"] for each in _ask(client, "VideoLabels", film)[0]["Labels"]][:3]]
    assert names == [["Dog", "Pet", "Dog"]]
    more = _ask(client, "VideoLabels", film, MinConfidence=10)[0]["Labels"]
    assert len(more) == 12
    only = {"GeneralLabels": {"LabelInclusionFilters": ["boat"]}}
    assert len(_ask(client, "VideoLabels", film, MinConfidence=10, Settings=only)[0]["Labels"]) == 4
    found = _ask(client, "VideoModeration", film)[0]["ModerationLabels"]
    assert {each["ModerationLabel"]["Name"] for each in found} == {"Explicit"}


def test_emotions_and_what_the_api_does_not_tell_in_video_are_not_worked_out(
    client: Client, film: Path, eyes: Eyes
) -> None:
    _ask(client, "VideoFaces", film, FaceAttributes="ALL")
    assert {"ALL", "AGE_RANGE", "SMILE"} <= eyes.wanted
    assert not {"EMOTIONS", "EYE_DIRECTION", "FACE_OCCLUDED"} & eyes.wanted


def test_labels_hang_on_no_face_for_whoever_may_not_hear_of_faces(client: Client, film: Path, eyes: Eyes) -> None:
    _ask(client, "VideoLabels", film)
    assert set(eyes.told) == {True}
    eyes.told.clear()
    call = client.call("VideoLabels", Video=film)
    call.withheld = (FACES,)
    function_of("VideoLabels")(call, client.rooms)
    assert set(eyes.told) == {False}
    assert call.remarks["x-regard-withheld"] == FACES


def test_who_watches_sees_each_frame_and_nothing_of_what_is_found(client: Client, film: Path) -> None:
    seen: list[tuple[int, int]] = []

    def watching(*told: Any) -> None:
        about, frame = told
        seen.append((frame.milliseconds, about.milliseconds))

    _ask(client, "VideoLabels", film, Watching=watching)
    assert seen == [(0, 2000), (480, 2000), (1000, 2000), (1480, 2000)]


@pytest.mark.parametrize("name", LIKE)
def test_a_film_that_was_cut_short_has_no_answer(client: Client, film: Path, tmp_path: Path, name: str) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[:-100])
    with pytest.raises(ApiError, match=r"^Unsupported codec/format\. The file was cut short") as refusal:
        _ask(client, name, cut)
    assert refusal.value.code == "InvalidParameterException"


def test_a_damaged_packet_is_told(client: Client, film: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.mp4"
    spoilt.write_bytes(spoiled(film.read_bytes(), [30]))
    assert "1 packets of the video are damaged" in _ask(client, "VideoLabels", spoilt)[1]["x-regard-video"]
    assert not _ask(client, "VideoLabels", film)[1]


def test_nobody_is_looked_for_in_a_film() -> None:
    videos = {name: each for name, each in ours().items() if "Video" in name}
    assert videos.keys() >= LIKE.keys()
    for name, each in videos.items():
        assert each.capability is Capability.DETECT, name
        assert each.data is not DataClass.TEMPLATES, name
        assert not each.judges, name


def test_a_service_starts_without_what_decodes_films() -> None:
    code = "import sys, regard.server, regard.operations.common.registry as r; r.ours(); print('av' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"
