"""The people who sign in to the console: links, passkeys and sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_staff"
down_revision = "0016_mismatches"


def upgrade() -> None:
    """Make the tables, and an index by which candidates that wait are found."""
    waiting = ["organization", "state", "created_at", "asked_by", "expires_at", "id"]
    op.create_index("ix_candidates_waiting", "candidates", waiting)
    op.create_table(
        "staff",
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("handle", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("keys", sa.JSON, nullable=False),
        sa.Column("invited_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
        sa.Column("seal", sa.LargeBinary),
    )
    _of_a_person(
        "staff_links",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float),
    )
    _of_a_person(
        "passkeys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("credential", sa.LargeBinary, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("added_at", sa.Float, nullable=False),
    )
    _of_a_person(
        "staff_sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("access_key", sa.String(20)),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    op.create_table(
        "used_challenges",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("expires_at", sa.Float, nullable=False, index=True),
    )


def _of_a_person(table: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        table,
        *columns,
        sa.Column("organization", sa.String(12), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("seal", sa.LargeBinary),
        sa.ForeignKeyConstraint(["organization", "name"], ["staff.organization", "staff.name"]),
    )
