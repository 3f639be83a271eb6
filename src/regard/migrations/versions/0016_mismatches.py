"""Pairs of people who were told apart; portraits of who agreed to one; sessions of people with a token; notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_mismatches"
down_revision = "0015_jobs"


def upgrade() -> None:
    """Make the table, and add the columns."""
    op.add_column("candidates", sa.Column("doubted", sa.Boolean))
    op.add_column("candidates", sa.Column("other", sa.LargeBinary))
    op.create_table(
        "mismatches",
        sa.Column("candidate", sa.String(32), sa.ForeignKey("candidates.id"), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("whose", sa.String(300), nullable=False),
        sa.Column("other", sa.LargeBinary),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("said_by", sa.JSON, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("seal", sa.LargeBinary),
        sa.Index("ix_mismatches_organization_whose", "organization", "whose"),
        sa.Index("ix_mismatches_organization_other", "organization", "other"),
    )
    op.create_table(
        "subject_sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("ends_at", sa.Float, nullable=False),
        sa.Column("seal", sa.LargeBinary),
    )
    op.create_table(
        "found_notices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.String(20), nullable=False),
        sa.Column("found_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("handed_at", sa.Float),
        sa.Column("seal", sa.LargeBinary),
        sa.Index("ix_found_notices_organization_subject", "organization", "subject", "collection"),
        sa.Index("ix_found_notices_due_at", "due_at"),
    )
    op.create_table(
        "portraits",
        sa.Column("collection", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("face_id", sa.String(36), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection", "face_id"],
            ["faces.collection", "faces.face_id"],
            name="fk_portraits_face",
            ondelete="CASCADE",
        ),
    )
