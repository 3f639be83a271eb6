"""Whom lines name: found by an index, that follows whatever becomes of lines, and that holds no name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from regard.custom import people, tables
from regard.custom.datasets import Dataset
from regard.custom.projects import Feature
from regard.custom.vaults import Vault
from regard.operations.common.rooms import Rooms
from tests.helpers.customs import Line, Workshop, picture
from tests.helpers.fakes import ORGANIZATION, ask_ours

PEOPLE = "regard-people"


def of(key: str, *named: str) -> Line:
    """A line that names people."""
    return picture("Sea", key=key) | ({PEOPLE: list(named)} if named else {})


class Named:
    """A dataset, and who is asked for in it."""

    def __init__(self, shop: Workshop, rooms: Rooms) -> None:
        self.shop, self.rooms = shop, rooms
        self.project = shop.project()
        self.arn = shop.dataset(self.project)

    def dataset(self, arn: str = "") -> Dataset:
        assert self.rooms.custom is not None
        with self.rooms.gallery.reading() as connection:
            return self.rooms.custom.datasets.find(connection, ORGANIZATION, arn or self.arn)[1]

    def naming(self, person: str, arn: str = "") -> list[str]:
        """The pictures of somebody, by the index, which are those that every line tells."""
        assert self.rooms.custom is not None
        entries, dataset = self.rooms.custom.entries, self.dataset(arn)
        with self.rooms.gallery.reading() as connection:
            found = entries.naming(connection, dataset, Feature.CUSTOM_LABELS, person)
            assert found == entries.all_naming(connection, dataset, Feature.CUSTOM_LABELS, person)
        return [each.removeprefix("s3://bucket/") for each in found]

    def links(self) -> int:
        with self.rooms.gallery.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.entry_people)).scalar_one())

    def age(self) -> None:
        """Let all entries be of before there was an index."""
        with self.rooms.gallery.writing() as connection:
            connection.execute(tables.entry_people.delete())
            connection.execute(update(tables.entries).values(named=None))

    def note(self) -> int:
        assert self.rooms.custom is not None
        with self.rooms.gallery.writing() as connection:
            return self.rooms.custom.entries.note_people(connection, self.dataset(), Feature.CUSTOM_LABELS)


@pytest.fixture
def named(shop: Workshop, rooms: Rooms) -> Named:
    return Named(shop, rooms)


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Counts the lines that are opened."""
    count, opening = [0], Vault.opened

    def counting(self: Vault, row: Any) -> bytes:
        count[0] += 1
        return opening(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "opened", counting)
        yield lambda: count[0]


def test_the_index_follows_what_becomes_of_lines(named: Named, rooms: Rooms) -> None:
    shop = named.shop
    shop.update(named.arn, of("1", "ann"), of("2", "ann", "bob"), of("3"), of("4", "bob", "bob"))
    assert (named.naming("ann"), named.naming("bob"), named.naming("an")) == (["1", "2"], ["2", "4"], [])
    shop.update(named.arn, of("1", "cy"), of("2", "bob"))
    assert (named.naming("ann"), named.naming("bob"), named.naming("cy")) == ([], ["2", "4"], ["1"])
    ask_ours(rooms, "RemoveDatasetEntry", DatasetArn=named.arn, SourceRef="s3://bucket/2")
    assert (named.naming("bob"), named.links()) == (["4"], 2)
    shop.ask("DeleteDataset", DatasetArn=named.arn)
    assert named.links() == 0


def test_lines_that_go_to_the_test_are_found_there(named: Named) -> None:
    shop = named.shop
    test = shop.dataset(named.project, "TEST")
    shop.update(named.arn, *(of(str(number), "ann") for number in range(10)))
    shop.ask("DistributeDatasetEntries", Datasets=[{"Arn": test}, {"Arn": named.arn}])
    stayed, went = named.naming("ann"), named.naming("ann", test)
    assert (len(went), sorted(stayed + went)) == (2, [str(number) for number in range(10)])
    assert named.links() == 10


def test_nobody_elses_line_is_opened_to_find_somebodys(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    named.shop.update(named.arn, *(of(str(number), "ann" if number % 25 == 0 else "bob") for number in range(100)))
    assert named.rooms.custom is not None
    dataset, entries = named.dataset(), named.rooms.custom.entries
    with opened(monkeypatch) as count, named.rooms.gallery.reading() as connection:
        assert len(entries.naming(connection, dataset, Feature.CUSTOM_LABELS, "ann")) == 4
        assert count() == 4
        # Whoever goes is looked for in each line.
        assert len(entries.all_naming(connection, dataset, Feature.CUSTOM_LABELS, "ann")) == 4
        assert count() == 104


def test_entries_of_before_are_read_until_they_are_noted(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    named.shop.update(named.arn, of("1", "ann"), of("2", "bob"), of("3"))
    named.age()
    named.shop.update(named.arn, of("4", "ann"))
    assert named.naming("ann") == ["1", "4"]
    assert named.note() == 3
    assert named.note() == 0
    with named.rooms.gallery.reading() as connection:
        assert people.are_all_noted(connection)
    assert (named.naming("ann"), named.naming("bob"), named.links()) == (["1", "4"], ["2"], 3)
    with opened(monkeypatch) as count:
        named.naming("bob")
        # One by the index, and four to compare.
        assert count() == 5


def test_an_index_that_was_edited_tells_nobody_of_lines_that_name_somebody_else(named: Named) -> None:
    named.shop.update(named.arn, of("1", "ann"), of("2", "bob"))
    with named.rooms.gallery.writing() as connection:
        (ann, bob) = connection.execute(select(tables.entry_people.c.entry, tables.entry_people.c.person)).all()
        connection.execute(tables.entry_people.insert().values(entry=bob.entry, person=ann.person))
    assert named.naming("ann") == ["1"]


def test_the_index_says_no_name_and_is_another_one_in_each_dataset(named: Named, tmp_path: Path) -> None:
    other = named.shop.dataset(named.shop.project("other"))
    for arn in (named.arn, other):
        named.shop.update(arn, of("1", "ann-who-is-named"))
    with named.rooms.gallery.reading() as connection:
        digests = connection.execute(select(tables.entry_people.c.person)).scalars().all()
        held = connection.execute(text("SELECT * FROM dataset_entry_people")).all()
    assert len({bytes(each) for each in digests}) == 2
    assert {len(bytes(each)) for each in digests} == {32}
    assert "ann-who" not in str(held)
    assert named.naming("ann-who-is-named", other) == ["1"]
