"""A secret in shares, any k of which give it back while fewer say nothing of it: Shamir's scheme, byte by byte.

How to share a secret, 1979; over GF(256) with the polynomial of AES as in draft-mcgrew-tss-03, whose test vector holds
here. Python does not compute in constant time: make and combine shares where nobody can measure it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import xor

MOST_SHARES = 255


def _tables() -> tuple[list[int], list[int]]:
    powers, logarithms, power = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = power
        logarithms[power] = exponent
        power ^= power << 1  # times 3, which generates the field
        power ^= 0x11B if power > 0xFF else 0
    return powers, logarithms


_POWERS, _LOGARITHMS = _tables()


def split(secret: bytes, needed: int, shares: int) -> dict[int, bytes]:
    """Shares by number, from 1, each as long as `secret`. Raises ValueError unless 1 ≤ needed ≤ shares ≤ 255."""
    if not 1 <= needed <= shares <= MOST_SHARES:
        raise ValueError(f"of {shares} shares {needed} cannot be needed")
    polynomials = [(byte, *secrets.token_bytes(needed - 1)) for byte in secret]
    return {number: bytes(_value(polynomial, number) for polynomial in polynomials) for number in range(1, shares + 1)}


def combined(shares: Mapping[int, bytes]) -> bytes:
    """The secret, if as many shares are given as are needed; something else otherwise."""
    weights = {number: _weight(number, shares) for number in shares}
    columns = zip(*shares.values(), strict=True)
    return bytes(reduce(xor, map(_product, weights.values(), column)) for column in columns)


def _value(polynomial: Sequence[int], at: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = _product(value, at) ^ coefficient
    return value


def _weight(number: int, numbers: Mapping[int, bytes]) -> int:
    """Lagrange's basis polynomial of a share, at 0."""
    weight = 1
    for other in numbers:
        if other != number:
            weight = _product(weight, _product(other, _POWERS[255 - _LOGARITHMS[other ^ number]]))
    return weight


def _product(one: int, other: int) -> int:
    return _POWERS[_LOGARITHMS[one] + _LOGARITHMS[other]] if one and other else 0
