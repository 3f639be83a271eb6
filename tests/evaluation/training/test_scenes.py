"""Heads for scenes are made of a table of words, hold on pictures of other sources, and leave out what does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from regard.evaluation.samples.pictures_on_disk import NotLabelled
from regard.evaluation.training.regression import NotFitted
from regard.evaluation.training.scenes import Labelled, labelled_in, made
from regard.vision.heads.head import Base
from regard.vision.heads.scenes import Scenes

BASE = Base("things-and-scenes", "ab" * 32, "inner + last")
SOURCES = ("camera", "archive", "holiday")
WIDTH = 9 + 3


def _pictures(number: int = 150) -> tuple[list[Labelled], np.ndarray]:
    """Of every third the upper left cell is bright, and the sky is in it; what is called luck shows in nothing."""
    chance = np.random.default_rng(4)
    inputs = chance.normal(size=(number, WIDTH))
    inputs[:, 0] += [5.0 * (place % 3 == 0) for place in range(number)]
    labelled = [
        Labelled(
            Path(f"{place}.jpg"),
            SOURCES[place % 7 % 3],
            "own",
            {"Sky": place % 3 == 0, "Luck": bool(chance.random() < 0.3), "Snow": place == 0},
        )
        for place in range(number)
    ]
    return labelled, inputs


def test_a_word_that_shows_is_told_and_the_others_are_left_out() -> None:
    labelled, inputs = _pictures()
    head, left = made("ours", BASE, labelled, inputs)
    assert [(word.name, word.yes, word.no) for word in head.words] == [("Sky", 50, 100)]
    assert head.words[0].precision >= 0.8
    assert head.words[0].recall >= 0.8
    assert [each.name for each in left] == ["Luck", "Snow"]
    assert "never right" in left[0].why
    assert "1 pictures of 1 sources" in left[1].why
    assert sum(source.pictures for source in head.data) == 150


def test_the_head_tells_what_it_was_made_for() -> None:
    labelled, inputs = _pictures()
    scenes = Scenes(made("ours", BASE, labelled, inputs)[0])
    told = []
    for row in inputs:
        inner = np.repeat(np.repeat(row[:9].reshape(1, 1, 3, 3), 2, axis=2), 2, axis=3).astype(np.float32)
        told.append("Sky" in scenes([inner, row[9:].reshape(1, 3).astype(np.float32)]))
    shown = [each.words["Sky"] for each in labelled]
    assert np.mean(np.array(told) == shown) > 0.95


def test_the_same_pictures_give_the_same_bytes() -> None:
    one, other = (made("ours", BASE, *_pictures())[0].written() for _ in range(2))
    assert one == other


def test_words_that_only_tell_a_source_are_left_out() -> None:
    """A word that is right of one source alone cannot be held against another."""
    labelled, inputs = _pictures()
    by_source = [
        Labelled(each.picture, each.source, each.terms, {"Beach": each.source == "holiday"}) for each in labelled
    ]
    inputs[:, 1] += [9.0 * each.words["Beach"] for each in by_source]
    with pytest.raises(NotFitted, match=r"Beach: \d+ pictures of 1 sources answer yes"):
        made("ours", BASE, by_source, inputs)


def test_a_table_is_read_with_what_nobody_looked_at(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,source,terms,Sky,Grass\na.jpg,camera,CC0,1,0\nb.jpg,archive,,u,1\n")
    one, other = labelled_in(tmp_path)
    assert (one.source, one.terms, one.words) == ("camera", "CC0", {"Sky": True, "Grass": False})
    assert (other.terms, other.words) == ("own", {"Grass": True})
    assert other.picture == tmp_path / "pictures" / "b.jpg"


@pytest.mark.parametrize("first", [None, "file,Sky", "source,Sky", "file,source,terms"])
def test_a_table_without_sources_or_words_is_refused(tmp_path: Path, first: str | None) -> None:
    if first is not None:
        (tmp_path / "labels.csv").write_text(f"{first}\n")
    with pytest.raises(NotLabelled, match="source"):
        labelled_in(tmp_path)


def test_words_on_people_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,source,Sky,Portrait,Person\n")
    with pytest.raises(NotLabelled, match="Portrait, Person: what is said of people"):
        labelled_in(tmp_path)
