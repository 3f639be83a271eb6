"""Jobs, what they found, and who is told of their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_jobs"
down_revision = "0014_row_seals"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("access_key", sa.String(20), nullable=False),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("token", sa.LargeBinary),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("steps", "done", "whole", "round", "turn", "tries")),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("expires_at", sa.Float, nullable=False, index=True),
        sa.Column("sealed_end", sa.LargeBinary),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("organization", "operation", "token", name="uq_jobs_token"),
        sa.Index("ix_jobs_state", "state", "created_at"),
    )
    op.create_table(
        "job_leases",
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "job_parts",
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("whose", sa.String(80), nullable=False, index=True),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "job_notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Float, nullable=False),
        sa.Column("sent_at", sa.Float),
        sa.Column("given_up", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Index("ix_job_notices_next_at", "sent_at", "given_up", "next_at"),
    )
