"""Pictures looked at: on several processes, once each, kept sealed, and none lost to an interruption."""

from __future__ import annotations

import io
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from regard.evaluation.samples.embedding import Busy, Choice, Found, Kept, embed, embeddings, look_at
from regard.evaluation.samples.pictures_on_disk import Labelled
from regard.sealing import SealingKey
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.crops import ALIGNED, aligned, crop
from regard.vision.pictures.images import decode
from tests.helpers.fakes import FakeAnalyzer, picture_of

KEY = SealingKey(bytes(32))
FAKE = cast(FaceAnalyzer, FakeAnalyzer())
CHOICES: tuple[Choice, Choice] = ("central", "largest")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.found"


def test_what_was_found_is_there_the_next_time(file: Path) -> None:
    with Kept(file, KEY) as kept:
        kept.add({b"1": Found("no face")})
        kept.add({b"2": Found("enrolled", embedding=b"1234", side=40.0)})
    with Kept(file, KEY) as kept:
        assert kept[b"1"].outcome == "no face"
        assert kept[b"2"].side == 40
        assert b"3" not in kept


def test_no_template_lies_open_on_the_disk(file: Path) -> None:
    with Kept(file, KEY) as kept:
        kept.add({b"digest of a picture": Found("enrolled", embedding=b"a template")})
    assert b"a template" not in file.read_bytes()
    assert b"digest" not in file.read_bytes()


@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_frame_that_was_half_written_is_cut_off(file: Path, lost: int) -> None:
    with Kept(file, KEY) as kept:
        kept.add({b"1": Found("no face")})
        kept.add({b"2": Found("no face")})
    file.write_bytes(file.read_bytes()[:-lost])
    with Kept(file, KEY) as kept:
        assert b"1" in kept
        assert b"2" not in kept
        kept.add({b"3": Found("no face")})
    with Kept(file, KEY) as kept:
        assert b"3" in kept


def test_what_another_key_sealed_is_not_taken(file: Path) -> None:
    with Kept(file, SealingKey(bytes([1] * 32))) as kept:
        kept.add({b"1": Found("no face")})
    with Kept(file, KEY) as kept:
        assert b"1" not in kept


def test_two_runs_do_not_write_at_once(file: Path) -> None:
    with Kept(file, KEY), pytest.raises(Busy, match="Another run"), Kept(file, KEY):
        pass


def test_what_gave_no_embedding_is_a_row_that_matches_nothing() -> None:
    row = np.zeros(128, "<f4")
    row[0] = 1
    found = embeddings([Found("no face"), Found("enrolled", embedding=row.tobytes())])
    assert found.sum(axis=1).tolist() == [0, 1]


def test_the_face_nearest_the_middle_or_the_largest_is_taken() -> None:
    picture = Labelled(picture_of(1, 2, 3), "somebody")
    central, largest = (look_at(FAKE, picture, choice) for choice in CHOICES)
    assert central.faces == largest.faces == 3
    assert central.embedding != largest.embedding
    assert largest.side > central.side


def test_a_file_that_is_no_picture_is_a_failure_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"nothing")
    assert look_at(FAKE, Labelled(tmp_path / "x.jpg", "x"), "central").outcome == "unreadable"
    assert look_at(FAKE, Labelled(tmp_path / "absent", "x"), "central").outcome == "unreadable"


@pytest.mark.long
def test_pictures_are_looked_at_once_however_often_they_are_listed(tmp_path: Path, portrait: bytes) -> None:
    settings = from_environment(data_dir=tmp_path, workers=1)
    pictures = [Labelled(portrait, "one"), Labelled(b"no picture", "two"), Labelled(portrait, "again")]
    told: list[tuple[int, int]] = []
    found = embed(pictures, settings, progress=lambda done, whole: told.append((done, whole)))
    assert [each.outcome for each in found] == ["enrolled", "unreadable", "enrolled"]
    assert found[0] == found[2]
    assert told[0] == (1, 3)
    assert told[-1] == (3, 3)
    told.clear()
    again = embed(pictures, settings, progress=lambda done, whole: told.append((done, whole)))
    assert [each.embedding for each in again] == [each.embedding for each in found]
    assert told == [(3, 3)]


def test_an_aligned_picture_is_embedded_as_it_is(portrait: bytes) -> None:
    analyzer = FaceAnalyzer.opened(from_environment())
    picture = decode(portrait)
    face = analyzer.detect(picture)[0]
    chip = crop(picture.pixels, aligned(face.points), ALIGNED)
    file = io.BytesIO()
    Image.fromarray(chip).save(file, "PNG")
    found = look_at(analyzer, Labelled(file.getvalue(), "one"), "aligned")
    cosine = float(embeddings([found])[0] @ analyzer.embed(picture, [face])[0])
    assert cosine > 0.99
