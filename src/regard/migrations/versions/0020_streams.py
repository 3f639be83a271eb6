"""Live video: its sources, its processors, who works on them, and what is yet to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_streams"
down_revision = "0019_custom_versions"
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "stream_sources",
        sa.Column("arn", sa.LargeBinary, primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "stream_processors",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sealed_session", sa.LargeBinary),
        sa.Column("status", sa.String(16), nullable=False, index=True),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("organization", "name", name="uq_stream_processors_name"),
    )
    op.create_table(
        "stream_leases",
        sa.Column("processor", _NUMBER, sa.ForeignKey("stream_processors.id"), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("lag", sa.Float, nullable=False),
    )
    op.create_table(
        "stream_messages",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("name", sa.String(36), nullable=False, unique=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("after", sa.String(36), nullable=False),
        sa.Column("whose", sa.String(80), nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Float, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Index("ix_stream_messages_next_at", "kind", "next_at"),
    )
