"""How labels are told: by time or by name, each frame on its own or by stretches of the film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regard.operations.videos.telling import Arranged, Element

SEGMENTS, NAME = "SEGMENTS", "NAME"
_APART = 1.5


def order_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The GetRequestMetadata of a call: how it wants to be told."""
    return {"SortBy": given.get("SortBy", "TIMESTAMP"), "AggregateBy": given.get("AggregateBy", "TIMESTAMPS")}


def arranged(member: str, given: Mapping[str, Any], interval: int) -> Arranged | None:
    """How SortBy and AggregateBy arrange elements whose label is at `member`; None where they stay as they are.

    `interval` is the time between two frames that are looked at, in milliseconds.
    """
    by_name, by_segment = given.get("SortBy") == NAME, given.get("AggregateBy") == SEGMENTS
    if not (by_name or by_segment):
        return None

    def arrange(elements: list[Element]) -> list[Element]:
        made = segments(member, elements, interval) if by_segment else elements
        # By name in the alphabet's order, and then by confidence, the surest first.
        return sorted(made, key=lambda each: _by_name(each[member])) if by_name else made

    return arrange


def segments(member: str, elements: list[Element], interval: int) -> list[Element]:
    """Each continuous stretch in which a label is seen as one element, by its beginning.

    A stretch ends where a frame that was looked at lacks the label. Of films of 5 frames a second and more, as AWS asks
    for, two neighbours are at most 1.4 intervals apart, and two with one between them at least 1.6.
    """
    open_ones: dict[tuple[str, str], Element] = {}
    made: list[Element] = []
    for each in elements:
        label, at = each[member], each["Timestamp"]
        key = label["Name"], label.get("ParentName", "")
        stretch = open_ones.get(key)
        if stretch is None or at - stretch["EndTimestampMillis"] > _APART * interval:
            kept = {name: value for name, value in label.items() if name != "Instances"}
            rest = {name: value for name, value in each.items() if name not in (member, "Timestamp")}
            stretch = {"Timestamp": at, member: kept, "StartTimestampMillis": at, **rest}
            open_ones[key] = stretch
            made.append(stretch)
        stretch["EndTimestampMillis"] = at
        stretch["DurationMillis"] = at - stretch["StartTimestampMillis"]
        stretch[member]["Confidence"] = max(stretch[member]["Confidence"], label["Confidence"])
    return made


def _by_name(label: Mapping[str, Any]) -> tuple[str, float]:
    return label["Name"], -label["Confidence"]
