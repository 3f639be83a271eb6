"""Messages of a live search know what allowed it, and how many were given up is counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_stream_bounds"
down_revision = "0023_named_people"


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("stream_messages", sa.Column("search", sa.LargeBinary))
    op.create_index("ix_stream_messages_search", "stream_messages", ["search", "kind"])
    op.create_table(
        "stream_drops",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
