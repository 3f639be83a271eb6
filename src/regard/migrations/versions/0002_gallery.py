"""Collections, tags, users, faces and client request tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_gallery"
down_revision = "0001_stewardship"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of the room `gallery`."""
    op.create_table(
        "collections",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("organization", sa.String(12), nullable=False),
        sa.Column("collection_id", sa.String(255), nullable=False),
        sa.Column("face_model", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("removed", sa.BigInteger, nullable=False),
        sa.Column("faces", sa.BigInteger, nullable=False),
        sa.Column("users", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("organization", "collection_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collection_tags",
        sa.Column("collection", _ID, sa.ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("value", sa.String(256), nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("collection", _ID, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("collection", "user_id"),
        sa.Index("ix_users_collection_number", "collection", "number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "faces",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("collection", _ID, sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
        sa.Column("face_id", sa.String(36), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("external_image_id", sa.String(255)),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("left", sa.Float, nullable=False),
        sa.Column("top", sa.Float, nullable=False),
        sa.Column("width", sa.Float, nullable=False),
        sa.Column("height", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("template", sa.LargeBinary, nullable=False),
        sa.Column("face_model", sa.String(32), nullable=False),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.String(128)),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("collection", "face_id"),
        sa.ForeignKeyConstraint(["collection", "user_id"], ["users.collection", "users.user_id"], name="fk_faces_user"),
        sa.Index("ix_faces_collection_number", "collection", "number"),
        sa.Index("ix_faces_collection_subject", "collection", "subject"),
        sa.Index("ix_faces_collection_user_id", "collection", "user_id"),
        sa.Index("ix_faces_collection_source", "collection", "source"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "client_requests",
        sa.Column("organization", sa.String(12), primary_key=True),
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("parameters", sa.String(64), nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False, index=True),
    )
