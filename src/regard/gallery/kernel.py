"""The two loops of a search, compiled for the processor at hand when they first run."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from regard.compiling import compiled

# So many rows of codes are read side by side, by so many codes at a time: a line of a cache.
WIDTH = 8
LINE = 64
# The highest weight: 4 products with a code of 7 bits and a sign stay within 16 bits, where twice as many are added up
# at once as in 32.
HEAVIEST = 63
_IN_16_BITS = 4
_LANES = 32
# A processor fetches ahead what it is told to; left alone it begins anew on every page.
_AHEAD = 16 * LINE
# Sums of so many vectors, a share for each probe, stay in a core's own cache while dimension after dimension is added.
_TILE = 1 << 16
_SMALLEST_TILE = 1 << 12

_BYTE, _SHORT, _INT, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SHORTS = ir.VectorType(_SHORT, _LANES)
_FETCH = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _INT, _INT, _INT])


def _adding(_: Any, sums: Any, codes: Any, dimensions: Any, weights: Any, place: Any) -> Any:
    def written(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *arrays, place = zip(signature.args, arguments, strict=True)
        totals, rows, picked, heavy = (context.make_array(kind)(context, builder, each) for kind, each in arrays)
        stride = builder.extract_value(rows.strides, 0)
        starts = [builder.add(builder.mul(each, stride), place[1]) for each in _unchanging(builder, picked)]
        spread = [_spread(builder, each) for each in _unchanging(builder, heavy)]
        for start in starts:
            # It may lie behind the row's end.
            _bring_near(builder, builder.gep(rows.data, [builder.add(start, _LONG(_AHEAD))]))
        for offset in range(0, LINE, _LANES):
            places = [builder.gep(rows.data, [builder.add(start, _LONG(offset))]) for start in starts]
            total = builder.gep(totals.data, [builder.add(place[1], _LONG(offset))])
            _add_up(builder, total, [_loaded(builder, each, _BYTE) for each in places], spread)
        return context.get_dummy_value()

    return types.void(sums, codes, dimensions, weights, place), written


def _add_up(builder: Any, total: Any, codes: list[Any], weights: list[Any]) -> None:
    products = [builder.mul(builder.sext(code, _SHORTS), weight) for code, weight in zip(codes, weights, strict=True)]
    few = [reduce(builder.add, products[start : start + _IN_16_BITS]) for start in range(0, WIDTH, _IN_16_BITS)]
    before = _loaded(builder, total, _INT)
    wide = [builder.sext(each, before.type) for each in few]
    builder.store(reduce(builder.add, wide, before), _as_vector(builder, total, _INT), align=_INT.width // 8)


def _fetching(_: Any, vectors: Any, place: Any) -> Any:
    def written(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = context.make_array(signature.args[0])(context, builder, arguments[0])
        offset = builder.mul(arguments[1], builder.extract_value(rows.strides, 0))
        _bring_near(builder, builder.gep(builder.bitcast(rows.data, _BYTE.as_pointer()), [offset]))
        return context.get_dummy_value()

    return types.void(vectors, place), written


def _bring_near(builder: Any, place: Any) -> None:
    fetch = builder.module.declare_intrinsic("llvm.prefetch.p0", fnty=_FETCH)
    # To read, into every cache, as data.
    builder.call(fetch, [place, _INT(0), _INT(3), _INT(1)])


def _unchanging(builder: Any, array: Any) -> list[Any]:
    """WIDTH numbers, read before the loop: what is stored in it changes none of them."""
    stride, first = builder.extract_value(array.strides, 0), builder.bitcast(array.data, _BYTE.as_pointer())
    places = [builder.gep(first, [builder.mul(stride, _LONG(k))]) for k in range(WIDTH)]
    numbers = [builder.load(builder.bitcast(each, array.data.type)) for each in places]
    for each in numbers:
        each.set_metadata("invariant.load", builder.module.add_metadata([]))
    return numbers


def _spread(builder: Any, number: Any) -> Any:
    nothing = ir.Constant(_SHORTS, ir.Undefined)
    first = ir.Constant(ir.VectorType(_INT, _LANES), [0] * _LANES)
    return builder.shuffle_vector(builder.insert_element(nothing, number, _INT(0)), nothing, first)


def _loaded(builder: Any, place: Any, kind: Any) -> Any:
    return builder.load(_as_vector(builder, place, kind), align=kind.width // 8)


def _as_vector(builder: Any, place: Any, kind: Any) -> Any:
    return builder.bitcast(place, ir.VectorType(kind, _LANES).as_pointer())


# Adds to a line of sums the products of WIDTH rows of codes with a weight each. It is written in vectors: from a loop
# over numbers of 16 bits LLVM makes none.
_add: Any = intrinsic(_adding)
# Has the vector of a place brought near before its turn.
_fetch: Any = intrinsic(_fetching)


@compiled
def products(
    weights: NDArray[np.int16],
    units: NDArray[np.float32],
    dimensions: NDArray[np.int64],
    codes: NDArray[np.int8],
    steps: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The products, (q, n), of weights, (q, k), with codes, (d, n or more), in k of their dimensions.

    Weights are HEAVIEST at most and count in units, (q,), codes in their steps, (n,). k is a multiple of WIDTH, n of
    LINE, and what a row has lies side by side. Sums are exact; what they count in is multiplied in float32.
    """
    probes, rows = len(weights), len(steps)
    found = np.empty((probes, rows), np.float32)
    tile = min(max(_TILE // probes // LINE * LINE, _SMALLEST_TILE), max(rows, LINE))
    sums = np.empty((probes, tile), np.int32)
    for start in range(0, rows, tile):
        end = min(start + tile, rows)
        some = codes[:, start:end]
        sums[:] = 0
        for k in range(0, len(dimensions), WIDTH):
            few = dimensions[k : k + WIDTH]
            for probe in range(probes):
                mine, heavy = sums[probe], weights[probe, k : k + WIDTH]
                for line in range(0, end - start, LINE):
                    _add(mine, some, few, heavy, line)
        for probe in range(probes):
            for j in range(end - start):
                found[probe, start + j] = float32(sums[probe, j]) * (units[probe] * steps[start + j])
    return found


@partial(compiled, fastmath={"contract", "nsz", "reassoc"})
def cosines(probe: NDArray[np.float64], vectors: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The products, (m,), in float64, of a probe, (d,), with the vectors, (n, d), of m places."""
    found = np.zeros(len(places), np.float64)
    for number in range(len(places)):
        _fetch(vectors, places[min(number + 1, len(places) - 1)])
        vector = vectors[places[number]]
        total = 0.0
        for k in range(len(probe)):
            total += vector[k] * probe[k]
        found[number] = total
    return found
