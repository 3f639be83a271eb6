"""The database tables of this room. Times are seconds since 1970; `seal` is over the rest of a row.

Of what opens something, a link or a cookie, only a digest is kept.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Table,
)

from regard.database import metadata


def _theirs() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["organization", "name"], ["staff.organization", "staff.name"])


# `handle` is what authenticators call a person by: random, it says nothing of them (WebAuthn, 14.6.1). `keys` are the
# access keys that they searched with.
staff = Table(
    "staff",
    metadata,
    Column("organization", ForeignKey("organizations.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("handle", LargeBinary, nullable=False, unique=True),
    Column("keys", JSON, nullable=False),
    Column("invited_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("seal", LargeBinary),
)

# Links that open the console once. `kind` says whether one registers a passkey, or opens a session.
staff_links = Table(
    "staff_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("organization", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    Column("seal", LargeBinary),
    _theirs(),
)

# `credential` is the attested credential data of WebAuthn, 6.5.2: the id and the public key.
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("organization", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    Column("credential", LargeBinary, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("added_at", Float, nullable=False),
    Column("seal", LargeBinary),
    _theirs(),
)

# `access_key` is the one that the person acts under, once they chose one.
staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("organization", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    Column("how", String(16), nullable=False),
    Column("access_key", String(20)),
    Column("opened_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("seal", LargeBinary),
    _theirs(),
)

# Challenges that were answered: none is answered twice.
used_challenges = Table(
    "used_challenges",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", Float, nullable=False, index=True),
)
