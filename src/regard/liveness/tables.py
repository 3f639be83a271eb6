"""The database table of this room, and what its columns hold. Times are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, LargeBinary, String, Table, UniqueConstraint

from regard.database import metadata

# A session. `sealed` is what it was made with, which challenge was posed and what came of it, pictures and all, under
# a key of its own in the key store; once its time is over, the key is destroyed and `sealed` is empty. `token` and
# `asked` are keyed digests of the ClientRequestToken and of what was asked. `seal` is over the rest of the row.
liveness_sessions = Table(
    "liveness_sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("access_key", String(20), nullable=False),
    Column("token", LargeBinary),
    Column("asked", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Column("status", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("organization", "token", name="uq_liveness_sessions_token"),
    Index("ix_liveness_sessions_expires_at", "expires_at"),
)
