"""Whether the face model in use was lately audited for bias, by the record. `evaluation.bias` makes such an audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Engine, select

from regard.evaluation.bias import AUDIT
from regard.reader import Reader
from regard.stewardship.records import tables

_DAY = 86_400


class Audits:
    """The audits of face models. Thread-safe. An audit counts for `days`; it was entered by `regard audit run`.

    `model` is the one that runs, which is meant where no other is named.
    """

    def __init__(self, engine: Engine, model: str, days: int, clock: Callable[[], float] = time.time) -> None:
        of = tables.records.c
        query = select(of.at, of.body).where(of.kind == AUDIT).order_by(of.sequence.desc())
        self._reader = Reader(engine, query)
        self._model = model
        self._days = days
        self._clock = clock

    def last(self, model: str = "") -> float | None:
        """When the model was audited last, in seconds since 1970; None for never."""
        rows = ((at, msgspec.json.decode(body)) for at, body in self._reader.rows())
        return next((float(at) for at, body in rows if body["model"] == (model or self._model)), None)

    def found(self, model: str = "") -> list[dict[str, Any]]:
        """What each audit of the model found, as the log tells it, the newest first."""
        bodies = [dict(msgspec.json.decode(body)) for _, body in self._reader.rows()]
        return [body for body in bodies if body["model"] == (model or self._model)]

    def current(self, model: str = "") -> bool:
        """Whether an audit of the model counts now."""
        last = self.last(model)
        return last is not None and self._clock() < last + self._days * _DAY

    def opening(self) -> list[str]:
        """What everybody should see when the service starts."""
        if self.current():
            return []
        last = self.last()
        told = "was never audited for bias" if last is None else f"was last audited for bias on {_date(last)}"
        return [
            f"THE FACE MODEL {self._model} {told}; an audit counts for {self._days} days. "
            "`regard audit run` measures for whom it fails."
        ]


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
