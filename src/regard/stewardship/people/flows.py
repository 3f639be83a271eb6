"""Flow definitions: when a person is to look at a picture after the model. The pictures that wait are in `loops`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, select

from regard.database import reading
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of
from regard.vision.things.moderation import VERSION, taxonomy

ANY = "*"
_NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")
_of = tables.human_flows.c


class NoSuchFlow(LookupError):
    """The organization has no flow definition of this name."""


class NoFlows(LookupError):
    """The organization has no flow definition at all: nobody would look at its pictures."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A name, and the one condition: `label`, or any (`*`), was found with a confidence between two bounds, 0 to 100.

    Raises ValueError.
    """

    name: str
    label: str = ANY
    at_least: float = 0.0
    at_most: float = 100.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > 63:
            raise ValueError(f"{self.name!r} is no name of a flow: up to 63 small letters, digits and hyphens between")
        if self.label != ANY and self.label not in taxonomy():
            raise ValueError(f"{self.label!r} is no label of taxonomy {VERSION}; {ANY} stands for any")
        if not 0 <= self.at_least <= self.at_most <= 100:
            raise ValueError("confidences lie between 0 and 100, the least first")

    def holds(self, labels: Mapping[str, float]) -> bool:
        """Whether a person has to look at a picture in which these labels were found, each with its confidence."""
        return any(
            self.label in (ANY, name) and self.at_least <= confidence <= self.at_most
            for name, confidence in labels.items()
        )


class Flows:
    """The flow definitions of all organizations. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def define(self, organization: str, flow: Flow) -> None:
        """Keep a definition, in place of the one that has its name."""
        with self._engine.begin() as connection:
            _drop(connection, organization, flow.name)
            row = {"organization": organization} | asdict(flow)
            insert_sealed(connection, tables.human_flows, row)

    def remove(self, organization: str, name: str) -> None:
        """Let go of a definition; loops that it began stay. Raises NoSuchFlow."""
        with self._engine.begin() as connection:
            if not _drop(connection, organization, name):
                raise _unknown(name)

    def all(self, organization: str) -> list[Flow]:
        """Every definition of an organization, by name."""
        table = tables.human_flows
        wanted = select(table).where(_of.organization == organization).order_by(_of.name)
        with reading(self._engine) as connection:
            return [
                Flow(row.name, row.label, row.at_least, row.at_most)
                for row in connection.execute(wanted)
                if is_told_of(connection, table, row, f"the flow definition {row.name}")
            ]

    def get(self, organization: str, name: str) -> Flow:
        """The definition of this name. Raises NoSuchFlow, NoFlows."""
        known = {flow.name: flow for flow in self.all(organization)}
        if not known:
            raise NoFlows("There is no review queue: no flow definition was made (`regard review flow set`).")
        if name not in known:
            raise _unknown(name)
        return known[name]


def _drop(connection: Connection, organization: str, name: str) -> Any:
    wanted = delete(tables.human_flows).where(_of.organization == organization, _of.name == name)
    return connection.execute(wanted).rowcount


def _unknown(name: str) -> NoSuchFlow:
    return NoSuchFlow(f"There is no flow definition {name}; `regard review flow list` shows them.")
