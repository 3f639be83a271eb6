"""`regard video`: tables, JSON, contact sheets and plots of films, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from regard.commands.video.sheet import Thumbnails, chosen, sheet
from regard.commands.video.timeline import Row, bar, code_of, plot, rows_of
from regard.vision.faces.drawing import Mark
from regard.vision.faces.faces import Box
from regard.vision.pictures.images import Picture
from tests.helpers.commands import run
from tests.helpers.films import film_of

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a wall, and two of a sign."""

    def frames() -> Iterator[NDArray[np.uint8]]:
        for words in ("", "No parking"):
            page = Image.new("RGB", (320, 160), "white")
            ImageDraw.Draw(page).text((30, 50), words, "black", font_size=44)
            yield from [np.array(page)] * 50

    return film_of(tmp_path_factory.mktemp("film") / "sign.mp4", frames(), options={"crf": "18"})


@pytest.mark.long
def test_text_is_told_with_its_times(film: Path, tmp_path: Path) -> None:
    result = run("video", "text", film, "--sheet", tmp_path / "sheet.png", "--plot", tmp_path / "plot.png")
    assert result.exit_code == 0, result.output
    assert "QuickTime / MOV, h264, 320×160, 25.00 frames a second, 00:04.0" in result.stdout
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("No parking")]
    assert row.split()[2] == "4"
    assert row.split()[4:6] == ["00:02.0", "00:03.4"]
    with Image.open(tmp_path / "sheet.png") as made:
        assert made.width > 4 * 320
    with Image.open(tmp_path / "plot.png") as made:
        # Nothing is seen in the first half of the film: the row begins in the middle of the plot.
        seen = np.flatnonzero((np.asarray(made)[23] == (0, 140, 90)).all(axis=-1))
        assert abs((made.width - 12 - seen[0]) / (900 / 2) - 1) < 0.05


@pytest.mark.long
def test_json_is_the_api_s(film: Path) -> None:
    result = run("video", "text", film, "--json")
    answer = json.loads(result.stdout)
    assert {each["Timestamp"] for each in answer["TextDetections"]} == {2000, 2480, 3000, 3480}
    assert answer["VideoMetadata"]["DurationMillis"] == 4000


def test_the_code_says_whether_anything_was_found_or_the_film_could_not_be_decoded(film: Path, tmp_path: Path) -> None:
    assert run("video", "faces", film).exit_code == 1
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[:-50])
    with pytest.raises(Exception, match=r"Unsupported codec/format\. The file was cut short"):
        raise run("video", "faces", tmp_path / "cut.mp4").exception or AssertionError


def test_a_picture_of_no_known_format_is_refused_before_the_film_is_looked_at(film: Path, tmp_path: Path) -> None:
    result = run("video", "faces", film, "--sheet", tmp_path / "sheet.docx")
    assert "says no format" in str(result.exception)


def test_no_command_looks_for_people() -> None:
    listed = run("video", "--help").stdout
    assert "labels" in listed
    assert not {"search", "celebrities", "track", "people"} & set(listed.lower().split())


def test_a_time_is_told_as_people_read_it() -> None:
    assert [code_of(time) for time in (0, 467, 61_999, 3_723_400)] == ["00:00.0", "00:00.4", "01:01.9", "1:02:03.4"]


def test_rows_are_those_seen_most_first_and_a_bar_is_as_long_as_the_film() -> None:
    rows = rows_of([("Cat", 0, 60.0), ("Dog", 0, 80.0), ("Dog", 500, 90.0), ("Dog", 500, 70.0)])
    assert rows == [Row("Dog", (0, 500), 90.0), Row("Cat", (0,), 60.0)]
    assert bar(rows[0], 1000, 4) == "█·█·"
    assert bar(Row("End", (999,), 1.0), 1000, 4) == "···█"


def test_a_plot_of_nothing_and_of_much_is_a_picture() -> None:
    assert plot([], 1000, 500).width > 0
    many = [Row(f"{'long ' * 20}{number}", (0, 500), 90.0) for number in range(100)]
    assert plot(many, 7_200_000, 500).height < 1200


def test_a_sheet_has_at_most_forty_frames_spread_over_the_film_and_prefers_what_was_found() -> None:
    times = list(range(0, 100_000, 500))
    picked = chosen(times, {1500, 99_500})
    assert len(picked) == 40
    assert picked == sorted(picked)
    assert {1500, 99_500} <= set(picked)
    assert chosen([0, 500], {500}) == [0, 500]


def test_a_cell_of_a_sheet_has_its_boxes_and_its_words() -> None:
    wall = Picture(np.full((90, 160, 3), 128, np.uint8), "PNG")
    with Thumbnails() as frames:
        for time in (0, 500):
            frames.keep(time, wall)
        plain = np.asarray(sheet(frames, frames.times, {}))
        marked = np.asarray(sheet(frames, frames.times, {500: [Mark(Box(0.2, 0.2, 0.5, 0.5), "Dog 90")]}))
        worded = np.asarray(sheet(frames, frames.times, {500: [Mark(Box(0, 0, 0, 0), "Pet 90")]}))
    half = plain.shape[1] // 2
    assert (plain[:, :half] == marked[:, :half]).all()
    assert ((marked[:, half:] == (0, 200, 120)).all(axis=-1)).sum() > 100
    assert (worded[90:, half:] != plain[90:, half:]).any()
    assert (worded[:90, half:] == plain[:90, half:]).all()


def test_segments_are_a_table_and_the_json_of_the_api(film: Path) -> None:
    result = run("video", "segments", film)
    assert result.exit_code == 0, result.output
    assert "shot 0" in result.stdout
    told = json.loads(run("video", "segments", film, "--json", "--only", "SHOT").stdout)
    assert [each["StartFrameNumber"] for each in told["Segments"]] == [0]
