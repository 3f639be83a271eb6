"""The database tables of this room, and what their columns hold. Times are seconds since 1970."""

from __future__ import annotations

from sqlalchemy import (
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
    Text,
    UniqueConstraint,
)

from regard.database import metadata

# A job. `sealed` is what was asked, `sealed_end` what is told at the end beside the parts, each under the job's own key
# in the key store. `token` and `asked` are keyed digests of the ClientRequestToken and of what was asked.
# `steps` are the steps that are done, `done` and `whole` the frames (or lines, or pictures) that are done and expected.
# `round` counts how often it was put into the queue, `turn` how often a worker began at it: who has not the newest turn
# writes no more. `tries` counts the beginnings since the last step. `seal` is over the rest of the row.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("access_key", String(20), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("token", LargeBinary),
    Column("asked", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("steps", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("whole", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("expires_at", Float, nullable=False),
    Column("sealed_end", LargeBinary),
    Column("seal", LargeBinary, nullable=False),
    UniqueConstraint("organization", "operation", "token", name="uq_jobs_token"),
    Index("ix_jobs_state", "state", "created_at"),
    Index("ix_jobs_expires_at", "expires_at"),
)

# Who works on a job, and until when others leave it alone. Nothing hangs on it but who works when.
job_leases = Table(
    "job_leases",
    metadata,
    Column("job", ForeignKey("jobs.id"), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
)

# What a step of a job found. `place` counts the parts of a step, `found` the elements in one; `whose` is the name of
# the key, in the key store, of the person whom it is about, or empty. It is sealed under the job's key, and within that
# under the person's.
job_parts = Table(
    "job_parts",
    metadata,
    Column("job", ForeignKey("jobs.id"), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("whose", String(80), nullable=False),
    Column("found", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_job_parts_whose", "whose"),
)

# Who is yet to be told of the end of a job, and who was: written in the transaction that ends it. `kind` says how;
# `sealed` is whom and what, under the job's key.
job_notices = Table(
    "job_notices",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("job", ForeignKey("jobs.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("given_up", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Index("ix_job_notices_next_at", "sent_at", "given_up", "next_at"),
)
