"""The two loops of a search, compiled for the processor at hand when they first run."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from regard.compiling import compiled

# So many rows of codes are read side by side, by so many codes at a time: a line of a cache. More rows do not fit the
# 16 registers of AVX2, and took half as long again there.
WIDTH = 4
LINE = 64
# A processor fetches ahead what it is told to; left alone it begins anew on every page.
_AHEAD = 8 * LINE
# Sums of so many vectors, a share for each probe, stay in a core's own cache while dimension after dimension is added.
_TILE = 1 << 16
_SMALLEST_TILE = 1 << 12

# A sum may be added up in any order, as vector instructions do.
_summing = partial(compiled, fastmath={"contract", "nsz", "reassoc"})


def _fetching(_: Any, row: Any, place: Any) -> Any:
    def written(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        known_as = ir.FunctionType(ir.VoidType(), [address, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch.p0", fnty=known_as)
        # To read, into every cache, as data.
        builder.call(prefetch, [builder.gep(data, [arguments[1]]), flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(row, place), written


# Has a place of a row brought near, which may lie behind the row's end.
_fetch: Any = intrinsic(_fetching)


@_summing
def products(
    weights: NDArray[np.float32], dimensions: NDArray[np.int64], codes: NDArray[np.int8], steps: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The products, (q, n), of weights, (q, k), with codes, (d, n or more), in k of their dimensions.

    Codes count in units of their steps, (n,). k is a multiple of WIDTH, n of LINE. Each product is a sum in float32.
    """
    probes, rows = len(weights), len(steps)
    found = np.zeros((probes, rows), np.float32)
    tile = max(_TILE // probes // LINE * LINE, _SMALLEST_TILE)
    for start in range(0, rows, tile):
        end = min(start + tile, rows)
        for k in range(0, len(dimensions), WIDTH):
            c0, c1, c2, c3 = [codes[each, start:end] for each in dimensions[k : k + WIDTH]]
            for probe in range(probes):
                w0, w1, w2, w3 = weights[probe, k : k + WIDTH]
                sums = found[probe, start:end]
                # Of `len` it is known that it is not negative: without that no vector instructions are used below.
                for line in range(0, len(sums), LINE):
                    ahead = line + _AHEAD
                    _fetch(c0, ahead), _fetch(c1, ahead), _fetch(c2, ahead), _fetch(c3, ahead)
                    for j in range(line, line + LINE):
                        sums[j] += w0 * float32(c0[j]) + w1 * float32(c1[j]) + w2 * float32(c2[j]) + w3 * float32(c3[j])
    for probe in range(probes):
        for j in range(rows):
            found[probe, j] *= steps[j]
    return found


@_summing
def cosines(probe: NDArray[np.float64], vectors: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The products, (m,), in float64, of a probe, (d,), with the vectors, (n, d), of m places."""
    found = np.zeros(len(places), np.float64)
    for number in range(len(places)):
        vector = vectors[places[number]]
        total = 0.0
        for k in range(len(probe)):
            total += vector[k] * probe[k]
        found[number] = total
    return found
