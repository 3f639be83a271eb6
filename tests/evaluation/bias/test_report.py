"""The report, its signature, and the card."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from regard.evaluation.bias import AUDIT
from regard.evaluation.bias.audit import Threshold, at_rate
from regard.evaluation.bias.card import card
from regard.evaluation.bias.report import BadReport, Report, Statement, report_on, signed, verified
from regard.evaluation.document import as_html, as_markdown
from regard.evaluation.samples.sample import Attribute
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import NoteError, Signer
from regard.stewardship.logbook.public_entries import Audit
from tests.helpers.evaluating import degraded


@pytest.fixture(scope="module")
def report() -> Report:
    sample = degraded(1, 150, [0.8, 1.2])
    towns = Attribute.of("<b>town", [f"town {subject % 3}" for subject in sample.subjects])
    sample = type(sample)(
        sample.subjects,
        (*sample.attributes, towns),
        sample.enrolled,
        sample.embeddings,
        {"HIGH": np.arange(len(sample)) % 7 == 0},
    )
    thresholds = [Threshold("loose", at_rate(sample, 1e-3)), Threshold("Similarity 99", 0.9)]
    return report_on(sample, thresholds, made=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), model="1.0", service="0")


def test_a_signed_report_verifies_and_a_changed_one_does_not(report: Report) -> None:
    signer, other = Signer.generate("operator.example"), Signer.generate("other.example")
    note = signed(report, [signer])
    statement = verified(report.text, note, [signer.verifier])
    assert statement == Statement.of(report)
    with pytest.raises(BadReport):
        verified(report.text.replace(b'"people":150', b'"people":151'), note, [signer.verifier])
    with pytest.raises(NoteError):
        verified(report.text, note.replace(b"1.0", b"2.0"), [signer.verifier])
    with pytest.raises(NoteError):
        verified(report.text, note, [other.verifier])


def test_a_note_on_something_else_is_no_statement(report: Report) -> None:
    from regard.ledger.tree.notes import sign_note

    signer = Signer.generate("operator.example")
    with pytest.raises(BadReport, match="no statement"):
        verified(report.text, sign_note("hello\n", [signer]), [signer.verifier])


def test_the_text_is_json_that_every_reader_takes(report: Report) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    told = json.loads(report.text, parse_constant=refuse)
    assert told["findings"]["people"] == 150
    assert told["made"] == "2026-01-02T03:04:05Z"
    # At a threshold where nobody matches, a rate is bounded and no ratio given.
    strict = told["findings"]["attributes"][0]["thresholds"][1]["false_match"]
    assert strict["spread"] is None
    assert all(rate["interval"]["high"] > 0 for rate in strict["rates"])


def test_what_the_log_says_fits_an_entry_and_the_transparency_report(report: Report) -> None:
    entry = canonical(Statement.of(report).body | {"at": "2026-01-02T03:00Z"})
    read = msgspec.json.decode(entry, type=Audit)
    assert read.model == "1.0"
    assert any("group, false non-match, loose" in name for name in read.results["disparities found"])
    assert json.loads(entry)["kind"] == AUDIT
    assert "group" in read.results["rates"]
    assert "group × <b>town" not in read.results["rates"]


def test_no_subject_is_in_what_leaves_the_audit(report: Report) -> None:
    told = report.text.decode()
    assert "subject" not in told
    assert "embedding" not in told


def test_the_card_says_what_was_found_in_markdown_and_as_a_page(report: Report) -> None:
    blocks = card(report)
    markdown, page = as_markdown(blocks), as_html(blocks)
    assert "# Bias audit" in markdown
    assert "group, false non-match at loose: group 1" in markdown
    assert report.digest in markdown
    assert report.digest in page
    assert "<b>town" not in page
    for fetched in ("<script", "src=", "href=", "url(", "@import"):
        assert fetched not in page
    charts = [part.split("</figure>")[0] for part in page.split("<figure>")[1:]]
    assert charts
    for chart in charts:
        assert ElementTree.fromstring(chart).tag.endswith("svg")
