"""Coverage: a row for every operation, and no claim that is not true."""

from __future__ import annotations

from pathlib import Path

from regard.operations import coverage
from regard.operations.common.registry import answered
from regard.stewardship.policy.call import Capability, DataClass
from regard.stewardship.policy.packs import Pack
from regard.stewardship.policy.policy import rules_of
from regard.stewardship.policy.service_model import service_model

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == coverage.as_markdown(), "run `make docs`"


def test_every_operation_of_the_service_model_has_one_row() -> None:
    assert [row.operation for row in coverage.rows()] == sorted(service_model().operation_names)
    assert len(coverage.rows()) == 75


def test_what_does_not_answer_in_full_says_why() -> None:
    for row in coverage.rows():
        assert (row.state == "answered") == (row.remark == ""), row


def test_every_answering_operation_is_in_the_model_and_declares_what_it_does() -> None:
    for name, operation in answered().items():
        assert name in service_model().operation_names
        assert isinstance(operation.capability, Capability)
        assert isinstance(operation.data, DataClass)


def test_what_is_refused_does_not_answer_and_names_the_rule() -> None:
    rules = {rule.id: rule.sentence for rule in rules_of(Pack.shipped("moratorium").rules)}
    for row in coverage.rows():
        rule, _, sentence = row.remark.removeprefix("[").partition("] ")
        assert (row.state == "refused") == (rules.get(rule) == sentence), row
    assert not coverage.refused().keys() & answered().keys()
