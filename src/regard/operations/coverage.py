"""Coverage: what answers and what does not, for each operation of the API; `docs/coverage.md` is made from this."""

from __future__ import annotations

from typing import NamedTuple

from regard.operations.common.registry import answered, lacks_of
from regard.stewardship.policy.service_model import service_model

# Operations that will not be built, and why.
REFUSED = dict.fromkeys(
    ("StartPersonTracking", "GetPersonTracking"),
    "Tracking persons through pictures is what regard exists to refuse; AWS ended it too (2025-10-31).",
)
_LATER = {
    "StreamProcessor": "Streaming video is later work, and closed to new customers at AWS.",
    "Liveness": "No liveness model of clear origin was found.",
    "Custom": "Custom labels need training, which is not built.",
    "Image": "Later work: the models are chosen, the operation is not built.",
}


class Row(NamedTuple):
    """One operation of the API: a row of `docs/coverage.md`."""

    operation: str
    state: str
    remark: str


def rows() -> list[Row]:
    """A row for every operation of the service model, in the alphabet's order."""
    return [_row(name) for name in sorted(service_model().operation_names)]


def as_markdown() -> str:
    """The text of `docs/coverage.md`."""
    table = rows()
    built = sum(row.state in ("answered", "in part") for row in table)
    lines = [
        "# Which operations answer",
        "",
        f"{built} of {len(table)} operations answer. This page is made by `regard coverage --write`; a test "
        "fails when it is out of date.",
        "",
        "| Operation | answered · in part · refused · not yet | what is missing, or why |",
        "|---|---|---|",
        *(f"| {row.operation} | {row.state} | {row.remark} |" for row in table),
    ]
    return "\n".join(lines) + "\n"


def remark_of(name: str) -> str:
    """Why the operation `name` does not answer, in a sentence."""
    return _row(name).remark


def _row(name: str) -> Row:
    if name in REFUSED:
        return Row(name, "refused", REFUSED[name])
    if name not in answered():
        return Row(name, "not yet", _LATER[_kind(name)])
    lacks = lacks_of(name)
    return Row(name, "in part" if lacks else "answered", lacks)


def _kind(name: str) -> str:
    if "StreamProcessor" in name or "Liveness" in name:
        return next(kind for kind in ("StreamProcessor", "Liveness") if kind in name)
    if any(word in name for word in ("Project", "Dataset", "CustomLabels")):
        return "Custom"
    return "Image"
