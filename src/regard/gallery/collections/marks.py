"""Marks: which collections may have their vectors in the clear, in PostgreSQL with pgvector.
:mod:`regard.gallery.index.vectors` fills them.

What is in the clear lies in the schema `clear`: a row a mark, and for each a partition of its own for the vectors. A
mark is made and ended in the caller's transaction, of which no search or enrolment sees a half.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, String, Table, delete, insert, select

# Not in the metadata of the database: SQLite has nothing of the kind.
marked = Table(
    "collections",
    MetaData(schema="clear"),
    Column("collection", BigInteger, primary_key=True, autoincrement=False),
    Column("motion", String(64), nullable=False),
    Column("ready", Boolean, nullable=False),
)


class Mark(NamedTuple):
    """A collection, the motion that marked it, and whether all of its vectors are there yet."""

    collection: int
    motion: str
    ready: bool

    @property
    def partition(self) -> str:
        """The table of its vectors in the schema `clear`. No other mark of the collection has the same."""
        return f"vectors_{self.collection}_{self.motion[:12]}"


def possible(connection: Connection) -> bool:
    """Whether a service was started here that keeps vectors in pgvector."""
    if connection.dialect.name != "postgresql":
        return False
    return connection.exec_driver_sql("SELECT to_regclass('clear.vectors')").scalar() is not None


def make(connection: Connection, collection: int, motion: str) -> None:
    """Mark a collection; a mark that it has ends."""
    end(connection, collection)
    mark = Mark(collection, motion, ready=False)
    connection.execute(insert(marked).values(mark._asdict()))
    connection.exec_driver_sql(
        f"CREATE TABLE clear.{mark.partition} PARTITION OF clear.vectors FOR VALUES IN ({collection})"
    )


def end(connection: Connection, collection: int) -> None:
    """Take the vectors of a collection away with the mark, if it has one."""
    if (mark := find(connection, collection)) is not None:
        connection.execute(delete(marked).where(marked.c.collection == collection))
        connection.exec_driver_sql(f"DROP TABLE clear.{mark.partition}")


def find(connection: Connection, collection: int) -> Mark | None:
    """The mark of a collection, if it has one."""
    return next((mark for mark in every(connection) if mark.collection == collection), None)


def every(connection: Connection) -> list[Mark]:
    """Every mark."""
    if connection.dialect.name != "postgresql":
        return []
    return [Mark(*row) for row in connection.execute(select(marked))]
