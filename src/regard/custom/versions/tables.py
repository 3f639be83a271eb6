"""The database tables of versions, of what they are made of, and of policies. Times are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from regard.custom.tables import Id
from regard.database import metadata

# A version. `number` are the digits at the end of its ARN, `job` what trains or copies it, `digest` the SHA-256 of its
# model in hex. `sealed` is what was asked for, `sealed_end` what is told of where it stands, both under the version's
# own key, in the key store, which goes with it. `least` and `most` are the inference units that it was started with.
versions = Table(
    "custom_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project", ForeignKey("custom_projects.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", String(24), nullable=False),
    Column("job", String(64)),
    Column("digest", String(64)),
    Column("least", Integer),
    Column("most", Integer),
    Column("tags", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_end", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("project", "name"),
    sqlite_autoincrement=True,
)

# The model of a version: its file, sealed under the version's key and bound to its digest.
models = Table(
    "custom_models",
    metadata,
    Column("version", ForeignKey("custom_versions.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# What a backbone saw of a picture, once a picture: `source` is a keyed digest of its source-ref, and `sealed` numbers
# under the key of the project's features, bound to the bytes of the picture and to the backbone.
features = Table(
    "custom_features",
    metadata,
    Column("project", ForeignKey("custom_projects.id"), primary_key=True),
    Column("source", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# A policy of a project. `revision` is what it is known by to whoever changes it.
policies = Table(
    "custom_policies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project", ForeignKey("custom_projects.id"), nullable=False),
    Column("name", String(128), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("project", "name"),
    sqlite_autoincrement=True,
)
