"""What was said of whom a picture found: where the candidates of this search and of earlier ones stand."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from regard.stewardship.people.matches.candidates import PENDING, REJECTED, Match, Search, found_by
from regard.stewardship.people.matches.probe import Probe
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import is_row_sealed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """A candidate of a picture: the face that was searched with, whose it may be, and where that stands."""

    probe: Probe
    whose: str
    state: str


def said_of(connection: Connection, search: Search, now: float) -> list[Said]:
    """The candidates of the picture of a search, by whatever face in it. What nobody confirmed by `now` is none."""
    return [
        Said(Probe.read(row.probe), row.whose, _state(connection, row))
        for row in connection.execute(select(tables.candidates).where(*found_by(search)))
        if not (row.state == PENDING and row.expires_at <= now)
    ]


def states_of(said: Sequence[Said], searched: Probe, *, of_picture: bool = False) -> dict[str, str]:
    """What is said of whom: of the face that was searched with, or `of_picture` of any; false goes first."""
    states: dict[str, str] = {}
    for each in said:
        false = each.state == REJECTED
        if (of_picture or each.probe.same(searched) or (false and each.probe.face is None)) and (
            false or states.get(each.whose) != REJECTED
        ):
            states[each.whose] = each.state
    return states


def said_of_match(states: Mapping[str, str], match: Match) -> str | None:
    """What is said of a match: false, where one of its people said so; None for one that is new."""
    false = any(states.get(whose) == REJECTED for whose in match.people)
    return REJECTED if false else states.get(match.whose)


def _state(connection: Connection, row: Any) -> str:
    """Where a candidate stands. One that was changed in the database waits, and nobody can decide on it."""
    if is_row_sealed(connection, tables.candidates, row):
        return str(row.state)
    _log.error("the candidate %s was changed in the database, and is told to nobody", row.id)
    return PENDING
