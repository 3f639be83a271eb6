"""Rows whose seal is over all their other columns: sealed where they are written, looked at where they are used."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, insert, select, update

from regard.row_seals import is_sealed, row_seal

# What an ended consent covered is let go of: a hint, which the hourly sweep does without.
_LEFT_OUT = {"seal", "settled"}
_log = logging.getLogger(__name__)


def insert_sealed(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a row with its seal; columns that are not given are empty."""
    whole = {column.name: row.get(column.name) for column in table.columns}
    connection.execute(
        insert(table).values({**row, "seal": row_seal(connection, str(table.name), _told(table, whole))})
    )


def seal_written(connection: Connection, table: Table, where: ColumnElement[bool]) -> None:
    """Seal rows that were written in this very transaction, such as those that the database numbers."""
    for row in connection.execute(select(table).where(where)).all():
        told = row._asdict()
        seal = row_seal(connection, str(table.name), _told(table, told))
        connection.execute(update(table).where(*_is(table, told)).values(seal=seal))


def update_sealed(connection: Connection, table: Table, where: ColumnElement[bool], **values: Any) -> int:
    """Change rows that are sealed, and seal them anew; how many. Those that were changed behind the service stay so."""
    found = connection.execute(select(table).where(where)).all()
    for row in found:
        before = row._asdict()
        seal = row_seal(connection, str(table.name), _told(table, before | values))
        kept = {"seal": seal} if is_row_sealed(connection, table, row) else {}
        connection.execute(update(table).where(*_is(table, before)).values(values | kept))
    return len(found)


def is_row_sealed(within: Engine | Connection, table: Table, row: Any) -> bool:
    """Whether a row of all the table's columns is what was written by the service."""
    return is_told_sealed(within, table, row._asdict())


def is_told_sealed(within: Engine | Connection, table: Table, told: Mapping[str, Any]) -> bool:
    """The same of a row by the names of its columns."""
    return is_sealed(within, str(table.name), _told(table, told), told["seal"])


def seal_unsealed(connection: Connection, *sealed: Table) -> None:
    """Seal what is from before there were seals. For the first start alone."""
    for table in sealed:
        seal_written(connection, table, table.c.seal.is_(None))


def is_told_of(within: Engine | Connection, table: Table, row: Any, what: str) -> bool:
    """As :func:`is_row_sealed`; of one that is not, the service says so: `what` was changed."""
    sealed = is_row_sealed(within, table, row)
    if not sealed:
        _log.error("%s was changed in the database, and counts for nothing", what)
    return sealed


def _is(table: Table, row: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [column == row[column.name] for column in table.primary_key]


def _told(table: Table, row: Mapping[str, Any]) -> list[Any]:
    columns = [column for column in table.columns if column.name not in _LEFT_OUT]
    later = [[str(column.name), row[column.name]] for column in columns if column.info and row[column.name] is not None]
    return [row[column.name] for column in columns if not column.info] + [value for pair in later for value in pair]
