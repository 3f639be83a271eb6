"""The loops of a search, compiled for the processor at hand when they first run; :mod:`.codes` has what they read.

numba takes a fifth of a second to import: who needs a loop imports this module then.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, types, uint16
from numba.extending import intrinsic
from numpy.typing import NDArray

from regard.compiling import compiled
from regard.gallery.index.codes import ABREAST, FOUR, THREE, WORDS, Codes, Rounded

_LANES = 32
# A processor fetches ahead what it is told to; left alone it is a quarter slower.
_AHEAD, _LINE = 1 << 12, 64
# The highest code need not stand for the greatest number: to be wrong about a few is less than to be coarse about all.
_SHARES = (1.0, 0.85, 0.7)

_BYTE, _SHORT, _INT, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SHORTS = ir.VectorType(_SHORT, _LANES)
_FETCH = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _INT, _INT, _INT])


# A sum may be added up in any order, as vector instructions do.
_summing = partial(compiled, fastmath={"contract", "nsz", "reassoc"})


def _adding(many: int, _: Any, sums: Any, words: Any, weights: Any) -> Any:
    def written(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = zip(signature.args, arguments, strict=True)
        totals, read, heavy = (context.make_array(kind)(context, builder, each).data for kind, each in arrays)
        spread = [_spread(builder, builder.load(builder.gep(heavy, [_LONG(k)]))) for k in range(WORDS * many)]
        for line in range(0, WORDS * ABREAST * 2, _LINE):
            # It may lie behind the last word.
            _bring_near(builder, read, _LONG(_AHEAD + line))
        for start in range(0, ABREAST, _LANES):
            some = [_vector(builder, builder.gep(read, [_LONG(word * ABREAST + start)])) for word in range(WORDS)]
            codes = [code for each in some for code in _codes(builder, builder.load(each, align=2), many)]
            found = reduce(builder.add, map(builder.mul, codes, spread))
            place = _vector(builder, builder.gep(totals, [_LONG(start)]))
            before = builder.load(place, align=4)
            builder.store(builder.add(before, builder.sext(found, before.type)), place, align=4)
        return context.get_dummy_value()

    return types.void(sums, words, weights), written


def _fetching(_: Any, vectors: Any, place: Any, dimension: Any) -> Any:
    def written(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = context.make_array(signature.args[0])(context, builder, arguments[0])
        steps = (
            builder.mul(each, builder.extract_value(rows.strides, side)) for side, each in enumerate(arguments[1:])
        )
        _bring_near(builder, rows.data, builder.add(*steps))
        return context.get_dummy_value()

    return types.void(vectors, place, dimension), written


def _bring_near(builder: Any, data: Any, offset: Any) -> None:
    fetch = builder.module.declare_intrinsic("llvm.prefetch.p0", fnty=_FETCH)
    place = builder.gep(builder.bitcast(data, _BYTE.as_pointer()), [offset])
    # To read, into every cache, as data.
    builder.call(fetch, [place, _INT(0), _INT(3), _INT(1)])


def _codes(builder: Any, words: Any, many: int) -> list[Any]:
    def every(number: int) -> Any:
        return ir.Constant(_SHORTS, [number] * _LANES)

    bits = 16 // many
    return [builder.and_(builder.lshr(words, every(bits * place)), every((1 << bits) - 1)) for place in range(many)]


def _spread(builder: Any, number: Any) -> Any:
    nothing = ir.Constant(_SHORTS, ir.Undefined)
    first = ir.Constant(ir.VectorType(_INT, _LANES), [0] * _LANES)
    return builder.shuffle_vector(builder.insert_element(nothing, number, _INT(0)), nothing, first)


def _vector(builder: Any, place: Any) -> Any:
    return builder.bitcast(place, ir.VectorType(place.type.pointee, _LANES).as_pointer())


# Add to the sums of vectors abreast the products of WORDS words of theirs with a weight for each code. They are written
# in vectors: from a loop over numbers of 16 bits LLVM makes none. What they are given lies side by side.
_add_threes: Any = intrinsic(lambda _, sums, words, weights: _adding(THREE, _, sums, words, weights))
_add_fours: Any = intrinsic(lambda _, sums, words, weights: _adding(FOUR, _, sums, words, weights))
# Has what a vector has in some dimension, and the rest of that line, brought near before its turn.
_fetch: Any = intrinsic(_fetching)


@compiled
def _code(number: Any, scale: Any, highest: Any) -> Any:
    return min(max(np.rint(number * scale + highest * float32(0.5)), float32(0)), highest)


@_summing
def encode(vectors: NDArray[np.float32], codes: Codes, start: int) -> None:
    """Put the codes of vectors, (n, d), in the places from `start` on. What is not finite gets no step (NaN)."""
    words, steps, errors, many = codes
    count, bits = vectors.shape[1], 16 // many
    highest = float32((1 << bits) - 1)
    numbers = np.zeros(words.shape[1] * many, np.uint16)
    for row in range(len(vectors)):
        vector = vectors[row]
        peak = np.abs(vector).max()
        place, least, best = start + row, float32(np.inf), float32(0)
        steps[place] = np.nan
        for share in _SHARES:
            step = float32(peak * share / highest)
            scale = float32(0.5) / step if step > 0 else float32(0)
            lost = float32(0)
            for k in range(count):
                code = _code(vector[k], scale, highest)
                off = vector[k] - (code + code - highest) * step
                lost += off * off
            if lost < least:
                least, best, steps[place] = lost, scale, step
        # The rest stands for the rounding of this computation itself.
        errors[place] = np.sqrt(least) * 1.0001 + 1e-6 if least < np.inf else 0
        for k in range(count):
            numbers[k] = uint16(_code(vector[k], best, highest))
        tile, column = place // ABREAST, place % ABREAST
        for word in range(words.shape[1]):
            together = 0
            for k in range(many):
                together |= numbers[word * many + k] << bits * k
            words[tile, word, column] = together


@compiled
def ceilings(probes: Rounded, codes: Codes) -> NDArray[np.float32]:
    """What the products of probes with encoded vectors may be at most, (q, places of the words).

    That is but for what rounding the probes took away. To the product with the codes, a whole number that is
    multiplied in float32, comes the length of the probe times the error of the place.
    """
    weights, units, lengths = probes
    words, steps, errors, many = codes
    found = np.empty((len(weights), len(words) * ABREAST), np.float32)
    sums = np.empty(ABREAST, np.int32)
    middles = np.empty(len(weights), np.int32)
    for probe in range(len(weights)):
        middles[probe] = ((1 << 16 // many) - 1) * weights[probe].sum()
    for tile in range(len(words)):
        some, places = words[tile], slice(tile * ABREAST, (tile + 1) * ABREAST)
        step, error = steps[places], errors[places]
        for probe in range(len(weights)):
            sums[:] = 0
            for k in range(0, len(some), WORDS):
                few, heavy = some[k : k + WORDS], weights[probe, k * many : (k + WORDS) * many]
                if many == FOUR:
                    _add_fours(sums, few, heavy)
                else:
                    _add_threes(sums, few, heavy)
            most = found[probe, places]
            for j in range(ABREAST):
                product = float32(2 * sums[j] - middles[probe]) * (units[probe] * step[j])
                most[j] = product + lengths[probe] * error[j]
    return found


@_summing
def cosines(probe: NDArray[np.float64], vectors: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The products, (m,), in float64, of a probe, (d,), with the vectors, (n, d), of m places."""
    found = np.zeros(len(places), np.float64)
    for number in range(len(places)):
        for k in range(0, len(probe), _LINE // 4):
            _fetch(vectors, places[min(number + 2, len(places) - 1)], k)
        vector = vectors[places[number]]
        total = 0.0
        for k in range(len(probe)):
            total += vector[k] * probe[k]
        found[number] = total
    return found
