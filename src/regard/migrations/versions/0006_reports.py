"""Appeals and reports of abuse, and how many came from where today."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_reports"
down_revision = "0004_people"


def upgrade() -> None:
    """Make the tables of the public inbox."""
    op.create_table(
        "reports",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("filed_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("answered_at", sa.Float),
        sa.Column("outcome", sa.String(16)),
        sa.Column("sealed_answer", sa.LargeBinary),
    )
    op.create_table(
        "report_senders",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sender", sa.String(32), primary_key=True),
        sa.Column("filed", sa.Integer, nullable=False),
    )
