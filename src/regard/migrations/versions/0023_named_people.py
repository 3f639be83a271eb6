"""Whom lines of datasets name is found by an index; a sweep notes entries of before, whose lines are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_named_people"
down_revision = "0022_liveness"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OLD = sa.text("named IS NULL")


def upgrade() -> None:
    """Make the table, and the column that says which entries are in it."""
    op.create_table(
        "dataset_entry_people",
        sa.Column("entry", _ID, sa.ForeignKey("dataset_entries.id"), primary_key=True),
        sa.Column("person", sa.LargeBinary, primary_key=True),
        sa.Index("ix_dataset_entry_people_person", "person", "entry"),
    )
    op.add_column("dataset_entries", sa.Column("named", sa.Integer))
    op.create_index(
        "ix_dataset_entries_old", "dataset_entries", ["dataset", "id"], sqlite_where=_OLD, postgresql_where=_OLD
    )
