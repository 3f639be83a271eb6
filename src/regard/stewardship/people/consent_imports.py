"""Imports of consents in bulk, from CSV or JSON, with a report on every row. `parties.imports` is for parties."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from regard.stewardship.people.consent import BadReceipt, Consent, NewConsent, Notice, ProofKind, ReferenceFace, signed
from regard.stewardship.people.consents import Consents
from regard.stewardship.policy.call import Caller

COLUMNS = ("subject", "collection", "purpose", "notice_version", "notice_language", "notice_sha256", "days")
_OPTIONAL = ("suppression", "portrait", "reference_sha256", "reference_box", "note", "subject_key")
_YES = ("1", "true", "yes")


@dataclass(slots=True)
class Report:
    """What an import did, or in a dry run would do. `refused` are rows, counted from 1, and why."""

    rows: int = 0
    entered: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def read(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a head, or of a JSON array of objects. Raises ValueError."""
    if file.suffix.lower() == ".json":
        rows = json.loads(file.read_text())
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"{file} is no JSON array of objects")
        return [{str(name): _as_text(value) for name, value in row.items()} for row in rows]
    with file.open(newline="") as text:
        return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(text)]


def load(
    consents: Consents,
    caller: Caller,
    rows: Iterable[dict[str, str]],
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Take in each row on its own: one that is refused leaves the others. The same consent again counts as known.

    A row with a `note` is a signed consent; without `subject_key` by the organization's key. Any other is vouched for
    by the caller's access key.
    """
    report = Report()
    known = {_terms(receipt.consent) for receipt in consents.all(caller.organization) if receipt.withdrawn is None}
    for number, row in enumerate(rows, 1):
        report.rows = number
        try:
            report.known += (found := _enter(consents, caller, row, known, dry_run)) is None
            if found is not None:
                known.add(_terms(found))
                report.entered += 1
        except (BadReceipt, ValueError) as error:
            report.refused.append((number, str(error)))
        progress(number)
    return report


def _enter(
    consents: Consents, caller: Caller, row: dict[str, str], known: set[tuple[Any, ...]], dry_run: bool
) -> Consent | None:
    if note := row.get("note"):
        key = row.get("subject_key") or None
        consent = Consent.parse(note.partition("\n\n")[0] + "\n")
        if _terms(consent) in known:
            return None
        if dry_run:
            return consent if key is None else signed(note, key, ProofKind.SUBJECT)[0]
        return consents.take(caller.organization, note, key).consent
    consent = _drawn(consents, caller, row)
    if _terms(consent) in known:
        return None
    return consent if dry_run else consents.attest(caller, consent).consent


def _drawn(consents: Consents, caller: Caller, row: dict[str, str]) -> Consent:
    if missing := [name for name in COLUMNS if not row.get(name)]:
        raise BadReceipt(f"without {', '.join(missing)} it is no consent")
    if unknown := sorted({*row} - {*COLUMNS, *_OPTIONAL}):
        raise BadReceipt(f"there is no column {', '.join(unknown)}; there are {', '.join((*COLUMNS, *_OPTIONAL))}")
    try:
        notice = Notice(row["notice_version"], row["notice_language"], row["notice_sha256"])
        reference = None
        if row.get("reference_box"):
            box = tuple(float(part) for part in row["reference_box"].split())
            reference = msgspec.convert({"sha256": row.get("reference_sha256"), "box": box}, ReferenceFace)
        asked = NewConsent(
            row["subject"],
            row["collection"],
            row["purpose"],
            notice,
            int(row["days"]),
            reference=reference,
            suppression=row.get("suppression", "").lower() in _YES,
            portrait=row.get("portrait", "").lower() in _YES,
        )
        return consents.draw_up(caller.organization, asked)
    except msgspec.ValidationError as error:
        raise BadReceipt(str(error)) from None


def _terms(consent: Consent) -> tuple[Any, ...]:
    notice = consent.privacy_notice
    also = consent.suppression, consent.portrait
    return (consent.pii_principal_id, consent.collection, consent.purpose, notice.sha256, *also)


def _as_text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
