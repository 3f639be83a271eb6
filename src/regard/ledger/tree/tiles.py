"""Tiles: the hashes and entries of a log as files of fixed bytes under fixed paths (C2SP `tlog-tiles`).

A tile of level L holds up to 256 hashes, each over 256^L entries; an entry bundle holds the entries below a
tile of level 0. Tiles that are not full carry their width in the path, so that no path ever has two contents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from regard.ledger.tree.merkle import HASH_BYTES, leaf_hash, node_hash, root_of_peaks

WIDTH = 256
HEIGHT = 8
MOST_ENTRY_BYTES = 65_535
ENTRIES = -1
"""The `level` of entry bundles."""

Fetch = Callable[[str], bytes]
"""The bytes at a path below the log's address. Raises FileNotFoundError."""


class TileError(ValueError):
    """A tile or a bundle that is not of the form; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The place of one tile, or of one bundle when `level` is ENTRIES. `width` is 1 to 256."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """`tile/L/N` or `tile/entries/N`, followed by `.p/W` when it is not full."""
        index = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            index = f"x{rest % 1000:03}/{index}"
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{index}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def full(self) -> Tile:
        """The full tile at the same place."""
        return Tile(self.level, self.index)

    def within(self, size: int) -> Tile:
        """The tile at the same place, as wide as the tree of `size` entries has it."""
        hashes = size >> HEIGHT * max(self.level, 0)
        return Tile(self.level, self.index, min(WIDTH, hashes - self.index * WIDTH))


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """The tiles and bundles of the tree of `size` entries that the tree of `since` entries did not have."""
    for level in range(ENTRIES, HEIGHT):
        shift = HEIGHT * max(level, 0)
        hashes, before = size >> shift, since >> shift
        if not hashes:
            return
        for index in range(before // WIDTH, hashes // WIDTH):
            yield Tile(level, index)
        if hashes % WIDTH and hashes != before:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def count_of_tiles(size: int, since: int = 0) -> int:
    """How many :func:`tiles_of` gives, which may be more than memory holds: whoever serves a log says its size."""
    found = 0
    for level in range(ENTRIES, HEIGHT):
        shift = HEIGHT * max(level, 0)
        hashes, before = size >> shift, since >> shift
        found += hashes // WIDTH - before // WIDTH + bool(hashes % WIDTH and hashes != before)
    return found


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle has them: each after its length in two bytes, big-endian."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def split_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises TileError."""
    entries, place = [], 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[start - 2 : start])
        entries.append(data[start:place])
    if place != len(data):
        raise TileError("the bundle ends within an entry")
    return entries


