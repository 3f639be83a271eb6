"""VideoRedact: the faces of every frame are covered, ten looks a second, and frames keep their times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from regard.operations.common.errors import ApiError
from regard.operations.videos.redaction import Sounds
from regard.vision.pictures.findings import Box, Face
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Film
from tests.helpers.fakes import Client, ask_ours, open_rooms
from tests.helpers.films import LIMITS, film_of, toned

POINTS = np.array([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]], np.float32)


@dataclass
class Watcher:
    """Finds a face in the middle, and remembers where it looked."""

    looks: int = 0

    def detect_all(self, picture: Picture) -> list[Face]:
        self.looks += 1
        return [Face(Box(0.4, 0.4, 0.2, 0.2), 90.0, POINTS)]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return film_of(tmp_path / "film.mp4", [np.full((100, 100, 3), 200, np.uint8)] * 50)


def test_the_faces_of_every_frame_are_covered(tmp_path: Path, film: Path) -> None:
    eyes = Watcher()
    client = Client(replace(open_rooms(tmp_path), faces=cast(Any, eyes)))
    seen: list[int] = []
    report = ask_ours(
        client.rooms,
        "VideoRedact",
        Video=film,
        To=tmp_path / "made",
        Form=".webm",
        Watching=lambda _about, frame: seen.append(frame.number),
    )
    assert (report["frames"], report["frames_with_covers"], report["sound"]) == (50, 50, "none")
    assert seen == list(range(50))
    # Ten looks a second.
    assert eyes.looks == 26
    with Film(tmp_path / "made", 0, LIMITS) as made:
        frames = list(made)
    assert [frame.milliseconds for frame in frames] == list(range(0, 2000, 40))
    for frame in frames:
        assert frame.picture.pixels[40:60, 40:60].max() < 40
        assert frame.picture.pixels[:20, :20].min() > 150


@pytest.mark.parametrize(("sound", "told"), [(None, "left out"), (Sounds.DROP, "left out"), (Sounds.KEEP, "kept")])
def test_sound_is_left_out_unless_it_is_to_be_kept(tmp_path: Path, sound: Sounds | None, told: str) -> None:
    path, made = toned(tmp_path / "film.mp4", "aac", [(0.4, True)]), tmp_path / "made"
    client = Client(replace(open_rooms(tmp_path), faces=cast(Any, Watcher())))
    given = {} if sound is None else {"Sound": sound}
    assert ask_ours(client.rooms, "VideoRedact", Video=path, To=made, Form=".mp4", **given)["sound"] == told
    with Film(made, 0, LIMITS) as film:
        assert [each.codec for each in film.about.sounds] == (["aac"] if told == "kept" else [])


def test_a_sound_that_the_form_does_not_take_is_refused_before_the_film_is_looked_at(tmp_path: Path) -> None:
    path, eyes = toned(tmp_path / "film.mp4", "aac", [(0.4, True)]), Watcher()
    client = Client(replace(open_rooms(tmp_path), faces=cast(Any, eyes)))
    with pytest.raises(ApiError, match=r"takes no sound of the codec aac. Write .mp4 or .mkv"):
        ask_ours(client.rooms, "VideoRedact", Video=path, To=tmp_path / "made", Form=".webm", Sound=Sounds.KEEP)
    assert not eyes.looks
