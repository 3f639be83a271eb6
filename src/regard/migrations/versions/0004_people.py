"""The people in the pictures: consents, tokens, the picture of a face, and matches under review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_people"
down_revision = "0002_gallery"


def upgrade() -> None:
    """Make the tables, and give faces a digest of their picture alone."""
    op.create_table(
        "consents",
        sa.Column("receipt", sa.String(32), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("given_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("withdrawn_at", sa.Float),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
        sa.Index("ix_consents_organization_subject", "organization", "subject", "collection"),
        sa.Index("ix_consents_organization_collection", "organization", "collection", "settled", "expires_at"),
    )
    op.add_column("faces", sa.Column("picture", sa.LargeBinary))
    op.create_table(
        "subject_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("identity_check", sa.Text, nullable=False),
        sa.Column("issued_by", sa.String(20), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float),
    )
    op.create_table(
        "candidates",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("probe", sa.LargeBinary, nullable=False),
        sa.Column("whose", sa.String(300), nullable=False),
        sa.Column("face_id", sa.String(128), nullable=False),
        sa.Column("similarity", sa.Float, nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.String(20), nullable=False),
        sa.Column("probe_picture", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("settled_at", sa.Float),
        sa.Index("ix_candidates_organization_collection", "organization", "collection", "probe"),
        sa.Index("ix_candidates_state_expires_at", "state", "expires_at"),
    )
    op.create_table(
        "verdicts",
        sa.Column("candidate", sa.String(32), sa.ForeignKey("candidates.id"), primary_key=True),
        sa.Column("reviewer", sa.String(64), primary_key=True),
        sa.Column("same", sa.Boolean, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "reviewers",
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("keys", sa.JSON, nullable=False),
    )
