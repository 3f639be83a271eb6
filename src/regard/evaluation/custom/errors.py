"""Why pictures of one's own teach nothing, in the codes of the contract and in words that say what would help."""

from __future__ import annotations


class NotTrained(ValueError):
    """Nothing was trained. `code` is the contract's, without its ERROR_; the text names labels and what would help."""

    def __init__(self, code: str, message: str, labels: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.labels = labels


class TooFew(NotTrained):
    """Too few labels or pictures of them."""


class Weak(NotTrained):
    """Enough pictures, but on those left out fewer than two labels are told apart better than by chance."""
