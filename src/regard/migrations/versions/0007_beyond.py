"""Public figures that an organization enrolled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_beyond"
down_revision = "0008_removals"


def upgrade() -> None:
    """Make the table of public figures."""
    op.create_table(
        "figures",
        sa.Column("organization", sa.String(12), primary_key=True),
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("links", sa.Text, nullable=False),
        sa.Column("gender", sa.String(16)),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("added_at", sa.Float, nullable=False),
    )
