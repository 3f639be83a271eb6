"""How many of how many, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

from regard.evaluation.statistics.intervals import interval


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    right: int = 0
    of: int = 0

    @property
    def rate(self) -> float:
        """The ratio, 0 to 1."""
        return self.right / self.of

    def __add__(self, other: Share) -> Share:
        return Share(self.right + other.right, self.of + other.of)

    def __str__(self) -> str:
        """With its 95 % interval, every one taken as independent of the others."""
        within = interval(self.rate, self.of, 0.95)
        return f"{self.right:,} of {self.of:,}: {self.rate:.3f} ({within.low:.3f} to {within.high:.3f})"
