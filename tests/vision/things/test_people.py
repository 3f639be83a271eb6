"""People are counted and never known: faces, portraits, groups and crowds."""

from __future__ import annotations

from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.telling import named, right, told
from regard.settings import from_environment
from regard.vision.pictures.findings import Box, Face, FoundLabel
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.content import darkness
from regard.vision.things.labels import LabelFinder
from regard.vision.things.objects import PERSON, FoundObject
from regard.vision.things.people import at_least, people

DOG = 18


def _body(left: float, score: float = 0.8, kind: int = PERSON) -> FoundObject:
    return FoundObject(kind, Box(left, 0.1, 0.08, 0.8), score)


def _face(left: float, top: float = 0.12, height: float = 0.1, score: float = 90.0) -> Face:
    return Face(Box(left, top, 0.8 * height, height), score, np.zeros((5, 2), np.float32))


def _told(objects: list[FoundObject], faces: list[Face]) -> dict[str, FoundLabel]:
    return {label.name: label for label in people(objects, faces) if label.confidence >= 50}


@given(st.lists(st.floats(0, 1), max_size=8), st.integers(1, 5))
def test_so_many_are_there_as_often_as_all_cases_say(chances: list[float], number: int) -> None:
    cases = product((False, True), repeat=len(chances))
    slow = sum(
        prod(chance if is_there else 1 - chance for chance, is_there in zip(chances, case, strict=True))
        for case in cases
        if sum(case) >= number
    )
    assert at_least(number, chances) == pytest.approx(slow, abs=1e-9)


@pytest.mark.parametrize(("count", "labels"), [(2, set()), (3, {"Group"}), (6, {"Group"}), (9, {"Group", "Crowd"})])
def test_three_people_are_a_group_and_many_a_crowd(count: int, labels: set[str]) -> None:
    assert set(_told([_body(0.1 * place) for place in range(count)], [])) == labels


def test_a_face_and_its_body_are_one_person() -> None:
    bodies, faces = [_body(0.1), _body(0.5)], [_face(0.1), _face(0.5)]
    assert set(_told(bodies, faces)) == {"Face"}
    assert set(_told(bodies, [*faces, _face(0.8)])) == {"Face", "Group"}


def test_a_doubtful_body_is_somebody_where_a_face_is_in_it() -> None:
    bodies = [_body(0.1), _body(0.5), _body(0.8, 0.45)]
    assert "Group" not in _told(bodies, [])
    assert "Group" in _told(bodies, [_face(0.8)])


def test_one_large_face_is_a_portrait_and_two_people_are_none() -> None:
    somebody = FoundObject(PERSON, Box(0.2, 0.1, 0.6, 0.9), 0.9)
    assert "Portrait" in _told([somebody], [_face(0.4, 0.2, 0.3)])
    assert "Portrait" not in _told([somebody], [_face(0.4, 0.2, 0.1)])
    assert "Portrait" not in _told([somebody, _body(0.9)], [_face(0.4, 0.2, 0.3)])


def test_the_face_of_a_dog_is_no_face_but_that_of_whoever_holds_it_is() -> None:
    dog = FoundObject(DOG, Box(0.1, 0.1, 0.6, 0.8), 0.9)
    assert not _told([dog], [_face(0.3, 0.2, 0.3)])
    holding = FoundObject(PERSON, Box(0.3, 0.0, 0.7, 1.0), 0.9)
    assert "Face" in _told([dog, holding], [_face(0.4, 0.2, 0.3)])


def test_the_same_face_is_surer_on_a_body() -> None:
    faint = _face(0.1, score=65.0)
    alone, on_body = people([], [faint]), people([_body(0.1)], [faint])
    assert next(label.confidence for label in alone if label.name == "Face") < 60
    assert next(label.confidence for label in on_body if label.name == "Face") > 90


def test_dark_is_told_by_the_whole_picture_and_of_no_portrait() -> None:
    night, day = (Picture(np.full((90, 120, 3), grey, np.uint8), "PNG") for grey in (20, 120))
    assert darkness(night, [])[0].confidence > 80
    assert darkness(day, [])[0].confidence < 1
    assert darkness(night, [_face(0.3, 0.2, 0.5)]) == []


@pytest.mark.long
@pytest.mark.slow("looks at 175 photographs")
def test_what_is_told_of_people_is_right_as_often_as_is_said(shared_data: Path) -> None:
    found = told(LabelFinder.opened(from_environment()), shared_data)
    for name, at_55, at_80, there in (
        ("Person", 0.92, 0.96, 0.8),
        ("Face", 0.88, 0.92, 0.9),
        ("Group", 0.9, 0.9, 0.7),
        ("Crowd", 0.8, 0.8, 0.6),
    ):
        assert right(found, name, 55).rate >= at_55, name
        assert right(found, name, 80).rate >= at_80, name
        assert named(found, name, 55).rate >= there, name
    assert right(found, "Dark", 80).right == right(found, "Dark", 80).of > 0


@pytest.mark.parametrize("folder", ["synthetic_faces", "utkface", "attributes/pictures"])
def test_a_portrait_is_told_as_one_and_never_as_a_group(shared_data: Path, folder: str) -> None:
    files = sorted(path for path in (shared_data / folder).rglob("*.jp*g"))
    finder = LabelFinder.opened(from_environment())
    for file in files[:: len(files) // 12]:
        sure = {label.name for label in finder(decode(file.read_bytes())) if label.confidence >= 55}
        assert {"Person", "Head", "Face", "Portrait"} <= sure, file.name
        assert not {"Group", "Crowd", "Dark"} & sure, file.name
