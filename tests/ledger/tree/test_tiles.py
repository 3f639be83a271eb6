"""Tiles: the paths and bytes that C2SP gives them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.ledger.tree.tiles import (
    ENTRIES,
    Tile,
    TileError,
    Tree,
    bundle,
    count_of_tiles,
    read_bundle,
    read_tile,
    split_bundle,
    tiles_of,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(ENTRIES, 1_234_067, 8), "tile/entries/x001/x234/067.p/8"),
    ],
)
def test_a_tile_stands_where_the_specification_says(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_the_tiles_of_70_000_entries_are_those_of_the_specification() -> None:
    hashes = [tile for tile in tiles_of(70_000) if tile.level != ENTRIES]
    partial = [(tile.level, tile.index, tile.width) for tile in hashes if tile.width < 256]
    assert partial == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert [sum(tile.level == level for tile in hashes) for level in range(4)] == [274, 2, 1, 0]


def test_the_tiles_of_256_entries_are_those_of_the_specification() -> None:
    assert set(tiles_of(256)) == {Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)}


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_tiles_are_counted_without_being_listed(one: int, other: int) -> None:
    since, size = sorted((one, other))
    assert count_of_tiles(size, since) == len(list(tiles_of(size, since)))
    assert count_of_tiles(size) == len(list(tiles_of(size)))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_holds_its_entries(entries: list[bytes]) -> None:
    assert split_bundle(bundle(entries)) == entries


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5), st.data())
def test_a_bundle_that_is_cut_never_yields_what_was_not_in_it(entries: list[bytes], data: st.DataObject) -> None:
    whole = bundle(entries)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with suppress(TileError):
        assert split_bundle(cut) == entries[: len(split_bundle(cut))]
    with pytest.raises(TileError):
        read_bundle(Tile(ENTRIES, 0, len(entries)), lambda path: cut)


def test_the_largest_entry_fits_its_length() -> None:
    assert split_bundle(bundle([b"\xff" * 65_535])) == [b"\xff" * 65_535]


def test_a_partial_tile_that_is_gone_is_the_beginning_of_the_full_one() -> None:
    files = {"tile/0/000": bytes(range(256)) * 32, "tile/entries/000": bundle([b"a", b"b"] * 128)}

    def fetch(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    assert read_tile(Tile(0, 0, 3), fetch) == files["tile/0/000"][:96]
    assert read_bundle(Tile(ENTRIES, 0, 3), fetch) == [b"a", b"b", b"a"]
    with pytest.raises(FileNotFoundError):
        read_tile(Tile(1, 0, 3), fetch)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_tile_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(TileError, match=r"tile/0/000\.p/3"):
        read_tile(Tile(0, 0, 3), lambda path: bytes(length))


def test_a_tree_is_loaded_from_its_files_at_every_size_about_a_full_tile() -> None:
    files: dict[str, bytes] = {}
    tree = Tree()
    for index in range(520):
        files |= {tile.path: data for tile, data in [*tree.add(b"%d" % index), *tree.begun()]}
        if index % 256 in (0, 1, 100, 254, 255):
            loaded = Tree.load(tree.size, files.__getitem__)
            assert (loaded.root, loaded.begun()) == (tree.root, tree.begun())


def test_a_tree_whose_last_entries_were_changed_is_not_loaded() -> None:
    tree = Tree()
    tree.add(b"true")
    files = {tile.path: data for tile, data in tree.begun()}
    files["tile/entries/000.p/1"] = bundle([b"false"])
    with pytest.raises(TileError):
        Tree.load(1, files.__getitem__)
