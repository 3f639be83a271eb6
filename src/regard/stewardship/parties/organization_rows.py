"""Organizations as rows of the database: read and written in the caller's transaction; `organizations` decides what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, Text, bindparam, cast, delete, func, insert, select, update

from regard.row_seals import row_seals
from regard.stewardship.parties.organization import NoSuchOrganization, Organization, Standing
from regard.stewardship.records import tables

_KIND = "organization"
_AT_ONCE = 5_000  # SQLite takes some 32,000 parameters a statement


class RegisterChanged(RuntimeError):
    """What is known of an organization is not what the service entered; nothing is built on it."""


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
    seal_organizations(connection, *(each.id for each in entered))


def update_organization(connection: Connection, organization: Organization) -> None:
    """Write what is known of an organization that is there, in place of what was."""
    of = tables.organizations
    require_sealed(connection, organization.id)
    connection.execute(update(of).where(of.c.id == organization.id).values(_row(organization)))
    for table in (tables.aliases, tables.identifiers):
        connection.execute(delete(table).where(table.c.organization == organization.id))
    _insert_names(connection, [organization])
    seal_organizations(connection, organization.id)


def change_organization(connection: Connection, organization: str, **values: Any) -> None:
    """Change columns of an organization that is there. Raises RegisterChanged."""
    of = tables.organizations
    require_sealed(connection, organization)
    connection.execute(update(of).where(of.c.id == organization).values(values))
    seal_organizations(connection, organization)


def require_sealed(connection: Connection, *organizations: str) -> None:
    """Raise RegisterChanged where what is known of one of them was changed behind the service."""
    if changed := changed_organizations(connection, *organizations):
        raise RegisterChanged(f"the register was changed in the database, not by the service: {', '.join(changed)}")


def seal_organizations(connection: Connection, *organizations: str) -> None:
    """Seal what is known of organizations, and their ties to others, in the transaction that changes it.

    Who changes what is there calls :func:`require_sealed` first: an edit would be sealed with it.
    """
    of = tables.organizations
    for start in range(0, len(organizations), _AT_ONCE):
        some = organizations[start : start + _AT_ONCE]
        told = _told_of(connection, of.c.id.in_(some))
        seals = row_seals(connection, _KIND, (values for _, values in told.values()))
        rows = [{"organization": each, "made": seal} for each, seal in zip(told, seals, strict=True)]
        if rows:
            made = update(of).where(of.c.id == bindparam("organization")).values(seal=bindparam("made"))
            connection.execute(made, rows)


def changed_organizations(connection: Connection, *organizations: str) -> set[str]:
    """The ids of those who are not as the service entered them, of these or of all; and of those with a tie to one
    who is not there."""
    of, edges = tables.organizations.c, tables.edges.c
    told = _told_of(connection, of.id.in_(organizations) if organizations else None)
    seals = row_seals(connection, _KIND, (values for _, values in told.values()))
    changed = {each for (each, (seal, _)), made in zip(told.items(), seals, strict=True) if seal != made}
    if not organizations:
        ties = connection.execute(select(edges.source, edges.target)).all()
        changed |= {source for source, target in ties if target not in told}
    return changed


def fewer_than_registered(connection: Connection) -> int:
    """How many organizations the record tells of that are there no more: none is ever taken out of the register."""
    of = tables.records.c
    bodies = connection.execute(select(of.body).where(of.kind == "registered")).scalars()
    told = sum(msgspec.json.decode(body)["organizations"] for body in bodies)
    there = connection.execute(select(func.count()).select_from(tables.organizations)).scalar_one()
    return max(int(told) - int(there), 0)


def seal_unsealed(connection: Connection) -> None:
    """Seal those who are from before there were seals. For the first start alone."""
    of = tables.organizations.c
    seal_organizations(connection, *connection.execute(select(of.id).where(of.seal.is_(None))).scalars())


def _told_of(connection: Connection, which: ColumnElement[bool] | None) -> dict[str, tuple[bytes | None, list[Any]]]:
    """The seal of each organization, and what it is over; of all where none is asked for."""
    of = tables.organizations
    # As the text that is stored: to read ten thousand of them would take as long as all else here.
    columns = [cast(each, Text) if each.name == "jurisdictions" else each for each in of.columns if each.name != "seal"]
    wanted = select(of.c.seal, *columns)
    rows = connection.execute(wanted if which is None else wanted.where(which))
    told: dict[str, tuple[bytes | None, list[Any]]] = {row[1]: (row[0], list(row[1:])) for row in rows}
    known = (
        (tables.aliases, "organization"),
        (tables.identifiers, "organization"),
        (tables.edges, "source"),
    )
    for table, owner in known:
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        owned = select(table.c[owner], *(column for column in table.columns if column.name != owner))
        if which is not None:
            owned = owned.where(table.c[owner].in_(select(of.c.id).where(which)))
        for mine, *rest in connection.execute(owned):
            found[mine].append(tuple(rest))
        for each, (_, values) in told.items():
            values.append(sorted(found[each]) if each in found else [])
    return told


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
