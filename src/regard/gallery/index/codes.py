"""Vectors in codes of a few bits, as :mod:`.kernel` reads them; :mod:`.blocks` keeps them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A word of 16 bits has the codes of three dimensions or of four. So many vectors lie abreast: a word of each, then the
# next of each.
THREE, FOUR = 3, 4
ABREAST = 64
# So many words are multiplied at a time, with weights of up to so much: their sums stay within 16 bits, where twice as
# many are added up at once as in 32: twelve codes of up to 31 by 88 are 32,736.
WORDS = 4
HEAVIEST = 88


class Codes(NamedTuple):
    """The codes of vectors, `many` (THREE or FOUR) a word, and what they are worth; a place is a row for one vector.

    `words` uint16 are of shape (places / ABREAST, words a vector, ABREAST). With b bits a code, a code c stands for
    2c - 2^b + 1 times the step of its place: `steps` float32 (places,), NaN where nothing is. The error of a place is
    at least the length of the difference between a vector and what its codes stand for: `errors` float32 (places,).
    """

    words: NDArray[np.uint16]
    steps: NDArray[np.float32]
    errors: NDArray[np.float32]
    many: int


class Rounded(NamedTuple):
    """Probes as the kernel multiplies them: `weights` int16 (q, codes a vector), from -HEAVIEST to HEAVIEST.

    They count in `units` float32 (q,); the probes that they stand for are of `lengths` float32 (q,).
    """

    weights: NDArray[np.int16]
    units: NDArray[np.float32]
    lengths: NDArray[np.float32]
