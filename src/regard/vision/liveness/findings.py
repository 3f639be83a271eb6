"""What is found of a session: checks, each with its figure and its limit, and what they come to."""

from __future__ import annotations

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One check. `measured` passes on the side of `limit` that `why` says; `why` is a sentence for people."""

    name: str
    passed: bool
    measured: float
    limit: float
    why: str


class Findings(msgspec.Struct, frozen=True):
    """`confidence` is 0 to 100 (docs/liveness.md says of what), 0 where a check failed; `passed` says that none did.

    `reference` is the number, among the frames given from 0 on, of the one that shows the face best, None where none
    shows it; `audits` are up to four more, in order, spread over the session.
    """

    confidence: float
    passed: bool
    checks: tuple[Check, ...]
    reference: int | None
    audits: tuple[int, ...]
