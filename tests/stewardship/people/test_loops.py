"""Human loops: a person looks at a picture where a flow says so; its copy goes with the verdict, and with time."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from regard.operations.common.errors import ApiError
from regard.stewardship.people import loops as room
from regard.stewardship.people.flows import Flow, NoSuchFlow
from regard.stewardship.people.loops import Loops, NoSuchLabel, NoSuchLoop
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.policy.service_model import service_model
from regard.stewardship.records import tables
from tests.helpers.fakes import Clock, as_botocore_reads_it, picture_of
from tests.helpers.peopled import House

HOUR, DAY = 3600.0, 86400.0
EXPLICIT = ["Explicit", "Explicit Nudity"]


class Desk(House):
    """A house whose model takes every picture for explicit, and that has a flow for the doubtful ones."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.moderator.confidence = 70.0
        self.loops.flows.define(self.organization, Flow("doubtful", "Explicit", 60, 80))

    def asked(self, name: str = "one", flow: str = "doubtful", **more: Any) -> dict[str, Any]:
        """What is answered of a human loop."""
        arn = f"arn:aws:sagemaker:us-east-1:{self.organization}:flow-definition/{flow}"
        config = {"HumanLoopName": name, "FlowDefinitionArn": arn} | more
        answer, _ = self.ask("DetectModerationLabels", Image={"Bytes": picture_of(1)}, HumanLoopConfig=config)
        told: dict[str, Any] = as_botocore_reads_it("DetectModerationLabels", answer)["HumanLoopActivationOutput"]
        return told

    def refused(self, **given: Any) -> str:
        """The code of the error, which is one of the model's."""
        with pytest.raises(ApiError) as error:
            self.asked(**given)
        model = service_model().operation_model("DetectModerationLabels")
        assert error.value.code in {shape.name for shape in model.error_shapes}
        return error.value.code

    def appointed(self, name: str = "ada", *keys: str) -> Reviewer:
        secret = self.reviews.reviewers.appoint(self.organization, name, keys)
        return self.reviews.reviewers.log_in(self.organization, name, secret)

    def waiting(self, name: str = "ada") -> tuple[Reviewer, str]:
        """A reviewer, and the one loop that waits for them."""
        reviewer = self.appointed(name)
        (loop,) = self.loops.pending(reviewer)
        return reviewer, loop

    def told(self) -> list[str]:
        """What the log says became of loops."""
        return [each["change"] for each in self.entries() if each["kind"] == room.KIND]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data", Clock())


def test_a_loop_starts_where_the_condition_holds(desk: Desk) -> None:
    told = desk.asked(DataAttributes={"ContentClassifiers": ["FreeOfAdultContent"]})
    assert told["HumanLoopArn"] == f"arn:aws:sagemaker:us-east-1:{desk.organization}:human-loop/one"
    assert told["HumanLoopActivationReasons"] == ["ConditionsEvaluation"]
    (condition,) = json.loads(told["HumanLoopActivationConditionsEvaluationResults"])["Conditions"]
    assert condition["EvaluationResult"] is True
    assert condition["ConditionParameters"]["ModerationLabelName"] == "Explicit"
    loop = desk.loops.get(desk.organization, "one")
    assert (loop.flow, loop.labels, loop.right) == ("doubtful", dict.fromkeys(EXPLICIT, 70.0), None)
    assert loop.classifiers == ["FreeOfAdultContent"]


@pytest.mark.parametrize("confidence", [59.9, 80.1])
def test_no_loop_starts_where_the_condition_fails(desk: Desk, confidence: float) -> None:
    desk.moderator.confidence = confidence
    told = desk.asked()
    assert told.keys() == {"HumanLoopActivationConditionsEvaluationResults"}
    (condition,) = json.loads(told["HumanLoopActivationConditionsEvaluationResults"])["Conditions"]
    assert condition["EvaluationResult"] is False
    assert desk.loops.all(desk.organization) == []


