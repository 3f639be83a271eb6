"""Equipment: persons and their faces, and masks held to faces that nothing was fitted to."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from benchmarks.filtering import masked
from benchmarks.masking import AT, FOLDERS, cases, masks
from benchmarks.worksites import DRESSES, scene
from regard.settings import from_environment
from regard.vision.faces.faces import Face, FaceAnalyzer
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.equipment import MOST_PERSONS, EquipmentInspector, Person, _owned
from regard.vision.things.labels import LabelFinder

GROUND = Image.new("RGB", (64, 64), (120, 130, 110))


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    return FaceAnalyzer.opened(from_environment())


@pytest.fixture(scope="module")
def inspector(analyzer: FaceAnalyzer) -> EquipmentInspector:
    return EquipmentInspector(analyzer, LabelFinder.opened(from_environment()).objects)


def _persons(inspector: EquipmentInspector, file: Path) -> list[Person]:
    return inspector(decode(file.read_bytes()))


@pytest.mark.long
def test_three_people_have_a_body_and_a_face_each(inspector: EquipmentInspector, shared_data: Path) -> None:
    persons = _persons(inspector, shared_data / "aws_docs_media" / "pexels-agung-pandit-wiguna-1128318.jpg")
    assert len(persons) == 3
    for person in persons:
        assert person.face is not None
        assert person.mask is not None
        assert not person.mask.value
        assert person.box.height > 3 * person.face.box.height


@pytest.mark.long
def test_a_crowd_is_told_up_to_fifteen_persons_the_largest_first(
    inspector: EquipmentInspector, shared_data: Path
) -> None:
    persons = _persons(inspector, shared_data / "coco20" / "000000005001.jpg")
    assert len(persons) == MOST_PERSONS
    areas = [person.box.width * person.box.height for person in persons]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.long
def test_a_face_alone_is_a_person_of_whom_the_head_was_found(inspector: EquipmentInspector, portrait: bytes) -> None:
    picture = decode(portrait)
    face = Picture(np.ascontiguousarray(picture.pixels[60:200, 160:300]), "PNG")
    persons = inspector(face)
    assert len(persons) == 1
    assert persons[0].face is not None


@pytest.mark.long
def test_a_portrait_is_one_person(inspector: EquipmentInspector, shared_data: Path) -> None:
    files = sorted((shared_data / "synthetic_faces").rglob("*.jp*g"))[:120:6]
    assert len(files) == 20
    persons = [_persons(inspector, file) for file in files]
    assert [len(each) for each in persons] == [1] * len(files)
    assert all(each[0].face is not None for each in persons)


@pytest.mark.parametrize(
    ("body", "face", "whose"),
    [
        (Box(0.01, 0.01, 0.98, 0.98), Box(0.28, 0.24, 0.52, 0.60), 0),
        (Box(0.00, 0.05, 0.98, 0.94), Box(0.26, 0.18, 0.54, 0.77), 0),
        (Box(0.20, 0.00, 0.40, 1.00), Box(0.35, 0.05, 0.10, 0.12), 0),
        # A child that is held before the body, and somebody beside it.
        (Box(0.20, 0.00, 0.40, 1.00), Box(0.35, 0.60, 0.10, 0.12), -1),
        (Box(0.20, 0.00, 0.40, 1.00), Box(0.70, 0.05, 0.10, 0.12), -1),
    ],
)
def test_a_face_belongs_to_the_body_at_whose_head_it_is(body: Box, face: Box, whose: int) -> None:
    assert list(_owned([body], [Face(face, 95.0, np.zeros((5, 2), np.float32))])) == [whose]


def test_nobody_is_found_on_a_wall(inspector: EquipmentInspector) -> None:
    assert inspector(Picture(np.full((200, 300, 3), 200, np.uint8), "PNG")) == []


@pytest.mark.long
@pytest.mark.slow("looks at hundreds of pictures")
def test_masks_are_told_on_tight_crops_that_nothing_was_made_of(
    inspector: EquipmentInspector, analyzer: FaceAnalyzer, shared_data: Path, scale: float
) -> None:
    told = [masks(analyzer, inspector, shared_data / "facemask" / name, 1 if scale == 1 else 2) for name in FOLDERS]
    assert sum(share.rate for share in told) / 2 >= (0.965 if scale == 1 else 0.95), told


@pytest.mark.long
@pytest.mark.slow("looks at more than a thousand pictures")
def test_bare_faces_of_photographs_are_called_covered_in_one_of_a_hundred_at_most(
    analyzer: FaceAnalyzer, shared_data: Path, scale: float
) -> None:
    people = sorted((shared_data / "lfw").iterdir())[:: round(1 / scale)]
    pictures = [decode(min(person.iterdir()).read_bytes()) for person in people]
    faces = [(picture, found[0]) for picture in pictures if (found := analyzer.detect(picture))]
    told = [analyzer.cover(picture, face) for picture, face in faces]
    assert len(told) > 0.99 * len(people)
    assert np.mean([mask is not None and mask.value for mask in told]) <= 0.01


@pytest.mark.parametrize("about", DRESSES)
@pytest.mark.parametrize("side", [40, 90])
def test_a_bare_face_is_not_covered_by_what_is_worn_around_it(
    inspector: EquipmentInspector, analyzer: FaceAnalyzer, portrait: bytes, about: str, side: int
) -> None:
    picture = decode(portrait)
    face = analyzer.detect(picture)[0]
    seen = scene(Image.fromarray(picture.pixels), face, side, GROUND, DRESSES[about], Random(side))
    mask = inspector.cover(seen, analyzer.detect(seen)[0])
    assert mask is not None
    assert not mask.value or mask.confidence < AT


@pytest.mark.parametrize("about", ["nothing", "helmet", "vest", "helmet, strap and vest"])
def test_a_mask_is_told_beneath_a_helmet_too(
    inspector: EquipmentInspector, analyzer: FaceAnalyzer, portrait: bytes, about: str
) -> None:
    picture = decode(portrait)
    face = analyzer.detect(picture)[0]
    image = masked(Image.fromarray(picture.pixels), face)
    seen = scene(image, face, 90, GROUND, DRESSES[about], Random(1))
    mask = inspector.cover(seen, analyzer.detect(seen)[0])
    assert mask is not None
    assert mask.value


@pytest.mark.long
@pytest.mark.slow("looks at hundreds of pictures")
def test_bare_faces_on_work_sites_are_rarely_covered_and_masks_are_told(
    inspector: EquipmentInspector, analyzer: FaceAnalyzer, shared_data: Path, scale: float
) -> None:
    told: dict[bool, list[float]] = {True: [], False: []}
    for case in cases(analyzer, shared_data, 1, 2 if scale == 1 else 8):
        if case.face is not None:
            mask = inspector.cover(case.picture, case.face)
            assert mask is not None
            told[case.covered].append(mask.confidence if mask.value else 0)
    assert np.mean([sure >= AT for sure in told[False]]) <= 0.04
    assert np.mean([sure > 0 for sure in told[False]]) <= 0.1
    assert np.mean([sure > 0 for sure in told[True]]) >= 0.88
