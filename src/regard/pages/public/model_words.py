"""The words of the page on the models, for people; `models` serves them, and JSON too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from regard.evaluation.document import Block, Heading, Listing, Paragraph, Table
from regard.vision.faces.similarity import MOST_SEARCHES

SIMILARITIES = (80.0, 90.0, 99.0, 99.9)
# The gallery and the similarity of the first sentence: of a city, and what Amazon's guide asks where rights are at
# stake.
_EXAMPLE = 100_000, "99"
NOT_TOLD = "not told"


def model_words(told: Mapping[str, Any]) -> Iterator[Block]:
    """The page, of what it tells programs."""
    yield Heading("Models", 1)
    yield Paragraph(_lead(told))
    if not told["CalibrationBelongs"]:
        yield Paragraph("THE CALIBRATION WAS NOT FITTED WITH THESE WEIGHTS: the figures need not hold.", loud=True)
    yield Heading("How often it takes somebody for somebody else")
    yield _galleries(told)
    yield Paragraph(
        f"The floor is the least similarity at which at most {MOST_SEARCHES:.0%} of searches for somebody who is not "
        "there meet a false match; none where no similarity that was measured achieves that."
    )
    yield Paragraph(_basis(told))
    for other in told["OtherProfiles"]:
        yield Heading(f"The other profile, {other['FaceModelVersion']}", 3)
        yield _galleries(other)
    yield from _audits(told["FaceModelVersion"], told["Audits"])
    yield from _training(told["Weights"])
    yield from _heads(told["Heads"])
    yield Heading("Files and licences")
    columns = ("Name", "Task", "Accuracy", "Licence", "Origin", "SHA256")
    heads = ("name", "task", "how right, by its makers or by us", "licence", "origin", "SHA-256")
    rows = [tuple(str(each[name]) or NOT_TOLD for name in columns) for each in told["Weights"]]
    yield Table(heads, rows, "Model files", len(columns))


def _lead(told: Mapping[str, Any]) -> str:
    faces, level = _EXAMPLE
    often = next(each["FalseMatchesASearch"][level] for each in told["Galleries"] if each["Faces"] == faces)
    searches = f"one search in {1 / often:,.0f}" if 0 < often < 1 else f"each search, {often:,.1f} times,"
    return (
        f"Among {faces:,} enrolled faces, {searches} meets somebody else at similarity {level}: the larger the "
        "gallery, the more often. No figure here says who a person is."
    )


def _basis(told: Mapping[str, Any]) -> str:
    points = {point["similarity"]: point["basis"] for point in told["Calibration"]["points"]}
    known = [level for level in SIMILARITIES if points.get(level) == "measured"]
    worked = [level for level in SIMILARITIES if points.get(level) not in (None, "measured")]
    lines = [f"Measured on {told['Calibration']['tested_on']}"]
    if known:
        lines.append(f"counted at similarity {_listed(known)}")
    if worked:
        lines.append(f"extrapolated at {_listed(worked)}, where these pictures have too few errors to count")
    return f"{'; '.join(lines)}. The JSON of this page has each rate with its interval of 95 %."


def _listed(levels: Sequence[float]) -> str:
    return " and ".join(f"{level:g}" for level in levels)


def _galleries(worth: Mapping[str, Any]) -> Table:
    columns = ("gallery", *(f"at {level:g}" for level in SIMILARITIES), "floor")
    rows = []
    for each in worth["Galleries"]:
        matches = (_rate(each["FalseMatchesASearch"][f"{level:g}"]) for level in SIMILARITIES)
        floor = "none" if each["Floor"] is None else f"{each['Floor']:.1f}"
        rows.append((f"{each['Faces']:,} faces", *matches, floor))
    return Table(columns, rows, f"False matches a search, face model {worth['FaceModelVersion']}")


def _rate(figure: float) -> str:
    """A rate with two digits that count, written out."""
    places = max(0, 1 - math.floor(math.log10(figure))) if figure > 0 else 0
    return f"{figure:,.{places}f}"


def _audits(model: str, audits: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """For whom the face model fails, by the newest audit of it here."""
    yield Heading("For whom it fails")
    if not audits:
        yield Paragraph(
            f"NOT MEASURED HERE: the face model {model} was never audited at this service, so nobody here knows whom "
            "it takes for others more often than the rest.",
            loud=True,
        )
        yield Paragraph(
            "The command regard audit run measures it on labelled pictures, and enters it in the public log."
        )
        return
    newest = audits[0]
    results = newest["results"]
    found = results.get("disparities found", {})
    yield Paragraph(
        f"Audited {newest.get('made', 'at a time that is not told')}, on {results.get('pictures', 0):,} pictures of "
        f"{results.get('people', 0):,} people: "
        f"{len(found) or 'no'} {'differences' if len(found) != 1 else 'difference'} between groups "
        f"{'were' if len(found) != 1 else 'was'} found. The groups are those that the labels of the sample name."
    )
    if found:
        yield Listing([f"{place}: {words}" for place, words in found.items()])
    else:
        yield Paragraph("That none was found is no proof that there is none: the intervals say how large one may be.")
    for attribute, measures in results.get("rates", {}).items():
        groups = list(dict.fromkeys(group for rates in measures.values() for group in rates))
        rows = [
            (measure, *(rates.get(group, "not measured") for group in groups)) for measure, rates in measures.items()
        ]
        yield Table(("error", *groups), rows, f"Error rates by {attribute}, with intervals of 95 %", 1 + len(groups))


def _training(weights: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """On whose pictures the models were made, as far as anybody told."""
    told = [each for each in weights if each["Trained"]]
    yield Heading("On whose pictures they were made")
    yield Paragraph(
        f"Of {len(weights) - len(told)} of {len(weights)} model files nobody has told whose pictures they learnt from, "
        "nor whether those people were asked. Where a data set is named, that says where pictures came from, and not "
        "that anybody agreed.",
        loud=len(told) < len(weights),
    )
    rows = [(str(each["Name"]), str(each["Trained"]) or NOT_TOLD) for each in weights]
    yield Table(("model", "pictures that it learnt from"), rows, "What is told of training data", 2)


def _heads(heads: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """What was made here of other models, and of which pictures."""
    yield Heading("Made for this service")
    yield Paragraph(
        "Heads are small answers on top of a model, made by this project. Each was measured on people whom it was not "
        "made with. The JSON of this page names every source with its terms."
    )
    rows = []
    for each in heads:
        people = sum(source["people"] for source in each["Data"])
        right = each["Measured"]["right_at_80"]
        drawn = " (on drawn pictures)" if each["Measured"]["drawn"] else ""
        rows.append((each["Name"], each["Asks"], f"{people:,}", f"{right:.1%}{drawn}"))
    yield Table(("name", "what it asks", "people", "right where told at 80 or more"), rows, "Heads", 2)
