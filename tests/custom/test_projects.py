"""Projects as rows: of one organization, by name and ARN, and as the service wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from regard.custom.errors import CustomChanged, NoSuchResource, ResourceInUse
from regard.custom.projects import MOST_TAGS, Feature, Project, Projects
from regard.gallery.collections.errors import QuotaExceeded
from regard.operations.common.rooms import Rooms
from tests.helpers.fakes import ORGANIZATION, Clock, open_rooms
from tests.helpers.working import with_jobs

STRANGER = "999999999999"


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    clock = Clock()
    return with_jobs(open_rooms(tmp_path, clock), tmp_path, clock)


def make(rooms: Rooms, name: str, feature: Feature = Feature.CUSTOM_LABELS, **tags: str) -> Project:
    with rooms.gallery.writing() as connection:
        return Projects(Clock()).create(connection, ORGANIZATION, name, feature, None, tags)


def test_a_project_is_found_by_its_arn_by_its_organization_alone(rooms: Rooms) -> None:
    made, projects = make(rooms, "parts", purpose="screws"), Projects(Clock())
    arn = f"arn:aws:rekognition:eu-central-1:{ORGANIZATION}:{made.resource}"
    assert made.resource == f"project/parts/{int(Clock().now * 1000)}"
    with rooms.gallery.reading() as connection:
        assert projects.find(connection, ORGANIZATION, arn) == made
        assert projects.named(connection, ORGANIZATION, "parts") == made
        for other in (arn[:-1] + "1", arn.replace("parts", "party"), f"{arn}/x", arn.replace("project/", "version/")):
            with pytest.raises(NoSuchResource):
                projects.find(connection, ORGANIZATION, other)
        with pytest.raises(NoSuchResource):
            projects.find(connection, STRANGER, arn)


def test_a_name_is_taken_once(rooms: Rooms) -> None:
    make(rooms, "parts")
    with pytest.raises(ResourceInUse, match="parts"):
        make(rooms, "parts", Feature.CONTENT_MODERATION)


def test_listings_go_on_behind_a_project_and_keep_features_apart(rooms: Rooms) -> None:
    made = [make(rooms, name) for name in ("c", "a", "b")]
    adapter = make(rooms, "d", Feature.CONTENT_MODERATION)
    with rooms.gallery.reading() as connection:
        projects = Projects(Clock())
        assert projects.page(connection, ORGANIZATION, 0, 2) == made[:2]
        assert projects.page(connection, ORGANIZATION, made[1].id, 2) == made[2:]
        assert projects.page(connection, ORGANIZATION, 0, 9, list(Feature), ["d", "a", "z"]) == [made[1], adapter]
        assert projects.page(connection, STRANGER, 0, 9) == []


def test_tags_are_added_and_removed_and_counted(rooms: Rooms) -> None:
    made, projects = make(rooms, "parts", a="1", b="2"), Projects(Clock())
    with rooms.gallery.writing() as connection:
        projects.tag(connection, made, {"b": "3", "c": "4"}, ["a", "z"])
        assert projects.get(connection, ORGANIZATION, made.id).tags == {"b": "3", "c": "4"}
        with pytest.raises(QuotaExceeded):
            projects.tag(connection, made, {str(number): "" for number in range(MOST_TAGS)}, [])


@pytest.mark.parametrize(
    "edit",
    ["organization = organization, name = 'others'", "feature = 'CONTENT_MODERATION'", 'tags = \'{"a": "1"}\''],
)
def test_a_project_that_was_edited_in_the_database_is_told_to_nobody(rooms: Rooms, edit: str) -> None:
    made = make(rooms, "parts")
    with rooms.gallery.writing() as connection:
        connection.execute(text(f"UPDATE custom_projects SET {edit}"))
        with pytest.raises(CustomChanged):
            Projects(Clock()).get(connection, ORGANIZATION, made.id)
