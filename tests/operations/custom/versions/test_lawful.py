"""Versions under the law: names that infer traits, projects of faces, and the probe before their first start."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from regard.custom.custom import Custom
from regard.custom.versions.workshop import Workshop
from regard.operations.common.errors import ApiError
from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import answered
from regard.operations.common.standing import Standing
from regard.operations.service import Service
from regard.sealing import master_key
from regard.settings import Settings
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.people.consent import NewConsent
from regard.stores.buckets import Buckets
from regard.vision.things.candidates import Seeker
from regard.vision.things.features import Features
from tests.helpers.custom import Colours, coloured, line, put_manifest, settings_of
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import NOTICE, House
from tests.helpers.shapes import Windows
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop

# Faces of two kinds of people, whom features tell apart by their colour.
KINDS = {"a": 20, "b": 220}


class Firm:
    """A house that trains, with pictures of faces and of colours in a store."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.house = house = House(folder, Clock())
        custom = Custom(house.gallery, house.clock)
        workshop = Workshop(custom, house.gallery, master_key(folder / "master.key"), house.clock)
        house.jobs.at_end += [custom.settle, workshop.end]
        gate, rooms = house.service.gate, house.service.rooms
        settings = cast(Any, replace_settings(settings_of(endpoint)))
        self.rooms = replace(
            rooms,
            custom=custom,
            workshop=workshop,
            features=cast(Features, Colours()),
            seeker=cast(Seeker, Windows()),
            pictures=PictureReader(Buckets(settings)),
            standing=Standing(gate, house.organizations.key, answered, house.clock),
        )
        house.service = Service(gate, self.rooms)

    def audited_with(self, file: Path | None) -> None:
        self.rooms = replace(self.rooms, audit_set=file)
        self.house.service = Service(self.house.service.gate, self.rooms)

    def trained(self, labels: Sequence[str], faces: bool = True, people: bool = False, **tags: str) -> tuple[str, str]:
        """The ARN of a version of a new project, and its status with what is said of it."""
        name = f"p{len(labels)}{len(tags)}{faces:d}{people:d}{self.rooms.audit_set is not None:d}"
        given = {"Tags": tags} if tags else {}
        project = self.house.ask("CreateProject", ProjectName=name, **given)[0]["ProjectArn"]
        assets = [self._assets(name, labels, faces, people, numbers) for numbers in (range(10), range(10, 14))]
        data = {"TrainingData": {"Assets": assets[:1]}, "TestingData": {"Assets": assets[1:]}}
        output = {"OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": name}}
        asked = data | output | {"ProjectArn": project, "VersionName": "one"}
        version = self.house.ask("CreateProjectVersion", **asked)[0]["ProjectVersionArn"]
        work_off(self.rooms)
        (told,) = self.house.ask("DescribeProjectVersions", ProjectArn=project)[0]["ProjectVersionDescriptions"]
        return version, f"{told['Status']} {told['StatusMessage']}"

    def _assets(self, name: str, labels: Sequence[str], faces: bool, people: bool, numbers: range) -> dict[str, Any]:
        lines, client = [], store_client(self.endpoint)
        for number in numbers:
            for place, label in enumerate(labels):
                key = f"{name}/{place}-{number}.png"
                colour = list(KINDS.values())[place] + number
                body = picture_of(colour) if faces else coloured(("green", "blue")[place], number)
                client.put_object(Bucket="pictures", Key=key, Body=body)
                lines.append(line(key, label) | ({"regard-people": ["ann"]} if people else {}))
        return put_manifest(self.endpoint, f"{name}-{numbers.start}.jsonl", lines)

    def start(self, version: str) -> str:
        try:
            return str(
                self.house.ask("StartProjectVersion", ProjectVersionArn=version, MinInferenceUnits=1)[0]["Status"]
            )
        except ApiError as error:
            return str(error)


def replace_settings(settings: Settings) -> Settings:
    """The same for every organization."""
    return Settings(
        s3_endpoint=settings.s3_endpoint,
        s3_region=settings.s3_region,
        s3_access_key_id=settings.s3_access_key_id,
        s3_secret_access_key=settings.s3_secret_access_key,
        s3_allowed=("*=pictures/",),
        s3_writable=("*=results/",),
    )


