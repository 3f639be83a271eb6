"""Versions go with the people in their pictures: with who is erased, withdraws a consent, or has a picture removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select

from regard.custom import tables as datasets
from regard.custom.versions import tables
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import ours
from regard.sealing import SealingKey
from regard.stewardship.logbook.entry_words import in_words
from regard.stewardship.logbook.versions_told import record_version, record_withdrawal
from regard.stewardship.people.access import Access, Taught
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.policy.call import Call
from regard.stewardship.records import tables as records
from regard.stewardship.trainings import Trainings
from tests.helpers.custom import coloured, line, put_manifest
from tests.helpers.fakes import picture_of
from tests.helpers.peopled import NOTICE
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_lawful import KINDS, Firm


class Left(Firm):
    """A firm whose versions go with people, as `open_holdings` has it."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        super().__init__(folder, endpoint)
        house, workshop = self.house, self.rooms.workshop
        assert workshop is not None
        workshop.tell = partial(record_version, house.logbook)
        workshop.tell_withdrawn = partial(record_withdrawal, house.logbook)
        self.trainings = Trainings(house.engine, house.gallery, workshop, house.consents, house.clock)
        house.erasure._also, house.erasure._again = self.trainings.erase, self.trainings.again
        house.jobs.at_end.insert(0, self.trainings.imported)
        house.consents.after = self.trainings.withdrawn

    def project(self, name: str, **tags: str) -> str:
        given: dict[str, Any] = {"Tags": tags} if tags else {}
        return str(self.house.ask("CreateProject", ProjectName=name, **given)[0]["ProjectArn"])

    def listed(self, name: str, lines: Sequence[dict[str, Any]]) -> tuple[str, str]:
        """The ARNs of a new project and of its dataset with these lines."""
        project = self.project(name)
        dataset = self.house.ask("CreateDataset", ProjectArn=project, DatasetType="TRAIN")[0]["DatasetArn"]
        told = "\n".join(map(json.dumps, lines)).encode()
        self.house.ask("UpdateDatasetEntries", DatasetArn=dataset, Changes={"GroundTruth": told})
        return project, dataset

    def learned(self, project: str, name: str, **given: Any) -> str:
        """The ARN of a version that was trained, or began to be."""
        output = {"S3Bucket": "results", "S3KeyPrefix": name}
        asked = {"ProjectArn": project, "VersionName": name, "OutputConfig": output, **given}
        version: str = self.house.ask("CreateProjectVersion", **asked)[0]["ProjectVersionArn"]
        work_off(self.rooms)
        return version

    def copied(self, version: str, source: str, project: str) -> str:
        given = {"SourceProjectArn": source, "SourceProjectVersionArn": version, "DestinationProjectArn": project}
        output = {"S3Bucket": "results", "S3KeyPrefix": "copies"}
        answer, _ = self.house.ask("CopyProjectVersion", VersionName="copy", OutputConfig=output, **given)
        work_off(self.rooms)
        return str(answer["ProjectVersionArn"])

    def state(self, version: str) -> str:
        """The state of a version, and what is said of it."""
        project = version.split("/version/")[0]
        for arn in (each["ProjectArn"] for each in self.house.ask("DescribeProjects")[0]["ProjectDescriptions"]):
            if arn.startswith(f"{project}/"):
                for told in self.house.ask("DescribeProjectVersions", ProjectArn=arn)[0]["ProjectVersionDescriptions"]:
                    if told["ProjectVersionArn"] == version:
                        return f"{told['Status']} {told['StatusMessage']}"
        return "gone"

    def refusal(self, version: str) -> str:
        """Why a version does not tell anything of a picture; empty where it does."""
        try:
            image = {"Bytes": coloured("green", 5)}
            self.house.ask("DetectCustomLabels", ProjectVersionArn=version, Image=image)
        except ApiError as error:
            return error.code
        return ""

    def counted(self) -> tuple[int, int]:
        """How many models are kept, and what was seen of how many pictures."""
        with self.house.gallery.reading() as connection:
            kept = [connection.execute(select(func.count()).select_from(each)) for each in (tables.models,)]
            seen = connection.execute(select(func.count()).select_from(tables.features))
            return kept[0].scalar_one(), seen.scalar_one()

    def kept_back(self, project: str, name: str) -> str:
        """Why the model of a version is not given out."""
        given = {"ProjectArn": project, "VersionName": name}
        call = Call(self.house.caller, ours()["ReadVersionModel"], given, "us-east-1", str(uuid4()), loopback=True)
        with pytest.raises(ApiError) as refused:
            self.house.service.answer(call)
        return refused.value.message

    def held(self, person: str) -> dict[str, Any]:
        """What somebody is told that is held on them, which each of the three files says."""
        house = self.house
        access = Access(house.gallery, house.consents, house.logbook, house.clock, taught=self.trainings.taught)
        found = access.export(house.organization, f"external/{person}")
        told: dict[str, Any] = json.loads(found.json)
        for each in told["labels"]["lines"]:
            assert each["picture"] in found.text
            assert each["picture"] in found.page
        return told

    def remover(self, dataset: str) -> Callable[[str], dict[str, Any]]:
        """What removes a picture from a dataset, as our own HTTP API does."""

        def removed(source: str) -> dict[str, Any]:
            given = {"DatasetArn": dataset, "SourceRef": source}
            call = Call(
                self.house.caller, ours()["RemoveDatasetEntry"], given, "us-east-1", str(uuid4()), loopback=True
            )
            return self.house.service.answer(call)

        return removed

    def put(self, key: str, body: bytes) -> None:
        store_client(self.endpoint).put_object(Bucket="pictures", Key=key, Body=body)

    def things(self, folder: str, person: str = "") -> list[dict[str, Any]]:
        """Lines of sixteen pictures of colours, of which two name somebody."""
        lines = []
        for number in range(8):
            for label in ("green", "blue"):
                key = f"{folder}/{label}-{number}.png"
                self.put(key, coloured(label, number))
                lines.append(line(key, label) | ({"regard-people": [person]} if person and number == 3 else {}))
        return lines