@pytest.mark.parametrize(
    ("flow", "labels", "holds"),
    [
        (Flow("any"), {}, False),
        (Flow("any"), {"Violence": 1.0}, True),
        (Flow("low", at_most=50), {"Violence": 50.0}, True),
        (Flow("low", at_most=50), {"Violence": 50.1, "Explicit": 60.0}, False),
        (Flow("named", "Explicit"), {"Violence": 50.0}, False),
        (Flow("named", "Explicit", 50), {"Violence": 99.0, "Explicit": 50.0}, True),
    ],
)
def test_a_condition_is_about_one_label_or_any(flow: Flow, labels: dict[str, float], holds: bool) -> None:
    assert flow.holds(labels) is holds


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Upper"},
        {"name": "-begins"},
        {"name": "x" * 64},
        {"name": "x", "label": "Cats"},
        {"name": "x", "at_least": 60, "at_most": 50},
        {"name": "x", "at_least": float("nan")},
        {"name": "x", "at_most": 101},
    ],
)
def test_a_flow_that_could_never_be_named_or_hold_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Flow(**given)


def test_a_name_is_used_once(desk: Desk) -> None:
    desk.asked()
    assert desk.refused() == "InvalidParameterException"
    desk.asked("two")
    reviewer = desk.appointed()
    desk.loops.decide(reviewer, next(iter(desk.loops.pending(reviewer))), [])
    assert desk.refused() == "InvalidParameterException"
    assert [loop.name for loop in desk.loops.all(desk.organization)] == ["one", "two"]


def test_a_flow_that_is_not_there_is_not_found(desk: Desk) -> None:
    assert desk.refused(flow="other") == "ResourceNotFoundException"
    arn = "arn:aws:sagemaker:us-east-1:999999999999:flow-definition/doubtful"
    assert desk.refused(FlowDefinitionArn=arn) == "ResourceNotFoundException"
    assert desk.refused(FlowDefinitionArn="doubtful") == "ResourceNotFoundException"
    desk.loops.flows.remove(desk.organization, "doubtful")
    assert desk.refused() == "HumanLoopQuotaExceededException"
    with pytest.raises(NoSuchFlow):
        desk.loops.flows.remove(desk.organization, "doubtful")


def test_no_more_wait_than_may(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 2)
    desk.asked("one")
    desk.asked("two")
    assert desk.refused(name="three") == "HumanLoopQuotaExceededException"
    reviewer = desk.appointed()
    desk.loops.decide(reviewer, next(iter(desk.loops.pending(reviewer))), [])
    desk.asked("three")


def test_a_reviewer_says_once_which_labels_are_right(desk: Desk) -> None:
    desk.asked()
    reviewer, loop = desk.waiting()
    with pytest.raises(NoSuchLabel):
        desk.loops.decide(reviewer, loop, ["Violence"])
    desk.loops.decide(reviewer, loop, ["Explicit"])
    found = desk.loops.get(desk.organization, "one")
    assert (found.right, found.reviewer, found.reviewed_at) == (["Explicit"], "ada", desk.clock.now)
    for name in ("ada", "ben"):
        assert desk.loops.pending(desk.appointed(name)) == {}
        with pytest.raises(NoSuchLoop):
            desk.loops.decide(desk.appointed(name), loop, [])


def test_whoever_asked_and_whoever_is_elsewhere_decides_nothing(desk: Desk) -> None:
    desk.asked()
    _, loop = desk.waiting()
    other = desk.organizations.register("Another", "other")
    stranger = desk.reviews.reviewers.log_in(other.id, "eve", desk.reviews.reviewers.appoint(other.id, "eve"))
    for nobody in (desk.appointed("ben", desk.caller.access_key_id), stranger):
        assert desk.loops.pending(nobody) == {}
        with pytest.raises(NoSuchLoop):
            desk.loops.picture(nobody, loop)
        with pytest.raises(NoSuchLoop):
            desk.loops.decide(nobody, loop, [])
    assert desk.loops.all(other.id) == []


def _on_disk(desk: Desk) -> bytes:
    """Every byte that is kept, wherever the tables are."""
    with desk.engine.connect().execution_options(read_only=True) as connection:
        rows = [repr(tuple(row)).encode() for row in connection.execute(select(tables.human_loops))]
        sealed = list(connection.execute(select(tables.human_loops.c.picture)).scalars())
    files = (file.read_bytes() for file in sorted(desk.folder.rglob("*")) if file.is_file())
    return b"".join((*rows, *sealed, *files))


def test_nothing_of_the_picture_is_in_clear_on_disk(desk: Desk) -> None:
    desk.asked()
    copy = desk.loops.picture(*desk.waiting())
    assert copy.startswith(b"\xff\xd8")
    kept, original = _on_disk(desk), picture_of(1)
    pieces = [data[at : at + 16] for data in (copy, original) for at in range(0, len(data) - 16, 16)]
    assert len(pieces) > 40
    assert not [piece for piece in pieces if piece in kept]


