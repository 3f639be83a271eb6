"""The database tables of projects and datasets. Times are seconds since 1970.

`number` are the digits at the end of an ARN: the millisecond in which it was made. `seal` is a row seal over the rest
of the row (:mod:`regard.row_seals`). What is `sealed` is sealed under the key of the dataset, in the key store, which
goes with it: whoever has the tables alone reads neither lines nor names of labels.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from regard.database import metadata

# SQLite counts rows up in a column of the type INTEGER alone.
Id = BigInteger().with_variant(Integer, "sqlite")
_OLD = text("named IS NULL")

projects = Table(
    "custom_projects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("feature", String(32), nullable=False),
    Column("auto_update", String(16)),
    Column("tags", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("organization", "name"),
    sqlite_autoincrement=True,
)

# `job` is the job that makes or changes it, while one does. `cause` is why it failed,
# in words that may name labels, sealed. `read` are the bytes of its manifest that are judged and
# kept, `lines` and `bad` how many lines were in them and how many of those are wrong. `version` counts what changed its
# entries: two trainings from the same version had the same entries.
datasets = Table(
    "custom_datasets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project", ForeignKey("custom_projects.id"), nullable=False),
    Column("type", String(8), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", String(24), nullable=False),
    Column("code", String(64), nullable=False),
    Column("cause", LargeBinary),
    Column("tags", JSON, nullable=False),
    Column("job", String(64)),
    Column("version", BigInteger, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("bad", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("project", "type"),
    sqlite_autoincrement=True,
)

# A line of a dataset. `source` is a keyed digest of its source-ref, which is what it is known by. `labeled` and `wrong`
# are what listings ask for. `named` is how many people it names, who are in the last table here; of an entry of before
# there was that table it is not known until a sweep notes it.
entries = Table(
    "dataset_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("dataset", ForeignKey("custom_datasets.id"), nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("labeled", Boolean, nullable=False),
    Column("wrong", Boolean, nullable=False),
    Column("named", Integer),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("dataset", "source"),
    Index("ix_dataset_entries_listed", "dataset", "id"),
    Index("ix_dataset_entries_old", "dataset", "id", sqlite_where=_OLD, postgresql_where=_OLD),
    sqlite_autoincrement=True,
)

# A name that entries of a dataset are labelled with: a keyed digest to find it by, and the name, sealed.
labels = Table(
    "dataset_labels",
    metadata,
    Column("id", Id, primary_key=True),
    Column("dataset", ForeignKey("custom_datasets.id"), nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("dataset", "name"),
    sqlite_autoincrement=True,
)

# Which entries have which labels. `boxes` is how many boxes of it an entry has; 0 where the label is of the whole.
entry_labels = Table(
    "dataset_entry_labels",
    metadata,
    Column("entry", ForeignKey("dataset_entries.id"), primary_key=True),
    Column("label", ForeignKey("dataset_labels.id"), primary_key=True),
    Column("boxes", Integer, nullable=False),
    Index("ix_dataset_entry_labels_label", "label", "entry"),
)

# Whom lines name: a keyed digest of each, another one in each dataset.
entry_people = Table(
    "dataset_entry_people",
    metadata,
    Column("entry", ForeignKey("dataset_entries.id"), primary_key=True),
    Column("person", LargeBinary, primary_key=True),
    Index("ix_dataset_entry_people_person", "person", "entry"),
)
