"""The entries of datasets: lines, sealed under a key of their dataset, with what listings ask for beside them.

Whoever has the tables alone sees how many entries there are, and which share a label or name the same person: neither
lines nor names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from regard.custom import people, tables
from regard.custom.datasets import Dataset
from regard.custom.errors import NoSuchResource
from regard.custom.judged import Judged
from regard.custom.manifests import MOST_CHARACTERS, judge
from regard.custom.projects import Feature
from regard.custom.vaults import Vault
from regard.gallery.gallery import Gallery
from regard.sealing import SealingKey
from regard.traces import owe

# AWS's, of a dataset.
MOST_ENTRIES, MOST_LABELS = 250_000, 250
# Of an adapter's.
MOST_ADAPTED = 10_000
# Rows of a statement, and of what is opened at once.
_AT_ONCE = 500
_of, _labels, _links = tables.entries.c, tables.labels.c, tables.entry_labels.c


class TooManyLabels(ValueError):
    """The dataset would have more labels than it may."""


class TooManyEntries(ValueError):
    """The dataset would have more entries than it may."""


class _Source(msgspec.Struct):
    source: str = msgspec.field(name="source-ref")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line as it is listed: `text` is its JSON. `id` rises along the listing."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listing asks for: entries with any of these labels; with one or without; about pictures whose source-ref
    contains a text; with errors or without. What is None, or empty, is not asked for.
    """

    labels: tuple[str, ...] = ()
    labeled: bool | None = None
    source: str = ""
    wrong: bool | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a dataset: how many entries have it, and in how many of them it is a box. `id` rises along lists."""

    id: int
    name: str
    entries: int
    boxed: int


@dataclass(frozen=True, slots=True)
class Stats:
    """How many entries a dataset has, how many of them are labelled, or wrong, and how many labels there are."""

    entries: int
    labeled: int
    wrong: int
    labels: int


class Entries:
    """Writes, lists and removes entries. All methods work in the caller's transaction."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def destroy_keys(self, datasets: Collection[Dataset]) -> None:
        """Destroy the keys of datasets that were deleted: what they sealed is gone for good."""
        with self._gallery.overwriting():
            self._gallery.destroy_house_keys([dataset.key for dataset in datasets])

    def write(self, connection: Connection, dataset: Dataset, lines: Sequence[Judged], *, replace: bool) -> int:
        """Keep lines, each under its source-ref; how many are not kept, because they are dropped or come again.

        One that has an entry already takes its place with `replace`, and is dropped without. Of two that are given with
        one source-ref the first counts. Raises TooManyLabels, and with `replace` TooManyEntries.
        """
        vault, fresh = Vault(self._key(dataset), dataset), dict[bytes, Judged]()
        for line in lines:
            if not (line.dropped or len(line.told().decode()) > MOST_CHARACTERS):
                fresh.setdefault(vault.source(line.source), line)
        lost, names = len(lines) - len(fresh), _Names(connection, vault)
        kept = list(fresh.items())
        for first in range(0, len(kept), _AT_ONCE):
            lost += _put(connection, vault, names, dict(kept[first : first + _AT_ONCE]), replace)
        if replace:
            _forget_unused(connection, dataset)
            if self.stats(connection, dataset).entries > MOST_ENTRIES:
                raise TooManyEntries
        if names.count(connection) > MOST_LABELS:
            raise TooManyLabels
        return lost

    def remove(self, connection: Connection, dataset: Dataset, source: str) -> bool:
        """Remove the entry of a source-ref; whether there was one."""
        digest = Vault(self._key(dataset), dataset).source(source)
        found = connection.execute(select(_of.id).where(_of.dataset == dataset.id, _of.source == digest)).scalar()
        if found is None:
            return False
        _unlink(connection, [found])
        connection.execute(delete(tables.entries).where(_of.id == found))
        _forget_unused(connection, dataset)
        owe(connection)
        return True

    def naming(self, connection: Connection, dataset: Dataset, feature: Feature, person: str) -> list[str]:
        """The source-refs of the entries whose lines name a person, by the index. Raises CustomChanged."""
        vault, after, found = Vault(self._key(dataset), dataset), 0, dict[int, str]()
        while rows := people.entries_of(connection, vault, person, after, _AT_ONCE):
            found |= _naming(vault, rows, feature, person)
            after = rows[-1].id
        return self._read(connection, vault, feature, person, [_of.named.is_(None)], found)

    def all_naming(self, connection: Connection, dataset: Dataset, feature: Feature, person: str) -> list[str]:
        """The same, of each line as it is: what is to go does not hang on an index, which somebody may have edited.

        250,000 lines take 1.5 seconds of a core (measured). Raises CustomChanged.
        """
        return self._read(connection, Vault(self._key(dataset), dataset), feature, person, [], {})

    def note_people(self, connection: Connection, dataset: Dataset, feature: Feature) -> int:
        """Note whom entries name that are of before there was an index, 500 at most; how many. Raises CustomChanged."""
        return people.note_old(connection, Vault(self._key(dataset), dataset), feature, _AT_ONCE)

    def _read(
        self,
        connection: Connection,
        vault: Vault,
        feature: Feature,
        person: str,
        which: list[ColumnElement[bool]],
        found: dict[int, str],
    ) -> list[str]:
        """What was found, with the entries among those of which each line is read, in the order in which they came."""
        after = 0
        while rows := _rows(connection, vault.dataset, after, _AT_ONCE, which):
            found |= _naming(vault, rows, feature, person)
            after = rows[-1].id
        return [found[entry] for entry in sorted(found)]

    def clear(self, connection: Connection, dataset: Dataset) -> None:
        """Remove all entries of a dataset."""
        mine = select(_of.id).where(_of.dataset == dataset.id)
        _unlink(connection, mine)
        for table in (tables.entries, tables.labels):
            connection.execute(delete(table).where(table.c.dataset == dataset.id))
        owe(connection)

    def page(
        self, connection: Connection, dataset: Dataset, after: int, most: int, wanted: Wanted | None = None
    ) -> list[Entry]:
        """At most `most` entries from behind the id `after`, in the order in which they came. Raises CustomChanged."""
        wanted, found = wanted or Wanted(), list[Entry]()
        vault = Vault(self._key(dataset), dataset)
        which = _which(vault, wanted)
        while len(found) < most:
            rows = _rows(connection, dataset, after, max(most, _AT_ONCE) if wanted.source else most, which)
            if not rows:
                break
            after = rows[-1].id
            for row in rows:
                text = vault.opened(row)
                if wanted.source in msgspec.json.decode(text, type=_Source).source:
                    found.append(Entry(row.id, text.decode()))
        return found[:most]

    def each(self, connection: Connection, dataset: Dataset, feature: Feature, after: int = 0) -> Iterator[Judged]:
        """Every entry as it was judged, in the order in which they came, from behind the id `after`.

        Raises CustomChanged.
        """
        for _, line in self.numbered(connection, dataset, feature, after):
            yield line

    def numbered(
        self, connection: Connection, dataset: Dataset, feature: Feature, after: int = 0, most: int | None = None
    ) -> Iterator[tuple[int, Judged]]:
        """The same, each with its id, `most` at most."""
        vault, told = Vault(self._key(dataset), dataset), 0
        while rows := _rows(connection, dataset, after, _AT_ONCE if most is None else min(_AT_ONCE, most - told), []):
            for row in rows:
                yield row.id, judge(vault.opened(row), feature)
            after, told = rows[-1].id, told + len(rows)
            if most is not None and told >= most:
                return

    def labels(self, connection: Connection, dataset: Dataset, after: int = 0, most: int | None = None) -> list[Label]:
        """At most `most` labels from behind the id `after`, in the order in which they came. Raises CustomChanged."""
        vault = Vault(self._key(dataset), dataset)
        boxed = func.count(_links.boxes).filter(_links.boxes > 0)
        counted = select(_labels.id, _labels.name, _labels.sealed, func.count(_links.entry), boxed)
        wanted = (
            counted.join(tables.entry_labels, _links.label == _labels.id)
            .where(_labels.dataset == dataset.id, _labels.id > after)
            .group_by(_labels.id, _labels.name, _labels.sealed)
            .order_by(_labels.id)
            .limit(most)
        )
        rows = connection.execute(wanted).all()
        return [Label(number, vault.name(name, sealed), *counts) for number, name, sealed, *counts in rows]

    def stats(self, connection: Connection, dataset: Dataset) -> Stats:
        """How many entries and labels it has."""
        mine = _of.dataset == dataset.id
        counts = (func.count(), func.count().filter(_of.labeled), func.count().filter(_of.wrong))
        row = connection.execute(select(*counts).select_from(tables.entries).where(mine)).one()
        named = select(func.count()).select_from(tables.labels).where(_labels.dataset == dataset.id)
        return Stats(*row, connection.execute(named).scalar_one())

    def move(
        self, connection: Connection, source: Dataset, target: Dataset, feature: Feature, chosen: Sequence[int]
    ) -> None:
        """Move entries, by their ids, from one dataset to another, where they come in the same order."""
        vault = Vault(self._key(source), source)
        for first in range(0, len(chosen), _AT_ONCE):
            mine = _of.id.in_(chosen[first : first + _AT_ONCE])
            rows = connection.execute(select(tables.entries).where(mine).order_by(_of.id)).all()
            lines = [judge(vault.opened(row), feature) for row in rows]
            _unlink(connection, [row.id for row in rows])
            connection.execute(delete(tables.entries).where(mine))
            self.write(connection, target, lines, replace=False)
        _forget_unused(connection, source)
        owe(connection)

    def _key(self, dataset: Dataset) -> SealingKey:
        key = self._gallery.house_key(dataset.key)
        if key is None:
            raise NoSuchResource(f"dataset {dataset.id}")
        return key


