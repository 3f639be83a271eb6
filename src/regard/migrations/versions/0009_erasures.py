"""Which erasures the database has seen, as a restored backup has not; and faces by when they were enrolled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_erasures"
down_revision = "0007_beyond"


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table("erasures", sa.Column("id", sa.String(64), primary_key=True))
    op.create_index("ix_faces_collection_created_at", "faces", ["collection", "created_at"])
