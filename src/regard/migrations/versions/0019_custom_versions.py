"""Versions of custom labels, their models, the features that they are trained on, and policies of projects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_custom_versions"
down_revision = "0018_custom_datasets"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "custom_versions",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("project", _ID, sa.ForeignKey("custom_projects.id"), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("job", sa.String(64)),
        sa.Column("digest", sa.String(64)),
        sa.Column("least", sa.Integer),
        sa.Column("most", sa.Integer),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("sealed", "sealed_end", "seal")),
        sa.UniqueConstraint("project", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "custom_models",
        sa.Column("version", _ID, sa.ForeignKey("custom_versions.id"), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "custom_features",
        sa.Column("project", _ID, sa.ForeignKey("custom_projects.id"), primary_key=True),
        sa.Column("source", sa.LargeBinary, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "custom_policies",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("project", _ID, sa.ForeignKey("custom_projects.id"), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("project", "name"),
        sqlite_autoincrement=True,
    )
