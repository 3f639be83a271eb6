"""A version that was lost is trained anew by itself, once, from what is left, as whoever had it trained might now."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest

from regard.custom.projects import Feature
from regard.custom.versions.states import REPLACED, State
from regard.custom.versions.versions import Version
from regard.house import open_house
from regard.jobs import desk
from regard.operations.custom.retraining import PAUSE_SECONDS, QUIET_SECONDS, Retraining
from regard.operations.service import Service
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.logbook.entry_words import in_words
from regard.vision import eyes
from regard.vision.heads.head import Base
from regard.vision.things.features import Features
from tests.helpers.custom import Colours, line, put_manifest
from tests.helpers.fakes import FakeAnalyzer
from tests.helpers.started import started, stop
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_withdrawn import Left

RETRAIN = {"regard:retrain": "yes"}
WITHDRAWN = "Withdrawn: somebody in the pictures that it was trained with was erased."


@dataclass
class Newer(Colours):
    """A backbone of another release."""

    @property
    def base(self) -> Base:
        return Base("colours", "1" * 64, "quarters")


class Again(Left):
    """A firm that trains anew what it loses."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        super().__init__(folder, endpoint)
        self.retraining = Retraining(self.house.service.answer, self.rooms)

    def listing(self, name: str, lines: list[dict[str, Any]], **tags: str) -> tuple[str, str]:
        """The ARNs of a project that trains anew, and of its dataset."""
        project = self.project(name, **RETRAIN | tags)
        dataset = self.house.ask("CreateDataset", ProjectArn=project, DatasetType="TRAIN")[0]["DatasetArn"]
        self.add(dataset, lines)
        return project, dataset

    def add(self, dataset: str, lines: list[dict[str, Any]]) -> None:
        told = "\n".join(map(json.dumps, lines)).encode()
        self.house.ask("UpdateDatasetEntries", DatasetArn=dataset, Changes={"GroundTruth": told})

    def named(self, folder: str, *people: str) -> list[dict[str, Any]]:
        """Lines of sixteen pictures, of each label one more for each of these people, whom it names."""
        lines = self.things(folder)
        for place, person in enumerate(people):
            for each in lines[2 * place : 2 * place + 2]:
                each["regard-people"] = [person]
        return lines

    def swept(self, seconds: float = QUIET_SECONDS) -> int:
        """How many were begun so many seconds later."""
        self.house.clock.now += seconds
        return self.retraining.sweep()

    def told(self, project: str) -> dict[str, str]:
        """The versions of a project by their names, each with its state and what is said of it."""
        found = self.house.ask("DescribeProjectVersions", ProjectArn=project)[0]["ProjectVersionDescriptions"]
        names = (each["ProjectVersionArn"].split("/")[3] for each in found)
        return {name: f"{each['Status']} {each['StatusMessage']}" for name, each in zip(names, found, strict=True)}

    def unwanted(self, project: str) -> None:
        self.house.ask("TagResource", ResourceArn=project, Tags={"regard:retrain": "no"})

    def stopped(self, _project: str) -> None:
        self.house.council.suspend("detect", "an incident", operator_key(self.folder / "council.key"))

    def revoked(self, _project: str) -> None:
        self.house.organizations.keys.revoke(self.house.caller.access_key_id)

    def kept(self, name: str) -> dict[str, str]:
        """What is said of the versions of a project, by their names, without asking as anybody."""
        workshop = self.rooms.workshop
        assert workshop is not None
        with self.house.gallery.reading() as connection:
            project = workshop.projects.named(connection, self.house.organization, name)
            assert project is not None
            found = workshop.versions.page(connection, project, 0, 100)
        return {each.name: str(each.told["StatusMessage"]) for each in found}

    def lose(self, project: str, name: str = "one", **given: Any) -> Version:
        """A version that was asked for, and withdrawn before it was trained."""
        asked = _named(project, name) | given
        arn = self.house.ask("CreateProjectVersion", **asked)[0]["ProjectVersionArn"]
        assert self.rooms.workshop is not None
        versions, organization = self.rooms.workshop.versions, self.house.organization
        with self.house.gallery.writing() as connection:
            versions.withdraw(connection, versions.find(connection, organization, arn), "Withdrawn.")
            lost = versions.find(connection, organization, arn)
        self.house.jobs.cancel(lost.job)
        return lost


