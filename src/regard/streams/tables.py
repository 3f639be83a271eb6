"""The database tables of this room, and what their columns hold. Times are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from regard.database import metadata

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# Where the pictures of a stream of Kinesis come from here. `arn` is a keyed digest of its ARN, `sealed` the ARN and the
# address with its password, under the root key.
stream_sources = Table(
    "stream_sources",
    metadata,
    Column("arn", LargeBinary, primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)

# A stream processor. `name` is a keyed digest of its name. `sealed` is what it was made with, `sealed_session` how it
# was started the last time and how far that is, both under the key in the key store that `key` names. `turn` counts how
# often somebody began to work on it: who has not the newest turn writes no more. `seal` is over the rest of the row.
stream_processors = Table(
    "stream_processors",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_session", LargeBinary),
    Column("status", String(16), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("organization", "name", name="uq_stream_processors_name"),
    Index("ix_stream_processors_status", "status"),
)

# Who works on a processor, until when others leave it alone, and by how many seconds a frame was late. Nothing
# hangs on it but who works when.
stream_leases = Table(
    "stream_leases",
    metadata,
    Column("processor", ForeignKey("stream_processors.id"), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("lag", Float, nullable=False),
)

# What is yet to be handed out: it is deleted once it was taken. `kind` says where to; `sealed` is to whom and what, and
# `whose` the name of the key of the person whom it is about, or empty: it is sealed under theirs, too. It waits for the
# message of the name `after`. Of a live search `search` is a keyed digest of the processor and of what allowed it: such
# a message is told only as long as that does.
stream_messages = Table(
    "stream_messages",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("name", String(36), nullable=False, unique=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("after", String(36), nullable=False),
    Column("whose", String(80), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("error", Text, nullable=False),
    Column("search", LargeBinary),
    Index("ix_stream_messages_next_at", "kind", "next_at"),
    Index("ix_stream_messages_search", "search", "kind"),
)

# How many messages of a kind were given up.
stream_drops = Table(
    "stream_drops",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
)
