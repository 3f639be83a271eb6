"""Organizations as rows of the database: read and written in the caller's transaction; `organizations` decides what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from regard.stewardship.parties.organization import NoSuchOrganization, Organization, Standing
from regard.stewardship.records import tables


def read_organizations(connection: Connection, organization: str | None = None) -> list[Organization]:
    """All organizations, or the one of this id if there is one, in the order of their ids."""
    of = tables.organizations
    names: dict[str, list[str]] = defaultdict(list)
    identifiers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in connection.execute(_of(tables.aliases, organization)):
        names[row.organization].append(row.name)
    for row in connection.execute(_of(tables.identifiers, organization)):
        identifiers[row.organization].append((row.scheme, row.value))
    query = select(of).order_by(of.c.id)
    if organization is not None:
        query = query.where(of.c.id == organization)
    return [
        Organization(
            id=row.id,
            name=row.name,
            sector=row.sector,
            jurisdictions=tuple(row.jurisdictions),
            aliases=tuple(names[row.id]),
            identifiers=tuple(identifiers[row.id]),
            standing=Standing(row.standing),
            operator=row.operator,
            verifier=row.verifier,
            attested_until=row.attested_until,
        )
        for row in connection.execute(query)
    ]


def read_standing(connection: Connection, organization: str) -> Standing:
    """What was decided about it. Raises NoSuchOrganization."""
    of = tables.organizations
    standing = connection.execute(select(of.c.standing).where(of.c.id == organization)).scalar()
    if standing is None:
        raise NoSuchOrganization(f"there is no organization {organization}")
    return Standing(standing)


def insert_organizations(connection: Connection, entered: Sequence[Organization], now: float) -> None:
    """Enter organizations that are not there yet, with all that they are known by."""
    insert_all(connection, tables.organizations, [_row(each) | {"created_at": now} for each in entered])
    _insert_names(connection, entered)


def update_organization(connection: Connection, organization: Organization) -> None:
    """Write what is known of an organization that is there, in place of what was."""
    of = tables.organizations
    connection.execute(update(of).where(of.c.id == organization.id).values(_row(organization)))
    for table in (tables.aliases, tables.identifiers):
        connection.execute(delete(table).where(table.c.organization == organization.id))
    _insert_names(connection, [organization])


def insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, of which there may be none."""
    if rows:
        connection.execute(insert(table), rows)


def _insert_names(connection: Connection, organizations: Sequence[Organization]) -> None:
    aliases = [{"organization": each.id, "name": name} for each in organizations for name in each.aliases]
    identifiers = [
        {"organization": each.id, "scheme": scheme, "value": value}
        for each in organizations
        for scheme, value in each.identifiers
    ]
    insert_all(connection, tables.aliases, aliases)
    insert_all(connection, tables.identifiers, identifiers)


def _of(table: Table, organization: str | None) -> Any:
    return select(table) if organization is None else select(table).where(table.c.organization == organization)


def _row(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "sector": organization.sector,
        "jurisdictions": list(organization.jurisdictions),
        "standing": organization.standing,
        "operator": organization.operator,
        "verifier": organization.verifier,
        "attested_until": organization.attested_until,
    }
