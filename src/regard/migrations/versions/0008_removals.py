"""Which rows were removed from a collection of late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_removals"
down_revision = "0006_reports"


def upgrade() -> None:
    """Make the table of removals."""
    op.create_table(
        "removals",
        sa.Column(
            "collection",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey("collections.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("face", sa.BigInteger),
        sa.Column("user", sa.BigInteger),
        sa.Index("ix_removals_collection_number", "collection", "number"),
    )
