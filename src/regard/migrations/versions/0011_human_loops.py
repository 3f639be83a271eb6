"""Flow definitions, and the pictures that people look at because of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_human_loops"
down_revision = "0010_shared"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "human_flows",
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("at_least", sa.Float, nullable=False),
        sa.Column("at_most", sa.Float, nullable=False),
    )
    op.create_table(
        "human_loops",
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("flow", sa.String(63), nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("classifiers", sa.JSON, nullable=False),
        sa.Column("picture", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.String(20), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False, index=True),
        sa.Column("right_labels", sa.JSON, nullable=False),
        sa.Column("reviewer", sa.String(64)),
        sa.Column("reviewed_at", sa.Float),
    )