@pytest.fixture
def firm(tmp_path: Path, shop: Shop) -> Iterator[Again]:
    made = Again(tmp_path, shop.endpoint)
    yield made
    made.house.logbook.close()


@pytest.mark.long
@pytest.mark.slow("trains four times behind the gate")
def test_many_who_are_erased_within_a_moment_come_to_one_training_without_them(firm: Again) -> None:
    project, dataset = firm.listing("shop", firm.named("many", "ann", "bob", "eve"))
    firm.learned(project, "one")
    digest = _digest(firm, project, "one")
    for person in ("ann", "bob"):
        firm.house.erase(person)
        assert firm.swept(QUIET_SECONDS - 1) == 0
    assert firm.told(project) == {"one": f"EXPIRED {WITHDRAWN} Another is trained by itself, of what is left."}
    assert firm.swept(1) == 1
    assert firm.swept() == 0
    # Who is erased while it learns has it begun once more.
    _work_off_and(firm, lambda: firm.house.erase("eve"))
    assert firm.told(project)["one"] == f"EXPIRED {WITHDRAWN} Trained again as one-again-1."
    assert firm.told(project)["one-again-1"].startswith("TRAINING_FAILED What is to be learned from was changed")
    assert [firm.swept(), firm.swept()] == [1, 0]
    work_off(firm.rooms)
    assert [*firm.told(project)] == ["one-again-2", "one-again-1", "one"]
    assert firm.told(project)["one-again-2"].startswith("TRAINING_COMPLETED")
    assert len(firm.house.ask("ListDatasetEntries", DatasetArn=dataset)[0]["DatasetEntries"]) == 10
    for person in ("ann", "bob", "eve"):
        assert firm.held(person)["labels"] == {"lines": [], "versions": []}
    # The log says that nobody asked, and for which removal: by the digest that the withdrawal has.
    entries = firm.house.entries()
    begun = [each for each in entries if each.get("operation") == "CreateProjectVersion" and "renews" in each]
    (withdrawn,) = [each for each in entries if each.get("change") == "withdrawn"]
    assert [each["renews"] for each in begun] == [digest, digest] == [withdrawn["model"]] * 2
    assert {each["purpose"] for each in begun} == {"development"}
    assert in_words(begun[0]).endswith(f"Begun by the service itself, in the place of the model {digest[:12]}….")
    assert not [each for each in ("ann", "bob", "eve") if f'"{each}"' in json.dumps(entries)]


def test_whoever_is_erased_does_not_come_back_by_a_line_that_is_put_back(firm: Again) -> None:
    lines = firm.named("back", "ann")
    project, dataset = firm.listing("shop", lines)
    firm.learned(project, "one")
    firm.house.erase("ann")
    firm.add(dataset, lines)
    assert firm.swept() == 1
    work_off(firm.rooms)
    told = firm.told(project)
    assert told["one-again-1"] == (
        "TRAINING_FAILED Somebody in the pictures was erased, and is in none that is trained by itself."
    )
    # Nor is that tried again and again.
    assert firm.swept() == 0


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (Again.unwanted, "The project does not say so any more. "),
        (Again.stopped, "[suspended] operator stopped the capability detect"),
        (Again.revoked, "[revoked-key] The access key"),
    ],
    ids=["unwanted", "stopped", "revoked"],
)
def test_what_nobody_may_have_trained_now_is_not_begun_and_says_why(
    firm: Again, meanwhile: Callable[[Again, str], None], why: str
) -> None:
    project, _ = firm.listing("shop", _lines())
    firm.lose(project)
    meanwhile(firm, project)
    assert firm.swept() == 0
    told = firm.kept("shop")
    assert [*told] == ["one"]
    assert told["one"].startswith(f"Withdrawn. None was trained by itself: {why}")
    assert told["one"].endswith(" Train another version.")
    assert not [each for each in firm.house.jobs.all() if each.state.open]
    # What refuses it today is not asked again tomorrow.
    entries = len(firm.house.entries())
    assert firm.swept(86_400) == 0
    assert len(firm.house.entries()) == entries


def test_a_key_that_is_revoked_once_it_is_begun_trains_nothing(firm: Again) -> None:
    project, _ = firm.listing("shop", _lines())
    firm.lose(project)
    assert firm.swept() == 1
    firm.revoked(project)
    work_off(firm.rooms)
    assert firm.kept("shop")["one-again-1"].startswith("[revoked-key] ")