def read_entries(size: int, fetch: Fetch) -> Iterator[bytes]:
    """The entries of the tree of `size` entries, oldest first, as they are found. Raises as read_bundle does."""
    for index in range(-(-size // WIDTH)):
        yield from read_bundle(Tile(ENTRIES, index).within(size), fetch)


def read_tile(tile: Tile, fetch: Fetch) -> bytes:
    """The bytes of a tile of hashes.

    A partial tile may have given way to the full one, whose beginning is the same.
    Raises FileNotFoundError, and TileError when the length is wrong.
    """
    data = _read(tile, fetch)
    if len(data) < HASH_BYTES * tile.width or len(data) % HASH_BYTES:
        raise TileError(f"{tile.path} has {len(data)} bytes, not {HASH_BYTES * tile.width}")
    return data[: HASH_BYTES * tile.width]


def read_bundle(tile: Tile, fetch: Fetch) -> list[bytes]:
    """The entries of a bundle. Raises FileNotFoundError, and TileError when it is not of the form."""
    try:
        entries = split_bundle(_read(tile, fetch))
    except TileError as error:
        raise TileError(f"{tile.path}: {error}") from None
    if len(entries) < tile.width:
        raise TileError(f"{tile.path} has {len(entries)} entries, not {tile.width}")
    return entries[: tile.width]


def _read(tile: Tile, fetch: Fetch) -> bytes:
    try:
        return fetch(tile.path)
    except FileNotFoundError as gone:
        if tile.width < WIDTH:
            with suppress(FileNotFoundError):
                return fetch(tile.full.path)
        raise gone


class TileNodes:
    """The stored hashes of the tree of `size` entries: a `merkle.Nodes`."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        # A proof reads a few tiles many times.
        self._tile = lru_cache(maxsize=64)(lambda tile: read_tile(tile, fetch))

    def __call__(self, height: int, index: int) -> bytes:
        """The hash of the complete subtree of 2^height leaves at `index`. Raises as `read_tile` does."""
        level, above = divmod(height, HEIGHT)
        start = index << above
        data = self._tile(Tile(level, start // WIDTH).within(self._size))
        first = (start % WIDTH) * HASH_BYTES
        return _root(data[first : first + (HASH_BYTES << above)])


class Tree:
    """A growing log: the peaks that its root is made of, and the tiles and the bundle that are not full yet.

    Adding an entry costs two hashes on average, whatever the size.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        self._edge: list[bytearray] = [bytearray()]
        self._entries: list[bytes] = []

    @property
    def root(self) -> bytes:
        """The root of the tree as it stands."""
        return root_of_peaks(self._peaks)

    def add(self, entry: bytes) -> list[tuple[Tile, bytes]]:
        """Add an entry. Answers what it filled, with its bytes: mostly nothing, else a bundle and tiles."""
        filled: list[tuple[Tile, bytes]] = []
        self._entries.append(entry)
        if len(self._entries) == WIDTH:
            filled.append((Tile(ENTRIES, self.size // WIDTH), bundle(self._entries)))
            self._entries = []
        node, height = leaf_hash(entry), 0
        self._store(0, node, filled)
        while self.size >> height & 1:
            node = node_hash(self._peaks.pop(), node)
            height += 1
            if height % HEIGHT == 0:
                self._store(height // HEIGHT, node, filled)
        self._peaks.append(node)
        self.size += 1
        return filled

    def begun(self) -> list[tuple[Tile, bytes]]:
        """The bundle and the tiles that are begun and not full, with their bytes."""
        parts = [
            (Tile(level, self.size >> HEIGHT * (level + 1), len(edge) // HASH_BYTES), bytes(edge))
            for level, edge in enumerate(self._edge)
            if edge
        ]
        if self._entries:
            place = Tile(ENTRIES, self.size // WIDTH, len(self._entries))
            parts.insert(0, (place, bundle(self._entries)))
        return parts

    @classmethod
    def load(cls, size: int, fetch: Fetch, within: int | None = None) -> Tree:
        """The tree of `size` entries from the files of a log that has `within` by now, or just as many.

        Compare its root before you believe it. Raises FileNotFoundError, and TileError also when the last
        entries are not those that are hashed.
        """
        within = within or size
        tree = cls()
        tree.size = size
        tree._edge = [bytearray() for _ in range(max(1, -(-size.bit_length() // HEIGHT)))]
        for tile in tiles_of(size):
            if tile.width == WIDTH:
                continue
            stored = tile.within(within)
            if tile.level == ENTRIES:
                tree._entries = read_bundle(stored, fetch)[: tile.width]
            else:
                tree._edge[tile.level] += read_tile(stored, fetch)[: tile.width * HASH_BYTES]
        if b"".join(map(leaf_hash, tree._entries)) != tree._edge[0]:
            raise TileError(f"the last entries of {size} are not those that the tiles hash")
        nodes = TileNodes(within, fetch)
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                tree._peaks.append(nodes(height, (size >> height) - 1))
        return tree

    def _store(self, level: int, node: bytes, filled: list[tuple[Tile, bytes]]) -> None:
        if level == len(self._edge):
            self._edge.append(bytearray())
        edge = self._edge[level]
        edge += node
        if len(edge) == WIDTH * HASH_BYTES:
            filled.append((Tile(level, self.size >> HEIGHT * (level + 1)), bytes(edge)))
            edge.clear()


def _root(hashes: bytes) -> bytes:
    if len(hashes) == HASH_BYTES:
        return hashes
    middle = len(hashes) // 2
    return node_hash(_root(hashes[:middle]), _root(hashes[middle:]))
