"""Which collections may have their vectors in the clear; the vectors themselves need pgvector, and wait for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_vectors"
down_revision = "0011_human_loops"


def upgrade() -> None:
    """Make a schema of its own for what lies in the clear, so that a look at the database shows it. Not in SQLite."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE SCHEMA clear")
    op.create_table(
        "collections",
        sa.Column("collection", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("motion", sa.String(64), nullable=False),
        sa.Column("ready", sa.Boolean, nullable=False),
        schema="clear",
    )
