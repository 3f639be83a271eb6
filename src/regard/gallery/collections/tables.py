"""The gallery's tables in the database; its keys and suppression entries have a database of their own.

A collection counts its mutations in `version`; a face or user carries in `number` the version that it was last
changed in, and the collection in `removed` the version of the last removal. A reader that knows an older version
asks for the higher numbers alone. Ids are never used twice, so that what was cached of a deleted collection
cannot be taken for a new one. The subject of a face is the person pictured: see :func:`regard.gallery.faces.subject`.
`source` is a keyed digest of a picture under a name, within its collection; `picture` one of the picture alone, within
its organization.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from regard.database import metadata

# SQLite counts rows up in a column of the type INTEGER alone.
Id = BigInteger().with_variant(Integer, "sqlite")

collections = Table(
    "collections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(12), nullable=False),
    Column("collection_id", String(255), nullable=False),
    Column("face_model", String(32), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("faces", BigInteger, nullable=False),
    Column("users", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seal", LargeBinary),
    UniqueConstraint("organization", "collection_id"),
    sqlite_autoincrement=True,
)

tags = Table(
    "collection_tags",
    metadata,
    Column("collection", ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("collection", ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", String(128), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("collection", "user_id"),
    Index("ix_users_collection_number", "collection", "number"),
    sqlite_autoincrement=True,
)

# A face belongs to one user at most: the association is a column.
faces = Table(
    "faces",
    metadata,
    Column("id", Id, primary_key=True),
    Column("collection", ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("face_id", String(36), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("subject", String(300), nullable=False),
    Column("external_image_id", String(255)),
    Column("image_id", String(36), nullable=False),
    Column("left", Float, nullable=False),
    Column("top", Float, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("template", LargeBinary, nullable=False),
    Column("face_model", String(32), nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("picture", LargeBinary),
    Column("user_id", String(128)),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("collection", "face_id"),
    ForeignKeyConstraint(["collection", "user_id"], ["users.collection", "users.user_id"], name="fk_faces_user"),
    Index("ix_faces_collection_number", "collection", "number"),
    Index("ix_faces_collection_subject", "collection", "subject"),
    Index("ix_faces_collection_user_id", "collection", "user_id"),
    Index("ix_faces_collection_source", "collection", "source"),
    Index("ix_faces_collection_created_at", "collection", "created_at"),
    sqlite_autoincrement=True,
)

# A sealed crop of a face, of who agreed to it. It goes with the face.
portraits = Table(
    "portraits",
    metadata,
    Column("collection", Id, primary_key=True, autoincrement=False),
    Column("face_id", String(36), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["collection", "face_id"],
        ["faces.collection", "faces.face_id"],
        name="fk_portraits_face",
        ondelete="CASCADE",
    ),
)

removals = Table(
    "removals",
    metadata,
    Column("collection", ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("face", BigInteger),
    Column("user", BigInteger),
    Index("ix_removals_collection_number", "collection", "number"),
)

requests = Table(
    "client_requests",
    metadata,
    Column("organization", String(12), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(64), primary_key=True),
    Column("parameters", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
)

figures = Table(
    "figures",
    metadata,
    Column("organization", String(12), primary_key=True),
    Column("id", String(16), primary_key=True),
    Column("name", String(512), nullable=False),
    Column("links", Text, nullable=False),
    Column("gender", String(16)),
    Column("basis", Text, nullable=False),
    Column("added_at", Float, nullable=False),
)
