"""What a project of custom labels may be called, when it is one of people, and when it has to say what it means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regard.operations import coverage
from regard.operations.common import registry
from regard.stewardship.policy.custom_labels import Faces, Project, fills, refusal
from regard.stewardship.policy.service_model import service_model

FACELESS, OF_PEOPLE = Faces(100, 0), Faces(100, 26)
PAINT = Project("paints", ("white", "black"), faces=Faces(100, 1))


def test_a_project_is_of_people_where_over_a_quarter_of_its_pictures_are_of_a_face() -> None:
    assert not Faces(100, 25).of_people
    assert OF_PEOPLE.of_people
    assert not Faces(0, 0).of_people
    assert fills(0.2, 0.5)
    assert not fills(0.3, 0.33)


def test_a_project_of_things_that_says_so_itself_is_one_of_people() -> None:
    assert Project("staff", ("a", "b"), {"regard:people": "yes"}, FACELESS).of_people


@pytest.mark.parametrize("faces", [None, FACELESS, OF_PEOPLE])
def test_a_label_that_says_a_trait_is_refused_whatever_the_pictures_show(faces: Faces | None) -> None:
    found = refusal(Project("anything", ("a", "muslim"), {"regard:label:muslim": "a kind of rug"}, faces))
    assert found is not None
    assert found.label == "muslim"
    assert found.traits == {"religion"}
    assert "name what it really tells apart" in found.told


def test_a_project_that_is_called_so_is_refused_with_neutral_labels() -> None:
    found = refusal(Project("gaydar", ("a", "b"), faces=FACELESS))
    assert found is not None
    assert found.traits == {"orientation"}


def test_paint_is_asked_for_its_meaning_only_where_a_face_is_in_the_pictures() -> None:
    assert refusal(replace(PAINT, faces=FACELESS)) is None
    for faces in (None, Faces(100, 1)):
        found = refusal(replace(PAINT, faces=faces))
        assert found is not None
        assert (found.traits, "regard:label:white" in found.told) == (frozenset(), True)


def test_paint_that_says_it_is_paint_is_taken() -> None:
    tags = {"regard:label:white": "the colour of the paint", "regard:label:Black": "black paint"}
    assert refusal(replace(PAINT, tags=tags)) is None


@pytest.mark.parametrize(
    "meaning", ["white", "the skin of the customer", "caucasian", "people like us", "Asian", "muslim"]
)
def test_a_meaning_that_speaks_of_people_or_says_nothing_is_none(meaning: str) -> None:
    tags = {"regard:label:white": meaning, "regard:label:black": "black paint"}
    assert refusal(replace(PAINT, tags=tags)) is not None


def test_in_a_people_project_an_ambiguous_label_is_refused_unless_it_means_a_thing() -> None:
    people = replace(PAINT, faces=OF_PEOPLE)
    found = refusal(people)
    assert found is not None
    assert found.traits == {"race"}
    assert refusal(replace(people, tags={f"regard:label:{each}": "the helmet" for each in people.labels})) is None


def test_masks_and_no_masks_are_nobodys_trait() -> None:
    assert refusal(Project("masks", ("with_mask", "without_mask"), faces=Faces(10, 10))) is None


def test_every_operation_of_the_api_answers_or_is_refused_by_a_rule_with_a_name() -> None:
    assert {*registry.answered(), *coverage.RULES} == set(service_model().operation_names)
