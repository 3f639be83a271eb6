"""What must not become less from one start to the next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_pins"
down_revision = "0012_vectors"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pins",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