class _Names:
    """The rows of labels of one dataset, made where they lack."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._vault = vault
        wanted = select(_labels.name, _labels.id).where(_labels.dataset == vault.dataset.id)
        self._known: dict[bytes, int] = {bytes(name): number for name, number in connection.execute(wanted)}

    def number(self, connection: Connection, name: str) -> int:
        digest = self._vault.label(name)
        if digest not in self._known:
            row = {"dataset": self._vault.dataset.id, "name": digest, "sealed": self._vault.sealed_name(name)}
            made = connection.execute(insert(tables.labels).values(**row)).inserted_primary_key
            assert made
            self._known[digest] = made[0]
        return self._known[digest]

    def count(self, connection: Connection) -> int:
        mine = _labels.dataset == self._vault.dataset.id
        return int(connection.execute(select(func.count()).select_from(tables.labels).where(mine)).scalar_one())


def _naming(vault: Vault, rows: Sequence[Any], feature: Feature, person: str) -> dict[int, str]:
    """The source-refs of the rows whose lines name a person, by their ids. Raises CustomChanged."""
    # Of most lines that is seen without reading them as JSON.
    sought, found = msgspec.json.encode(person), dict[int, str]()
    for row in rows:
        text = vault.opened(row)
        if sought in text and person in (line := judge(text, feature)).people:
            found[row.id] = line.source
    return found


def _put(connection: Connection, vault: Vault, names: _Names, lines: dict[bytes, Judged], replace: bool) -> int:
    """Keep lines by their digests; how many are dropped, because they have an entry already."""
    mine = _of.dataset == vault.dataset.id
    known = dict(connection.execute(select(_of.source, _of.id).where(mine, _of.source.in_(list(lines)))).all())
    there = {bytes(source): number for source, number in known.items()}
    if there and replace:
        _unlink(connection, list(there.values()))
        for source, number in there.items():
            connection.execute(
                update(tables.entries).where(_of.id == number).values(**vault.row(source, lines[source]))
            )
        owe(connection)
    new = {source: line for source, line in lines.items() if source not in there}
    if new:
        connection.execute(insert(tables.entries), [vault.row(source, line) for source, line in new.items()])
    written = lines if replace else new
    placed = connection.execute(select(_of.source, _of.id).where(mine, _of.source.in_(list(written)))).all()
    links = [
        {"entry": number, "label": names.number(connection, name), "boxes": boxes}
        for source, number in placed
        for name, boxes in written[bytes(source)].names.items()
    ]
    if links:
        connection.execute(insert(tables.entry_labels), links)
    people.note(connection, vault, {number: written[bytes(source)].people for source, number in placed})
    return 0 if replace else len(there)


def _unlink(connection: Connection, entries: Sequence[int] | Select[Any]) -> None:
    """Forget which labels entries have and whom they name."""
    connection.execute(delete(tables.entry_labels).where(_links.entry.in_(entries)))
    people.forget(connection, entries)


def _forget_unused(connection: Connection, dataset: Dataset) -> None:
    used = select(_links.label).join(tables.labels, _labels.id == _links.label).where(_labels.dataset == dataset.id)
    unused = (_labels.dataset == dataset.id) & _labels.id.not_in(used)
    connection.execute(delete(tables.labels).where(unused))


def _which(vault: Vault, wanted: Wanted) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = []
    if wanted.labels:
        named = (_labels.dataset == vault.dataset.id) & _labels.name.in_([vault.label(name) for name in wanted.labels])
        joined = select(_links.entry).join(tables.labels, _labels.id == _links.label).where(named)
        which.append(_of.id.in_(joined))
    if wanted.labeled is not None:
        which.append(_of.labeled.is_(wanted.labeled))
    if wanted.wrong is not None:
        which.append(_of.wrong.is_(wanted.wrong))
    return which


def _rows(
    connection: Connection, dataset: Dataset, after: int, most: int, which: list[ColumnElement[bool]]
) -> Sequence[Any]:
    wanted = select(tables.entries).where(_of.dataset == dataset.id, _of.id > after, *which)
    return connection.execute(wanted.order_by(_of.id).limit(most)).all()
