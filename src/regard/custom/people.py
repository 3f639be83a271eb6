"""Whom lines name: an index by keyed digests of names, so that nobody else's lines are opened to find somebody's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from regard.custom import tables
from regard.custom.manifests import judge
from regard.custom.projects import Feature
from regard.custom.vaults import Vault

_of, _named = tables.entries.c, tables.entry_people.c


def note(connection: Connection, vault: Vault, people: Mapping[int, Iterable[str]]) -> None:
    """Note whom entries name, by their ids."""
    rows = [{"entry": entry, "person": vault.person(each)} for entry, named in people.items() for each in named]
    if rows:
        connection.execute(insert(tables.entry_people), rows)


def forget(connection: Connection, entries: Sequence[int] | Select[Any]) -> None:
    """Forget whom entries name that go, or are written anew."""
    connection.execute(delete(tables.entry_people).where(_named.entry.in_(entries)))


def entries_of(connection: Connection, vault: Vault, person: str, after: int, most: int) -> Sequence[Any]:
    """The rows of at most so many entries that name a person, from behind the id `after`."""
    mine = (_named.person == vault.person(person), _named.entry > after, _of.dataset == vault.dataset.id)
    wanted = select(tables.entries).join(tables.entry_people, _named.entry == _of.id).where(*mine)
    return connection.execute(wanted.order_by(_named.entry).limit(most)).all()


def are_all_noted(connection: Connection) -> bool:
    """Whether there are no entries left of before there was an index."""
    return connection.execute(select(_of.id).where(_of.named.is_(None)).limit(1)).first() is None


def note_old(connection: Connection, vault: Vault, feature: Feature, most: int) -> int:
    """Note whom entries name that are of before there was an index, at most so many; how many. Raises CustomChanged."""
    wanted = select(tables.entries).where(_of.dataset == vault.dataset.id, _of.named.is_(None))
    # Whoever changes one meanwhile notes it.
    rows = connection.execute(wanted.order_by(_of.id).limit(most).with_for_update()).all()
    people = {row.id: judge(vault.opened(row), feature).people for row in rows}
    counted = defaultdict[int, list[int]](list)
    for entry, named in people.items():
        counted[len(named)].append(entry)
    for count, entries in counted.items():
        connection.execute(update(tables.entries).where(_of.id.in_(entries)).values(named=count))
    note(connection, vault, people)
    return len(rows)
