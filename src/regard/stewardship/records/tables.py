"""The database tables of this room, and what their columns hold. Times are seconds since 1970.

`seal` is over the rest of a row (`regard.row_seals`); of an organization, also over what it is known by and its ties.
A column that came LATER is part of it where it is filled, so that rows from before stay sealed.
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
    Text,
)

from regard.database import metadata

LATER = {"later": True}

# One row. Every change to the tables below adds one, so that each process sees that it must read again.
revision = Table(
    "stewardship_revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("sector", String(64), nullable=False),
    Column("jurisdictions", JSON, nullable=False),
    Column("standing", String(16), nullable=False),
    Column("operator", Boolean, nullable=False),
    Column("verifier", Text),
    Column("attested_until", Float),
    Column("attestation", LargeBinary),
    Column("created_at", Float, nullable=False),
    Column("seal", LargeBinary),
)

aliases = Table(
    "organization_aliases",
    metadata,
    Column("organization", ForeignKey("organizations.id"), primary_key=True),
    Column("name", Text, primary_key=True),
)

identifiers = Table(
    "organization_identifiers",
    metadata,
    Column("organization", ForeignKey("organizations.id"), primary_key=True),
    Column("scheme", String(32), primary_key=True),
    Column("value", String(128), primary_key=True),
    Index("ix_organization_identifiers_scheme_value", "scheme", "value"),
)

# What `source` has, `target` may get: `supplies` (an end customer), or `owned-by` (passes both ways).
edges = Table(
    "organization_edges",
    metadata,
    Column("source", ForeignKey("organizations.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("target", ForeignKey("organizations.id"), primary_key=True),
    Column("evidence", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

reviews = Table(
    "organization_reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("evidence", JSON, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("decision", String(16)),
    Column("decided_by", Text),
    Column("reason", Text),
    Column("decided_at", Float),
    Column("seal", LargeBinary),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("sealed_session_token", LargeBinary),
    Column("purpose", String(64), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("operations", JSON),
    Column("loopback_only", Boolean, nullable=False),
    Column("most_faces", Integer),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
)

policies = Table(
    "policies",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("added_at", Float, nullable=False),
)

motions = Table(
    "motions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("note", LargeBinary, nullable=False),
    Column("outcome", String(16)),
    Column("settled_at", Float),
)

ballots = Table(
    "ballots",
    metadata,
    Column("motion", ForeignKey("motions.hash"), primary_key=True),
    Column("member", String(64), primary_key=True),
    Column("note", LargeBinary, nullable=False),
    Column("cast_at", Float, nullable=False),
)

# What must not become less from one start to the next, sealed under the root key: `records.pins`.
pins = Table(
    "pins",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# Only ever added to: triggers of the first migration refuse an update or a deletion.
records = Table(
    "records",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
)

# `settled` says that what an ended consent covered was let go.
consents = Table(
    "consents",
    metadata,
    Column("receipt", String(32), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("collection", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("given_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("withdrawn_at", Float),
    Column("settled", Boolean, nullable=False),
    Column("consent", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("seal", LargeBinary),
    Index("ix_consents_organization_subject", "organization", "subject", "collection"),
    Index("ix_consents_organization_collection", "organization", "collection", "settled", "expires_at"),
    # Lists are read page by page, by when a consent was given.
    Index("ix_consents_organization_given_at", "organization", "given_at", "receipt"),
)

subject_tokens = Table(
    "subject_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("identity_check", Text, nullable=False),
    Column("issued_by", String(20), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    Column("seal", LargeBinary),
)

# `sealed` opens with the secret that is in the person's browser alone.
subject_sessions = Table(
    "subject_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("seal", LargeBinary),
)

# People who were found and are to be told so, until they were.
found_notices = Table(
    "found_notices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("collection", String(255), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("request", String(64), nullable=False),
    Column("asked_by", String(20), nullable=False),
    Column("found_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("handed_at", Float),
    Column("seal", LargeBinary),
    Index("ix_found_notices_organization_subject", "organization", "subject", "collection"),
    Index("ix_found_notices_due_at", "due_at"),
)

# The erasures that were carried out on this very database; one that was restored from before lacks them.
erasures = Table("erasures", metadata, Column("id", String(64), primary_key=True))

# Matches that wait for two people to confirm them, and those that were decided. `other` is a keyed digest of the person
# whose face it may be instead, where that one is enrolled.
candidates = Table(
    "candidates",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("collection", String(255), nullable=False),
    Column("probe", LargeBinary, nullable=False),
    Column("whose", String(300), nullable=False),
    Column("face_id", String(128), nullable=False),
    Column("similarity", Float, nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("asked_by", String(20), nullable=False),
    Column("probe_picture", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("settled_at", Float),
    Column("seal", LargeBinary),
    Column("doubted", Boolean, info=LATER),
    Column("other", LargeBinary, info=LATER),
    Index("ix_candidates_organization_collection", "organization", "collection", "probe"),
    Index("ix_candidates_state_expires_at", "state", "expires_at"),
    # What waits is found and counted without reading the pictures.
    Index("ix_candidates_waiting", "organization", "state", "created_at", "asked_by", "expires_at", "id"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("candidate", ForeignKey("candidates.id"), primary_key=True),
    Column("reviewer", String(64), primary_key=True),
    Column("same", Boolean, nullable=False),
    Column("at", Float, nullable=False),
    Column("seal", LargeBinary),
)

# Pairs of people who were told apart: whom a rejected candidate is of, and who is in its picture.
mismatches = Table(
    "mismatches",
    metadata,
    Column("candidate", ForeignKey("candidates.id"), primary_key=True),
    Column("organization", ForeignKey("organizations.id"), nullable=False),
    Column("whose", String(300), nullable=False),
    Column("other", LargeBinary),
    Column("score", Float, nullable=False),
    Column("said_by", JSON, nullable=False),
    Column("at", Float, nullable=False),
    Column("seal", LargeBinary),
    Index("ix_mismatches_organization_whose", "organization", "whose"),
    Index("ix_mismatches_organization_other", "organization", "other"),
)

reviewers = Table(
    "reviewers",
    metadata,
    Column("organization", ForeignKey("organizations.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("keys", JSON, nullable=False),
    Column("seal", LargeBinary),
)

human_flows = Table(
    "human_flows",
    metadata,
    Column("organization", ForeignKey("organizations.id"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("label", String(255), nullable=False),
    Column("at_least", Float, nullable=False),
    Column("at_most", Float, nullable=False),
    Column("seal", LargeBinary),
)

# `id` is what only this service calls a loop. With the verdict, `picture` is emptied and `right_labels` filled.
human_loops = Table(
    "human_loops",
    metadata,
    Column("organization", ForeignKey("organizations.id"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("flow", String(63), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("classifiers", JSON, nullable=False),
    Column("picture", LargeBinary, nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("asked_by", String(20), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("right_labels", JSON, nullable=False),
    Column("reviewer", String(64)),
    Column("reviewed_at", Float),
)

# `sealed` is what was filed, `sealed_answer` what was answered.
reports = Table(
    "reports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("about", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("filed_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("answered_at", Float),
    Column("outcome", String(16)),
    Column("sealed_answer", LargeBinary),
    Column("seal", LargeBinary),
)

# How many reports came from where on the current day; `sender` is a digest under the day's own key.
report_senders = Table(
    "report_senders",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sender", String(32), primary_key=True),
    Column("filed", Integer, nullable=False),
)

# Sealed details beside the log, where several machines share the database; else they lie in a file of their own.
payloads = Table(
    "payloads",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("commitment", String(64), nullable=False, unique=True),
    Column("organization", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_payloads_organization_subject", "organization", "subject"),
)
