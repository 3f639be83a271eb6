"""A lesson: what a training came to, as its job keeps it. How it comes to that is in `teaching`."""

from __future__ import annotations

from typing import Any

import msgspec

from regard.custom.versions.shown import Told
from regard.custom.versions.summaries import Scored
from regard.custom.workbench.tested import Tested


class Lesson(msgspec.Struct, frozen=True):
    """What a training came to: the model, what its labels are worth, and what it tells of each picture of the test.

    `aggregated` stands in the summary beside the means, `more` among what we add, `beside` beside both; `message` says
    what would help. `at` is when it came to its end. `tested` is what the console shows of the test.
    """

    onnx: bytes
    manifest: bytes
    labels: list[Scored]
    aggregated: dict[str, Any]
    more: dict[str, Any]
    beside: dict[str, Any]
    confused: bool
    told: list[Told]
    message: str
    at: float
    tested: Tested = Tested()
