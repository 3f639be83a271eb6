"""The report of a bias audit: one canonical text, and the signed statement that names it by its hash. That on the log
is :mod:`regard.stewardship.reports.report`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import rfc8785

from regard.evaluation.bias import AUDIT
from regard.evaluation.bias.abstention import Abstention, Remedy, abstentions, remedies
from regard.evaluation.bias.audit import GALLERIES, ByAttribute, Findings, Progress, Threshold, each_measure, findings
from regard.evaluation.samples.sample import CROSSED, Sample
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Signer, Verifier, open_note, sign_note


class BadReport(ValueError):
    """A report or statement that is not what it should be; the text says how."""


class Report(msgspec.Struct, frozen=True):
    """Everything that an audit says. `made` is the time in ISO 8601, UTC; `model` the FaceModelVersion.

    In its text, null stands for what could not be measured, and for an interval's side that has no end.
    """

    made: str
    model: str
    service: str
    findings: Findings
    abstentions: list[Abstention]
    remedies: list[Remedy]

    @property
    def text(self) -> bytes:
        """The report as canonical JSON (RFC 8785)."""
        return rfc8785.dumps(plain(msgspec.to_builtins(self)))

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text).hexdigest()


class Statement(msgspec.Struct, frozen=True):
    """What is signed, and what the log says of an audit: the report's hash, and its results in short."""

    report: str
    made: str
    model: str
    results: dict[str, Any]
    kind: str = AUDIT

    @classmethod
    def of(cls, report: Report) -> Statement:
        """The statement on a report."""
        told = report.findings
        results = {
            "pictures": told.pictures,
            "people": told.people,
            "disparities found": {
                _place(attribute, measure, at): one.told for attribute, measure, at, one in told.found()
            },
            "rates": {each.name: _rates(each) for each in told.attributes if CROSSED not in each.name},
        }
        return cls(report.digest, report.made, report.model, results)

    @property
    def body(self) -> dict[str, Any]:
        """Plain data, for a note or an entry."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        return body


def report_on(
    sample: Sample,
    thresholds: Sequence[Threshold],
    *,
    made: datetime,
    model: str,
    service: str,
    galleries: Sequence[int] = GALLERIES,
    progress: Progress = lambda _: None,
) -> Report:
    """Audit a sample. Raises SampleError."""
    found = findings(sample, thresholds, galleries, progress=progress)
    progress("what refusing would even out")
    tried = abstentions(sample, found, thresholds)
    return Report(f"{made:%Y-%m-%dT%H:%M:%SZ}", model, service, found, tried, remedies(found, tried))


def signed(report: Report, signers: Iterable[Signer]) -> bytes:
    """The statement on a report as a signed note (C2SP), its text one line of canonical JSON."""
    return sign_note(canonical(Statement.of(report).body).decode() + "\n", signers)


def verified(text: bytes, note: bytes, verifiers: Sequence[Verifier]) -> Statement:
    """The statement in `note` on the report whose text this is. Raises NoteError and BadReport."""
    try:
        statement = msgspec.json.decode(open_note(note, verifiers).text, type=Statement)
    except msgspec.MsgspecError as error:
        raise BadReport(f"the note is no statement on an audit: {error}") from None
    found = hashlib.sha256(text).hexdigest()
    if found != statement.report or statement.kind != AUDIT:
        raise BadReport(f"the note is on the report {statement.report}, and this one is {found}")
    return statement


def _place(attribute: str, measure: str, at: Threshold | None) -> str:
    return f"{attribute}, {measure}" + (f", {at.name}" if at else "")


def _rates(of: ByAttribute) -> dict[str, dict[str, str]]:
    return {
        _place("", measure, at).removeprefix(", "): {
            group: rate.told for group, rate in zip(of.groups, told.rates, strict=True)
        }
        for measure, at, told in each_measure(of)
    }


def plain(value: Any) -> Any:
    """Plain data as JSON can tell it: null for what is no finite number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
