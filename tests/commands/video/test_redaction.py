"""`regard redact` for films: the whole film with a report, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from regard.vision.video.film import Film
from tests.helpers.commands import run
from tests.helpers.films import LIMITS, film_of, toned

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return film_of(tmp_path / "film.mp4", [np.full((100, 100, 3), 200, np.uint8)] * 50)


@pytest.mark.long
def test_a_film_is_written_whole_with_a_report(film: Path, tmp_path: Path) -> None:
    result = run("redact", film, "--to", tmp_path / "made" / "film.webm", "--json")
    assert result.exit_code == 0, result.output
    (report,) = json.loads(result.stdout).values()
    assert report["frames"] == 50
    with Film(tmp_path / "made" / "film.webm", 500, LIMITS) as made:
        assert len(list(made)) == 4
    assert [each.name for each in (tmp_path / "made").iterdir()] == ["film.webm"]


@pytest.mark.long
def test_the_sound_is_kept_for_whoever_says_so(tmp_path: Path) -> None:
    path = toned(tmp_path / "film.mp4", "aac", [(0.2, True)])
    result = run("redact", path, "--to", tmp_path / "made" / "film.mkv", "--sound", "keep")
    assert result.exit_code == 0, result.output
    assert "kept" in result.stdout
    assert [each.name for each in (tmp_path / "made").iterdir()] == ["film.mkv"]


def test_a_film_that_cannot_be_decoded_to_its_end_leaves_nothing(film: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[:-30])
    result = run("redact", tmp_path / "cut.mp4", "--to", tmp_path / "made" / "film.webm")
    assert "cut short" in str(result.exception)
    assert not list((tmp_path / "made").iterdir())


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--to", "film.mp4"), "overwritten"),
        (("--to", "film.avi"), "says no form"),
        (("--collection", "friends"), "every face is covered"),
    ],
)
def test_what_cannot_be_done_with_a_film_is_said(
    film: Path, words: tuple[str, str], cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(film.parent)
    assert cause in str(run("redact", "film.mp4", *words).exception)