def audit_set(folder: Path, related: bool) -> Path:
    """Faces of 200 people in two groups, which their colours tell or do not."""
    file = folder / f"audit-{related}.csv"
    with file.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(("subject", "image", "group"))
        for number in range(200):
            kind = list(KINDS.values())[number % 2] + number % 14
            picture = folder / f"{number}.png"
            picture.write_bytes(picture_of(kind, mark=number))
            rows.writerow((number, picture.name, "xy"[number % 2 if related else number // 2 % 2]))
    return file


@pytest.fixture
def firm(tmp_path: Path, shop: Shop) -> Iterator[Firm]:
    made = Firm(tmp_path, shop.endpoint)
    yield made
    made.house.logbook.close()


@pytest.mark.long
@pytest.mark.slow("trains twice behind the gate")
def test_parts_are_trained_and_started_and_traits_are_not_trained(firm: Firm) -> None:
    version, told = firm.trained(("screw", "nut"), faces=False)
    assert told.startswith("TRAINING_COMPLETED"), told
    assert firm.start(version) == "STARTING"
    _, told = firm.trained(("muslim", "other"), faces=False, colour="x")
    assert told.startswith("TRAINING_FAILED [no-inferred-traits]"), told


@pytest.mark.long
@pytest.mark.slow("trains twice behind the gate")
def test_a_project_of_faces_is_probed_before_it_starts(firm: Firm, tmp_path: Path) -> None:
    version, told = firm.trained(("a", "b"))
    assert told.startswith("TRAINING_COMPLETED"), told
    assert "[people-project-is-probed]" in firm.start(version)
    firm.audited_with(audit_set(tmp_path, related=True))
    version, _ = firm.trained(("a", "b"))
    refused = firm.start(version)
    assert "[people-project-is-probed]" in refused
    assert "200 people, by chance in 50%" in refused
    council, signer = firm.house.service.gate.council, operator_key(tmp_path / "council.key")
    motion = council.draft(Kind.PROJECT, "a test", {"version": version, "allowed": True}, "operator")
    council.propose(motion.signed(signer))
    council.vote(motion, Vote.APPROVE, "", signer)
    assert firm.start(version) == "STARTING"
    answer, _ = firm.house.ask(
        "DetectCustomLabels", ProjectVersionArn=version, Image={"Bytes": picture_of(KINDS["a"] + 5)}
    )
    assert [each["Name"] for each in answer["CustomLabels"]] == ["a"]
    council.suspend("detect", "an incident", signer)
    with pytest.raises(ApiError, match="suspended"):
        firm.house.ask("DetectCustomLabels", ProjectVersionArn=version, Image={"Bytes": picture_of(25)})


def test_one_that_tells_no_groups_apart_starts(firm: Firm, tmp_path: Path) -> None:
    firm.audited_with(audit_set(tmp_path, related=False))
    version, told = firm.trained(("a", "b"))
    assert told.startswith("TRAINING_COMPLETED"), told
    assert firm.start(version) == "STARTING"


@pytest.mark.long
@pytest.mark.slow("trains twice behind the gate")
def test_on_consent_every_face_names_somebody_who_agreed(firm: Firm) -> None:
    consent: dict[str, Any] = {"regard:basis": "consent"}
    _, told = firm.trained(("a", "b"), **consent)
    assert "[people-project-needs-consents]" in told
    assert "regard-people" in told
    consents, own = firm.house.consents, firm.house.organization
    name = "p21110"
    asked = NewConsent("ann", f"project:{name}", "development", NOTICE, 30)
    consents.attest(firm.house.caller, consents.draw_up(own, asked))
    _, told = firm.trained(("a", "b"), people=True, **consent)
    assert told.startswith("TRAINING_COMPLETED"), told


def test_the_tags_of_a_project_are_only_tightened(firm: Firm) -> None:
    arn = firm.house.ask("CreateProject", ProjectName="tags")[0]["ProjectArn"]
    tags = firm.house.ask("ListTagsForResource", ResourceArn=arn)[0]["Tags"]
    assert tags == {"regard:basis": "attested", "regard:purpose": "development"}
    firm.house.ask("TagResource", ResourceArn=arn, Tags={"regard:basis": "consent", "regard:label:white": "paint"})
    for name, given in (("TagResource", {"Tags": {"regard:basis": "none"}}), ("UntagResource", {"TagKeys": [*tags]})):
        with pytest.raises(ApiError, match="reserved-tags"):
            firm.house.ask(name, ResourceArn=arn, **given)
