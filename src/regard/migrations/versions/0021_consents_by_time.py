"""Consents are found by when they were given: lists of many are read page by page."""

from __future__ import annotations

from alembic import op

revision = "0021_consents_by_time"
down_revision = "0020_streams"
_INDEX = "ix_consents_organization_given_at"


def upgrade() -> None:
    """Make the index."""
    op.create_index(_INDEX, "consents", ["organization", "given_at", "receipt"])