def test_the_copy_goes_with_the_verdict(desk: Desk) -> None:
    desk.asked()
    reviewer, loop = desk.waiting()
    assert desk.gallery.house_key(f"loop/{loop}")
    desk.loops.decide(reviewer, loop, EXPLICIT)
    assert desk.gallery.house_key(f"loop/{loop}") is None
    with desk.engine.connect().execution_options(read_only=True) as connection:
        assert list(connection.execute(select(tables.human_loops.c.picture)).scalars()) == [b""]


def test_after_48_hours_what_nobody_looked_at_is_purged_and_said(desk: Desk) -> None:
    desk.asked()
    _, loop = desk.waiting()
    desk.clock.now += 48 * HOUR - 1
    desk.retention.sweep()
    assert desk.loops.get(desk.organization, "one").right is None
    desk.clock.now += 1
    with pytest.raises(NoSuchLoop):
        desk.loops.get(desk.organization, "one")
    desk.retention.sweep()
    assert desk.gallery.house_key(f"loop/{loop}") is None
    with desk.engine.connect().execution_options(read_only=True) as connection:
        assert connection.execute(select(tables.human_loops)).all() == []
    assert desk.told() == ["opened", "expired"]
    assert "HumanLoopArn" in desk.asked()


def test_a_name_is_free_again_before_any_sweep(desk: Desk) -> None:
    desk.asked()
    desk.clock.now += 48 * HOUR
    assert "HumanLoopArn" in desk.asked()
    assert len(desk.loops.all(desk.organization)) == 1


def test_a_verdict_can_be_read_for_30_days(desk: Desk) -> None:
    desk.asked()
    desk.loops.decide(*desk.waiting(), [])
    assert desk.told() == ["opened", "reviewed"]
    desk.clock.now += 30 * DAY - 1
    desk.retention.sweep()
    assert desk.loops.get(desk.organization, "one").right == []
    desk.clock.now += 1
    desk.retention.sweep()
    assert desk.loops.all(desk.organization) == []
    assert "expired" not in desk.told()


def test_the_log_tells_of_a_loop_in_coarse_words(desk: Desk) -> None:
    desk.asked("a-telling-name")
    desk.loops.decide(*desk.waiting(), ["Explicit"])
    assert desk.told() == ["opened", "reviewed"]
    entries = [entry for entry in desk.entries() if entry["kind"] == room.KIND]
    fields = {"kind", "at", "change", "purpose", "organization", "record", "commitments"}
    assert all(entry.keys() == fields for entry in entries)
    for word in (b"a-telling-name", b"doubtful", b'"ada"', b"Explicit", desk.organization.encode()):
        assert word not in desk.log()


def test_the_entry_of_the_call_is_the_same_with_a_loop_and_without(desk: Desk) -> None:
    desk.asked()
    desk.moderator.confidence = 90.0
    desk.asked("two")
    with_loop, without = [entry for entry in desk.entries() if entry["kind"] == "regard/call"]
    assert with_loop["models"] == without["models"] == {"ModerationModelVersion": "7.0"}
    assert with_loop.keys() - {"record"} == without.keys()


def test_of_many_who_come_at_once_one_starts_and_one_decides(desk: Desk) -> None:
    def count(done: Callable[[int], object], refusal: type[Exception]) -> int:
        def tried(number: int) -> int:
            try:
                done(number)
            except refusal:
                return 0
            return 1

        with ThreadPoolExecutor(4) as pool:
            return sum(pool.map(tried, range(4)))

    assert count(lambda _: desk.asked(), ApiError) == 1
    reviewers = [desk.appointed(f"reviewer-{number}") for number in range(4)]
    (loop,) = desk.loops.pending(reviewers[0])
    step = Barrier(4)

    def in_step() -> float:
        step.wait(10)
        return desk.clock.now

    loops = Loops(desk.engine, desk.gallery, desk.logbook, in_step)
    assert count(lambda number: loops.decide(reviewers[number], loop, []), NoSuchLoop) == 1
    assert desk.told() == ["opened", "reviewed"]


def test_a_loop_that_is_refused_leaves_nothing(desk: Desk) -> None:
    desk.asked()
    before = desk.keys()
    desk.refused()
    assert desk.keys() == before
    assert [entry["outcome"] for entry in desk.entries() if entry["kind"] == "regard/call"] == [
        "answered",
        "InvalidParameterException",
    ]
