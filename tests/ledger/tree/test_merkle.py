"""The tree against RFC 6962's own definitions, from stored tiles, for every size to 600."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.ledger.tree.merkle import (
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from regard.ledger.tree.tiles import TileNodes, Tree, tiles_of
from tests.helpers.ledger import rfc6962

MOST = 600
ENTRIES = [f"entry {index}".encode() for index in range(MOST)]
ROOTS = [rfc6962.root(ENTRIES[:size]) for size in range(MOST + 1)]


def _files() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    tree = Tree()
    for entry in ENTRIES:
        files |= {tile.path: data for tile, data in [*tree.add(entry), *tree.begun()]}
    return files


FILES = _files()


def nodes(size: int) -> TileNodes:
    return TileNodes(size, FILES.__getitem__)


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert tree_root(0, nodes(0)) == rfc6962.root([]) == Tree().root


def test_every_root_to_600_is_that_of_the_reference() -> None:
    tree = Tree()
    for size in range(1, MOST + 1):
        tree.add(ENTRIES[size - 1])
        assert tree.root == tree_root(size, nodes(size)) == ROOTS[size]


def test_the_tiles_of_every_size_are_those_that_the_tree_wrote() -> None:
    paths: set[str] = set()
    for size in range(1, MOST + 1):
        new = {tile.path for tile in tiles_of(size, size - 1)}
        assert not new & paths
        paths |= new
    assert paths == set(FILES)


def test_inclusion_of_every_size_to_600_is_proved_as_the_reference_proves_it() -> None:
    chance = random.Random(6962)
    for size in range(1, MOST + 1):
        stored = nodes(size)
        for index in {0, size - 1, *(chance.randrange(size) for _ in range(4))}:
            proof = inclusion_proof(index, size, stored)
            verify_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, ROOTS[size])
            if index % 7 == size % 7:
                assert proof == rfc6962.path(index, ENTRIES[:size])


def test_consistency_of_every_size_to_600_is_proved_as_the_reference_proves_it() -> None:
    chance = random.Random(9162)
    for size in range(1, MOST + 1):
        stored = nodes(size)
        for old in {0, 1, size, size // 2, *(chance.randint(1, size) for _ in range(4))}:
            proof = consistency_proof(old, size, stored)
            verify_consistency(old, size, ROOTS[old], ROOTS[size], proof)
            if old and old % 7 == size % 7:
                assert proof == rfc6962.proof(old, ENTRIES[:size])


@pytest.mark.parametrize("size", range(1, 20))
def test_every_proof_of_small_trees_is_the_reference_s(size: int) -> None:
    for index in range(size):
        assert inclusion_proof(index, size, nodes(size)) == rfc6962.path(index, ENTRIES[:size])
        old = index + 1
        assert consistency_proof(old, size, nodes(size)) == rfc6962.proof(old, ENTRIES[:size])


def _flip(data: bytes, at: int) -> bytes:
    place, bit = divmod(at % (8 * len(data)), 8)
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


@given(st.integers(1, MOST), st.integers(0), st.integers(0))
def test_no_bit_of_an_inclusion_proof_can_change(size: int, which: int, bit: int) -> None:
    index = which % size
    leaf, root = leaf_hash(ENTRIES[index]), ROOTS[size]
    parts = [leaf, root, *inclusion_proof(index, size, nodes(size))]
    changed = bit % len(parts)
    parts[changed] = _flip(parts[changed], bit // len(parts))
    with pytest.raises(ProofError):
        verify_inclusion(parts[0], index, size, parts[2:], parts[1])


@given(st.integers(2, MOST), st.integers(0), st.integers(0))
def test_no_bit_of_a_consistency_proof_can_change(size: int, which: int, bit: int) -> None:
    old = 1 + which % (size - 1)
    parts = [ROOTS[old], ROOTS[size], *consistency_proof(old, size, nodes(size))]
    changed = bit % len(parts)
    parts[changed] = _flip(parts[changed], bit // len(parts))
    with pytest.raises(ProofError):
        verify_consistency(old, size, parts[0], parts[1], parts[2:])


@given(st.integers(1, MOST), st.integers(0, MOST), st.integers(-1, MOST + 1), st.integers(0, MOST + 1))
def test_a_proof_holds_only_for_its_own_place_and_size(
    size: int, which: int, wrong_index: int, wrong_size: int
) -> None:
    index = which % size
    proof = inclusion_proof(index, size, nodes(size))
    leaf = leaf_hash(ENTRIES[index])
    if wrong_index != index:
        with pytest.raises(ProofError):
            verify_inclusion(leaf, wrong_index, size, proof, ROOTS[size])
    if wrong_size <= MOST and wrong_size != size:
        with pytest.raises(ProofError):
            verify_inclusion(leaf, index, wrong_size, proof, ROOTS[wrong_size])


@given(st.integers(1, MOST), st.integers(0, MOST))
def test_a_proof_that_is_longer_or_shorter_is_refused(size: int, which: int) -> None:
    index, old = which % size, 1 + which % size
    leaf, path = leaf_hash(ENTRIES[index]), inclusion_proof(index, size, nodes(size))
    growth = consistency_proof(old, size, nodes(size))
    for wrong in ([*path, path[-1] if path else leaf], path[:-1] if path else [leaf]):
        with pytest.raises(ProofError):
            verify_inclusion(leaf, index, size, wrong, ROOTS[size])
    for wrong in ([*growth, leaf], growth[:-1] if growth else [leaf]):
        with pytest.raises(ProofError):
            verify_consistency(old, size, ROOTS[old], ROOTS[size], wrong)


def test_a_proof_that_stops_below_the_root_is_refused_though_its_hash_is_that_root() -> None:
    with pytest.raises(ProofError):
        verify_inclusion(ROOTS[1], 0, 2, [], ROOTS[1])
    with pytest.raises(ProofError):
        verify_consistency(2, 4, ROOTS[2], ROOTS[2], [])


def test_a_tree_does_not_begin_with_a_larger_one() -> None:
    with pytest.raises(ProofError):
        verify_consistency(3, 2, ROOTS[3], ROOTS[2], [])
    with pytest.raises(ProofError):
        verify_consistency(0, 2, ROOTS[1], ROOTS[2], [])
    with pytest.raises(ValueError, match="does not begin"):
        consistency_proof(3, 2, nodes(2))
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(2, 2, nodes(2))


def test_a_node_is_never_taken_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
