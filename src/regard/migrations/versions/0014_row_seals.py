"""Seals of rows that decide who may do what; they are filled once, by the first start that knows them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_row_seals"
down_revision = "0013_pins"


def upgrade() -> None:
    """Add the columns."""
    for table in (
        *("organizations", "organization_reviews", "collections", "consents", "candidates", "verdicts", "reviewers"),
        *("subject_tokens", "human_flows", "reports"),
    ):
        op.add_column(table, sa.Column("seal", sa.LargeBinary))
