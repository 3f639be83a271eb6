"""Organizations, keys, policies, motions and records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_stewardship"
down_revision = None

_APPEND_ONLY = {
    "sqlite": """
CREATE TRIGGER records_refuse_{verb} BEFORE {verb} ON records
BEGIN SELECT RAISE(ABORT, 'records are only added to'); END
""",
    "postgresql": """
CREATE TRIGGER records_refuse_{verb} BEFORE {verb} ON records
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
""",
}
_REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'records are only added to' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def upgrade() -> None:
    """Make the tables of the room `stewardship`."""
    op.create_table(
        "stewardship_revision",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sector", sa.String(64), nullable=False),
        sa.Column("jurisdictions", sa.JSON, nullable=False),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("operator", sa.Boolean, nullable=False),
        sa.Column("verifier", sa.Text),
        sa.Column("attested_until", sa.Float),
        sa.Column("attestation", sa.LargeBinary),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "organization_aliases",
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
    )
    op.create_table(
        "organization_identifiers",
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("scheme", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(128), primary_key=True),
    )
    op.create_table(
        "organization_edges",
        sa.Column("source", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("target", sa.String(12), sa.ForeignKey("organizations.id"), primary_key=True),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "organization_reviews",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False, index=True),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("decided_by", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("decided_at", sa.Float),
    )
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("organization", sa.String(12), sa.ForeignKey("organizations.id"), nullable=False, index=True),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("sealed_session_token", sa.LargeBinary),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("basis", sa.String(16), nullable=False),
        sa.Column("operations", sa.JSON),
        sa.Column("loopback_only", sa.Boolean, nullable=False),
        sa.Column("most_faces", sa.Integer),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_table(
        "policies",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("added_at", sa.Float, nullable=False),
    )
    op.create_table(
        "motions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("settled_at", sa.Float),
    )
    op.create_table(
        "ballots",
        sa.Column("motion", sa.String(64), sa.ForeignKey("motions.hash"), primary_key=True),
        sa.Column("member", sa.String(64), primary_key=True),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("cast_at", sa.Float, nullable=False),
    )
    op.create_table(
        "records",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(32), nullable=False, index=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_organization_identifiers_scheme_value", "organization_identifiers", ["scheme", "value"])
    op.execute("INSERT INTO stewardship_revision (id, number) VALUES (1, 1)")
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        op.execute(_REFUSE_CHANGE)
    for verb in ("UPDATE", "DELETE"):
        op.execute(_APPEND_ONLY[dialect].format(verb=verb))