def test_nothing_follows_where_nobody_wants_it_or_lines_are_not_ours_to_remove(firm: Again) -> None:
    plain, _ = firm.listed("plain", _lines())
    firm.lose(plain)
    place = put_manifest(firm.endpoint, "bucket.jsonl", _lines())
    given: dict[str, Any] = {"TrainingData": {"Assets": [place]}, "TestingData": {"AutoCreate": True}}
    listed = firm.project("listed", **RETRAIN)
    firm.lose(listed, **given)
    # An adapter has AutoUpdate for it, and the tag says nothing.
    for update in ("ENABLED", "DISABLED"):
        asked = {"ProjectName": update, "Feature": "CONTENT_MODERATION", "AutoUpdate": update, "Tags": RETRAIN}
        firm.lose(firm.house.ask("CreateProject", **asked)[0]["ProjectArn"], **given)
    by_hand = "Withdrawn. Train another version: it is without them."
    of_manifests = "Withdrawn. It learned from manifests in a bucket: take their lines out of these, and train another"
    assert firm.swept() == 0
    assert firm.kept("plain") == {"one": by_hand}
    assert firm.kept("listed")["one"].startswith(of_manifests)
    assert firm.kept("ENABLED")["one"].startswith(of_manifests)
    assert firm.kept("DISABLED") == {"one": by_hand}


def test_an_adapter_follows_by_auto_update_and_one_of_too_few_lines_fails_as_any_does(firm: Again, shop: Shop) -> None:
    asked = {"ProjectName": "safe", "Feature": "CONTENT_MODERATION", "AutoUpdate": "ENABLED"}
    project = firm.house.ask("CreateProject", **asked)[0]["ProjectArn"]
    dataset = firm.house.ask("CreateDataset", ProjectArn=project, DatasetType="TRAIN")[0]["DatasetArn"]
    safe: dict[str, Any] = {"content-moderation-groundtruth": {"ModerationLabels": []}}
    firm.add(dataset, [{"source-ref": each["source-ref"]} | safe for each in shop.lines[:2]])
    config = {"ContentModeration": {"ConfidenceThreshold": 70}}
    firm.lose(project, FeatureConfig=config, Tags={"team": "safety"})
    assert firm.swept() == 1
    work_off(firm.rooms)
    described = firm.house.ask("DescribeProjectVersions", ProjectArn=project)[0]["ProjectVersionDescriptions"][0]
    assert (described["Status"], described["FeatureConfig"]) == ("TRAINING_FAILED", config)
    assert described["OutputConfig"] == {"S3Bucket": "results", "S3KeyPrefix": "one"}
    tags = firm.house.ask("ListTagsForResource", ResourceArn=described["ProjectVersionArn"])[0]["Tags"]
    assert tags == {"team": "safety"}
    assert described["StatusMessage"].startswith("The manifest file has too few usable labels.")
    assert firm.swept() == 0


