"""Versions with as many labels as there may be, as they were tested."""

from __future__ import annotations

import random

from regard.custom.workbench.kept import Asked, Point, Results
from regard.custom.workbench.seeing import Twin
from regard.evaluation.custom.results import LabelReport
from regard.evaluation.statistics.intervals import Interval


def many(labels: int) -> dict[str, Results]:
    """Two versions with so many labels, of long names, tested with 800 pictures, of which half are told wrongly."""
    chance, found = random.Random(labels), {}
    names = [f"a label of a length that people give, {number}" for number in range(labels)]
    for name in ("one", "two"):
        worth = [
            LabelReport(
                each, 0.5, chance.random(), 0.5, 0.5, 800 // labels, 20, f"{each}: add pictures of it, 20 more."
            )
            for each in names
        ]
        asked = []
        for number in range(800):
            shows, told = names[number % labels], number % labels if number % 2 else chance.randrange(labels)
            scores = [chance.random() / 2 + (each == told) / 2 for each in range(labels)]
            asked.append(Asked(f"s3://pictures/a-folder/{number}.jpg", f"{number}", [shows], scores))
        twins = [Twin(each.path, f"s3://pictures/another-folder/{each.digest}.jpg", False) for each in asked[:100]]
        interval, curve = Interval(0.4, 0.6), [Point(number, 0.5) for number in (100, 200, 400)]
        means, beside = (0.5, 0.5, 0.5, interval, 0.5, 0.01), {"tested": 800}
        found[name] = Results(1, name, 5000, worth, *means, curve, 0.6, "", asked, twins, beside)
    return found
