"""What the policy says of versions: by the names of labels, by whose faces are in the pictures, and by the probe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from regard.custom.custom import Custom
from regard.custom.versions.workshop import Workshop
from regard.operations.common.errors import ApiError
from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import answered
from regard.operations.common.standing import Standing
from regard.sealing import master_key
from regard.stores.buckets import Buckets
from regard.vision.things.features import Features
from tests.helpers.custom import Colours, line, put_manifest, settings_of
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import House
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop

OUTPUT = {"S3Bucket": "results", "S3KeyPrefix": "law"}
# People whose squares are dark red, and bright: what tells the labels apart.
DARK, BRIGHT = range(1, 9), range(180, 188)


@pytest.fixture
def house(tmp_path: Path, clock: Clock, shop: Shop) -> House:
    house = House(tmp_path, clock)
    service, rooms = house.service, house.service.rooms
    custom = Custom(house.gallery, clock)
    workshop = Workshop(custom, house.gallery, master_key(tmp_path / "master.key"), clock)
    house.jobs.at_end += [custom.settle, workshop.end]
    settings = settings_of(shop.endpoint)
    settings = msgspec.structs.replace(settings, s3_allowed=(f"{house.organization}=pictures/",))
    service.rooms = replace(
        rooms,
        pictures=PictureReader(Buckets(settings)),
        custom=custom,
        workshop=workshop,
        features=cast(Features, Colours()),
        standing=Standing(service.gate, house.organizations.key, answered, clock),
    )
    return house


def people(shop: Shop, named: bool = False) -> dict[str, Any]:
    """An Asset that lists pictures of people, half of them labelled a and half b, and who they are."""
    lines = []
    for label, numbers in (("a", DARK), ("b", BRIGHT)):
        for number in numbers:
            key = f"people/{number}.png"
            store_client(shop.endpoint).put_object(Bucket="pictures", Key=key, Body=picture_of(number))
            lines.append(line(key, label) | ({"regard-people": [f"p{number}"]} if named else {}))
    return put_manifest(shop.endpoint, "people.jsonl", lines)


def trained(house: House, name: str, asset: dict[str, Any], **tags: str) -> dict[str, Any]:
    """The description of a version of a project of this name, once its training is over."""
    project = house.ask("CreateProject", ProjectName=name, Tags=tags)[0]["ProjectArn"]
    data = {"TrainingData": {"Assets": [asset]}, "TestingData": {"AutoCreate": True}}
    house.ask("CreateProjectVersion", ProjectArn=project, VersionName="one", OutputConfig=OUTPUT, **data)
    work_off(house.service.rooms)
    (told,) = house.ask("DescribeProjectVersions", ProjectArn=project)[0]["ProjectVersionDescriptions"]
    return dict(told)


def refused(house: House, name: str, **given: Any) -> str:
    with pytest.raises(ApiError) as error:
        house.ask(name, **given)
    assert error.value.code == "AccessDeniedException"
    return error.value.message


def test_labels_that_say_a_trait_are_not_learned(house: House, shop: Shop) -> None:
    keys = [each["source-ref"].removeprefix("s3://pictures/") for each in shop.lines]
    lines = [line(key, ("muslim", "other")[place % 2]) for place, key in enumerate(keys)]
    told = trained(house, "parts", put_manifest(shop.endpoint, "traits.jsonl", lines))
    assert told["Status"] == "TRAINING_FAILED"
    assert "muslim" in told["StatusMessage"]
    assert "no-inferred-traits" in told["StatusMessage"]
    project = house.ask("CreateProject", ProjectName="muslim")[0]["ProjectArn"]
    data = {"TrainingData": {"Assets": [shop.training]}, "TestingData": {"AutoCreate": True}}
    asked = {"ProjectArn": project, "VersionName": "one", "OutputConfig": OUTPUT}
    assert "no-inferred-traits" in refused(house, "CreateProjectVersion", **asked, **data)


def test_pictures_of_people_need_a_basis_and_consents_of_those_who_are_named(house: House, shop: Shop) -> None:
    assert (
        "people-project-needs-basis"
        in trained(house, "first", people(shop), **{"regard:basis": "none"})["StatusMessage"]
    )
    consented = {"regard:basis": "consent"}
    assert "people-project-needs-consents" in trained(house, "second", people(shop), **consented)["StatusMessage"]
    assert "16 of 16 people" in trained(house, "third", people(shop, named=True), **consented)["StatusMessage"]
    assert trained(house, "fourth", people(shop), **{"regard:basis": "attested"})["Status"] == "TRAINING_COMPLETED"


@pytest.mark.parametrize(("planted", "said"), [(True, "the group"), (False, "")])
def test_a_version_of_people_starts_when_its_probe_finds_no_groups(
    house: House, shop: Shop, tmp_path: Path, planted: bool, said: str
) -> None:
    told = trained(house, "shifts", people(shop), **{"regard:basis": "attested"})
    arn = told["ProjectVersionArn"]
    start = {"ProjectVersionArn": arn, "MinInferenceUnits": 1}
    assert "people-project-is-probed" in refused(house, "StartProjectVersion", **start)
    house.service.rooms = replace(house.service.rooms, custom_audit=_audit(tmp_path / "audit", planted))
    if planted:
        assert said in refused(house, "StartProjectVersion", **start).lower()
        return
    assert house.ask("StartProjectVersion", **start)[0] == {"Status": "STARTING"}
    found, _ = house.ask("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": picture_of(190)})
    assert [each["Name"] for each in found["CustomLabels"]] == ["b"]


def _audit(folder: Path, planted: bool) -> Path:
    """An audit set of people in two groups: those of each label, or by chance."""
    folder.mkdir()
    draw, rows = np.random.default_rng(3), ["subject,image,group"]
    for number in range(240):
        bright = number % 2
        (folder / f"{number}.png").write_bytes(picture_of(180 + number % 8 if bright else 1 + number % 8, mark=number))
        rows.append(f"p{number},{number}.png,{bright if planted else int(draw.integers(2))}")
    (folder / "audit.csv").write_text("\n".join(rows) + "\n")
    return folder / "audit.csv"


def test_reserved_tags_of_a_project_are_not_taken_off(house: House) -> None:
    project = house.ask("CreateProject", ProjectName="parts", Tags={"regard:people": "yes"})[0]["ProjectArn"]
    assert "regard:people" in refused(house, "UntagResource", ResourceArn=project, TagKeys=["regard:people"])
