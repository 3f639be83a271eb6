"""Projects of custom labels, their datasets, and the lines of those."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_custom_datasets"
down_revision = "0017_staff"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "custom_projects",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("feature", sa.String(32), nullable=False),
        sa.Column("auto_update", sa.String(16)),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("organization", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "custom_datasets",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("project", _ID, sa.ForeignKey("custom_projects.id"), nullable=False),
        sa.Column("type", sa.String(8), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("cause", sa.LargeBinary),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("job", sa.String(64)),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("version", "read", "lines", "bad")),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("project", "type"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_entries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("dataset", _ID, sa.ForeignKey("custom_datasets.id"), nullable=False),
        sa.Column("source", sa.LargeBinary, nullable=False),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("labeled", "wrong")),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("dataset", "source"),
        sa.Index("ix_dataset_entries_listed", "dataset", "id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_labels",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("dataset", _ID, sa.ForeignKey("custom_datasets.id"), nullable=False),
        sa.Column("name", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("dataset", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_entry_labels",
        sa.Column("entry", _ID, sa.ForeignKey("dataset_entries.id"), primary_key=True),
        sa.Column("label", _ID, sa.ForeignKey("dataset_labels.id"), primary_key=True),
        sa.Column("boxes", sa.Integer, nullable=False),
        sa.Index("ix_dataset_entry_labels_label", "label", "entry"),
    )