@pytest.fixture
def firm(tmp_path: Path, shop: Shop) -> Iterator[Left]:
    made = Left(tmp_path, shop.endpoint)
    yield made
    made.house.logbook.close()


def test_who_is_erased_takes_lines_features_versions_and_copies_along(
    firm: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, dataset = firm.listed("shop", firm.things("erased", "ann"))
    version, other = firm.learned(project, "one"), firm.project("other")
    copy = firm.copied(version, project, other)
    assert firm.state(copy).startswith("COPYING_COMPLETED")
    assert firm.start(version) == "STARTING"
    assert firm.refusal(version) == ""
    firm.house.erase("bob")
    assert firm.counted() == (2, 16)
    assert firm.state(version).startswith("RUNNING")
    held = firm.held("ann")
    pictures = [f"s3://pictures/erased/{colour}-3.png" for colour in ("green", "blue")]
    assert held["labels"] == {
        "lines": [{"project": "shop", "dataset": "TRAIN", "picture": each} for each in pictures],
        "versions": [{"project": "shop", "version": "one"}, {"project": "other", "version": "copy"}],
    }
    assert firm.held("bob")["labels"] == {"lines": [], "versions": []}
    # Lines of before there was an index are read, until a sweep noted whom they name.
    with firm.house.gallery.writing() as connection:
        connection.execute(datasets.entry_people.delete())
        connection.execute(datasets.entries.update().values(named=None))
    assert firm.held("ann")["labels"] == held["labels"]
    assert (firm.trainings.note_people(), firm.trainings.note_people()) == (16, 0)
    assert firm.held("ann")["labels"] == held["labels"]
    # Who asks another organization has no model of this one opened for it.
    assert firm.rooms.workshop is not None
    versions, opened = firm.rooms.workshop.versions, list[int]()
    key = versions.key

    def opening(version: int) -> SealingKey:
        opened.append(version)
        return key(version)

    with monkeypatch.context() as patch:
        patch.setattr(versions, "key", opening)
        assert firm.trainings.taught("another", "external/ann") == Taught()
        assert opened == []
        firm.trainings.taught(firm.house.organization, "external/ann")
        assert len(set(opened)) == 2

    assert "not given out" in firm.kept_back(project, "one")

    firm.house.erase("ann")
    for gone in (version, copy):
        assert firm.state(gone).startswith("EXPIRED Withdrawn: somebody"), firm.state(gone)
    assert firm.refusal(version) == "ResourceNotReadyException"
    assert "is EXPIRED" in firm.start(version)
    assert firm.counted() == (0, 0)
    assert firm.held("ann")["labels"] == {"lines": [], "versions": []}
    left = firm.house.ask("ListDatasetEntries", DatasetArn=dataset)[0]["DatasetEntries"]
    assert len(left) == 14
    assert not any("regard-people" in each for each in left)
    told = [each for each in firm.house.entries() if each.get("change") == "withdrawn"]
    assert len(told) == 2
    assert in_words(told[0]).startswith("A model of one's own was withdrawn")
    assert '"ann"' not in json.dumps(told)
    # What is trained without her stays, and the withdrawn one can be deleted.
    again = firm.learned(project, "two")
    firm.house.erase("ann")
    assert firm.state(again).startswith("TRAINING_COMPLETED")
    firm.house.ask("DeleteProjectVersion", ProjectVersionArn=version)


def test_who_is_erased_while_a_version_learns_of_them_is_not_in_it(firm: Left) -> None:
    project, _ = firm.listed("shop", firm.things("meanwhile", "ann"))
    output = {"S3Bucket": "results", "S3KeyPrefix": "meanwhile"}
    version = firm.house.ask("CreateProjectVersion", ProjectArn=project, VersionName="one", OutputConfig=output)
    steps = 0

    def erased_between(step: Callable[[], Any]) -> Any:
        nonlocal steps
        steps += 1
        if steps == 2:
            firm.house.erase("ann")
        return step()

    work_off(firm.rooms, erased_between)
    assert firm.state(version[0]["ProjectVersionArn"]).startswith("TRAINING_FAILED Somebody in the pictures was erased")
    assert firm.counted()[0] == 0


def test_who_is_erased_while_a_dataset_is_filled_is_not_in_it(firm: Left) -> None:
    place = put_manifest(firm.endpoint, "filled.jsonl", firm.things("filled", "ann"))
    project = firm.project("shop")
    firm.house.ask("CreateDataset", ProjectArn=project, DatasetType="TRAIN", DatasetSource=place)

    def erased_before(step: Callable[[], Any]) -> Any:
        firm.house.erase("ann")
        return step()

    work_off(firm.rooms, erased_before)
    (told,) = firm.house.ask("DescribeProjects", ProjectNames=["shop"])[0]["ProjectDescriptions"]
    (dataset,) = told["Datasets"]
    assert dataset["Status"] == "CREATE_COMPLETE"
    left = firm.house.ask("ListDatasetEntries", DatasetArn=dataset["DatasetArn"])[0]["DatasetEntries"]
    assert len(left) == 14
    assert not any("regard-people" in each for each in left)


@pytest.mark.long
def test_what_a_backup_brings_back_of_somebody_goes_again(firm: Left) -> None:
    firm.house.erase("ann")
    firm.house.clock.now += 10
    listed, _ = firm.listed("shop", firm.things("backup", "ann"))
    versions = [firm.learned(listed, "one"), firm.learned(firm.project("faces"), "two", **_faces(firm, "again"))]
    firm.house.erasure.replay()
    assert [firm.state(each).split()[0] for each in versions] == ["TRAINING_COMPLETED"] * 2
    # A database from before the erasure has not seen it.
    with firm.house.engine.begin() as connection:
        connection.execute(delete(records.erasures))
    firm.house.erasure.replay()
    assert [firm.state(each).split()[0] for each in versions] == ["EXPIRED"] * 2
    assert firm.counted() == (0, 0)


@pytest.mark.long
def test_who_withdraws_takes_versions_of_projects_on_consent_along(firm: Left) -> None:
    names = {"on-consent": "consent", "attested": "attested"}
    versions = {}
    consent = NewConsent("ann", "project:on-consent", "development", NOTICE, 30)
    receipt = firm.house.consents.attest(
        firm.house.caller, firm.house.consents.draw_up(firm.house.organization, consent)
    )
    for name, basis in names.items():
        project = firm.project(name, **{"regard:basis": basis})
        versions[name] = firm.learned(project, name, **_faces(firm, name))
        assert firm.state(versions[name]).startswith("TRAINING_COMPLETED"), firm.state(versions[name])
    firm.house.consents.withdraw(firm.house.organization, receipt.consent.receipt_id)
    assert firm.state(versions["on-consent"]).startswith("EXPIRED Withdrawn: a consent")
    assert firm.state(versions["attested"]).startswith("TRAINING_COMPLETED")
    assert firm.trainings.settle() == 0


def test_a_consent_that_ends_by_itself_ends_what_was_trained_by_it(firm: Left) -> None:
    house, project = firm.house, firm.project("p", **{"regard:basis": "consent"})
    for days in (1, 2):
        asked = NewConsent("ann", "project:p", "development", NOTICE, days)
        house.consents.attest(house.caller, house.consents.draw_up(house.organization, asked))
    version = firm.learned(project, "one", **_faces(firm, "ending"))
    house.clock.now += 86_400 * 1.5
    # The second one counts still.
    assert firm.trainings.settle() == 0
    house.clock.now += 86_400
    assert firm.trainings.settle() == 1
    assert firm.state(version).startswith("EXPIRED")


def test_a_removed_picture_of_somebody_withdraws_what_it_taught_and_one_of_a_thing_does_not(firm: Left) -> None:
    lines = firm.things("removed")
    firm.put("removed/green-3.png", picture_of(9))
    project, dataset = firm.listed("shop", lines)
    firm.house.ask("TagResource", ResourceArn=project, Tags={"regard:retrain": "yes"})
    version = firm.learned(project, "one")
    removed = firm.remover(dataset)
    answer = removed("s3://pictures/removed/blue-1.png")
    assert answer == {"removed_from": [dataset], "withdrawn": []}
    assert firm.state(version).startswith("TRAINING_COMPLETED")
    answer = removed("s3://pictures/removed/green-3.png")
    assert answer == {"removed_from": [dataset], "withdrawn": [version]}
    said = "EXPIRED Withdrawn: a picture of somebody that it was trained with was removed."
    assert firm.state(version) == f"{said} Another is trained by itself, of what is left."


def _faces(firm: Left, name: str) -> dict[str, Any]:
    """Manifests of faces, of which each line names somebody."""
    assets = []
    for numbers in (range(6), range(6, 9)):
        lines = []
        for label, shade in KINDS.items():
            for number in numbers:
                key = f"{name}/{label}-{number}.png"
                firm.put(key, picture_of(shade + number))
                lines.append(line(key, label) | {"regard-people": ["ann"]})
        assets.append(put_manifest(firm.endpoint, f"{name}-{numbers.start}.jsonl", lines))
    return {"TrainingData": {"Assets": assets[:1]}, "TestingData": {"Assets": assets[1:]}}
