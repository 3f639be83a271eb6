"""Sessions of liveness, sealed, each for three minutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_liveness"
down_revision = "0021_consents_by_time"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "liveness_sessions",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("access_key", sa.String(20), nullable=False),
        sa.Column("token", sa.LargeBinary),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False, index=True),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("organization", "token", name="uq_liveness_sessions_token"),
    )
