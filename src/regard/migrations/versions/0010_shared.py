"""What lies in files where one machine holds everything, and in tables where several share a database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_shared"
down_revision = "0009_erasures"


def upgrade() -> None:
    """Make the tables of the log's files and of the details beside it."""
    op.create_table(
        "log_files",
        sa.Column("folder", sa.String(512), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary),
    )
    op.create_table(
        "payloads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("commitment", sa.String(64), nullable=False, unique=True),
        sa.Column("organization", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Index("ix_payloads_organization_subject", "organization", "subject"),
    )