def test_one_follows_whoever_is_killed_and_however_many_look(firm: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _ = firm.listing("shop", _lines())
    lost = firm.lose(project)
    assert lost.lost is not None

    def killed(*_given: Any) -> None:
        raise KeyboardInterrupt

    # The last that its transaction does.
    assert firm.rooms.workshop is not None
    with monkeypatch.context() as patched:
        patched.setattr(firm.rooms.workshop.versions, "at_work", killed)
        with pytest.raises(KeyboardInterrupt):
            firm.swept()
    assert [*firm.told(project)] == ["one"]
    assert not [each for each in firm.house.jobs.all() if each.state.open]
    # Another process, that found it due before the first began, and one that looks afterwards.
    other = Retraining(firm.house.service.answer, firm.rooms)
    assert firm.swept(0) == 1
    assert not other._begun(lost, lost.lost)
    assert other.sweep() == 0
    assert firm.swept(PAUSE_SECONDS) == 0
    assert [*firm.told(project)] == ["one-again-1", "one"]


def test_a_full_queue_is_waited_for(firm: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _ = firm.listing("shop", _lines())
    firm.lose(project)
    with monkeypatch.context() as patched:
        patched.setattr(desk, "MOST_OPEN", 0)
        assert firm.swept() == 0
    assert firm.swept(PAUSE_SECONDS - 1) == 0
    assert firm.swept(1) == 1


def test_half_of_the_queue_is_left_to_whoever_asks(firm: Again) -> None:
    project, _ = firm.listing("shop", _lines())
    half = desk.MOST_OPEN // 2
    for number in range(half + 1):
        firm.lose(project, f"v{number}")
    assert [firm.swept(), firm.swept()] == [half, 0]
    firm.house.jobs.cancel(next(each.id for each in firm.house.jobs.all() if each.state.open))
    assert firm.swept() == 1


@pytest.mark.long
@pytest.mark.slow("trains twice behind the gate")
def test_a_version_of_a_backbone_that_is_gone_is_trained_anew_on_the_one_that_is_here(firm: Again) -> None:
    project, _ = firm.listing("shop", firm.named("backbone"))
    other, _ = firm.listed("plain", firm.things("backbone"))
    firm.learned(project, "one")
    firm.learned(other, "one")
    assert firm.swept() == 0
    newer = replace(firm.rooms, features=cast(Features, Newer()))
    # As a service finds it that was started with other weights.
    firm.retraining = Retraining(Service(firm.house.service.gate, newer).answer, newer)
    assert firm.swept() == 1
    assert [firm.swept(), [*firm.told(other)]] == [0, ["one"]]
    work_off(newer)
    told = firm.told(project)
    assert told["one"].endswith(f"{REPLACED} Trained again as one-again-1.")
    assert told["one-again-1"].startswith("TRAINING_COMPLETED")
    assert firm.swept() == 0


def test_names_say_which_of_them_it_is(firm: Again) -> None:
    project, _ = firm.listing("shop", _lines())
    for name in ("a" * 255, "one-again-7", "two"):
        firm.lose(project, name)
    firm.house.ask("CreateProjectVersion", **_named(project, "two-again-1"))
    assert firm.swept() == 3
    expected = {"a" * 247 + "-again-1", "one-again-7-again-1", "two-again-2"}
    assert expected <= {*firm.told(project)}


def test_a_service_looks_for_what_is_due_at_each_sweep(tmp_path: Path) -> None:
    office = started(tmp_path)
    with patch.object(eyes, "open_analyzer", lambda *_: FakeAnalyzer()):
        holdings = open_house(office).holdings
    workshop, organization = holdings.workshop, office.organizations.operator().id
    with holdings.gallery.writing() as connection:
        made = workshop.projects.create(connection, organization, "p", Feature.CUSTOM_LABELS, None, RETRAIN)
        # As one from before it was kept who had it trained.
        lost = workshop.versions.create(connection, made, "old", State.TRAINING, {}, {})
        workshop.versions.withdraw(connection, lost, "Withdrawn.")
    workshop.clock = lambda: time.time() + QUIET_SECONDS
    holdings.retention.sweep()
    with holdings.gallery.reading() as connection:
        said = workshop.versions.get(connection, organization, lost.id).told["StatusMessage"]
    assert said.startswith("Withdrawn. None was trained by itself: It is not known who had this one trained.")
    stop(office)


def _named(project: str, name: str) -> dict[str, Any]:
    """What a version of this name is asked for with."""
    output = {"S3Bucket": "results", "S3KeyPrefix": "one"}
    return {"ProjectArn": project, "VersionName": name, "OutputConfig": output}


def _lines() -> list[dict[str, Any]]:
    """Lines of pictures that nobody looks at."""
    return [line(f"nowhere/{label}-{number}.png", label) for number in range(2) for label in ("green", "blue")]


def _digest(firm: Again, project: str, name: str) -> str:
    """The digest of a version's model."""
    workshop = firm.rooms.workshop
    assert workshop is not None
    with firm.house.gallery.reading() as connection:
        found = workshop.projects.find(connection, firm.house.organization, project)
        return workshop.versions.page(connection, found, 0, 1, [name])[0].digest


def _work_off_and(firm: Again, meanwhile: Callable[[], object]) -> None:
    """Work on what waits, and do something before its second step."""
    steps = 0

    def between(step: Callable[[], Any]) -> Any:
        nonlocal steps
        steps += 1
        if steps == 2:
            meanwhile()
        return step()

    work_off(firm.rooms, between)
