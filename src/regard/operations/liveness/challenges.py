"""Challenges in AWS's words: which of them is posed, and what a client is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from regard.liveness.session import Preference
from regard.vision.liveness.challenge import (
    FARTHEST_EYES,
    HEIGHT_TO_WIDTH,
    MOVEMENT_AND_LIGHT,
    VERSIONS,
    Challenge,
)

# What AWS's client measures its camera by, as the tests of that client have it: no part of what is judged here. It
# refuses a challenge in which one of them is 0, but for the greatest distance, where that stands for no bound.
_CLIENT = {
    "BlazeFaceDetectionThreshold": 0.75,
    "FaceDistanceThresholdMin": FARTHEST_EYES,
    "FaceDistanceThreshold": FARTHEST_EYES,
    "FaceDistanceThresholdMax": 0.0,
    "OvalIouThreshold": 0.7,
    "OvalHeightWidthRatio": HEIGHT_TO_WIDTH,
    "OvalIouWidthThreshold": 0.25,
    "OvalIouHeightThreshold": 0.25,
    "FaceIouWidthThreshold": 0.15,
    "FaceIouHeightThreshold": 0.15,
    "OvalFitTimeout": 7000,
}


def permitted(preferences: Iterable[Preference]) -> list[str]:
    """The kinds of challenges that preferences permit here, the first wanted first; the one with light where there are
    none, as AWS has it."""
    preferences = tuple(preferences) or (Preference(MOVEMENT_AND_LIGHT),)
    return [each.kind for each in preferences if _lies_within(VERSIONS[each.kind], each)]


def chosen(preferences: Iterable[Preference], known: str) -> str | None:
    """The kind of challenge that is posed to a client that knows some (`Kind_1.0.0,Other_2.0.0`), or None."""
    found = {each.strip() for each in known.split(",")}
    return next((kind for kind in permitted(preferences) if f"{kind}_{VERSIONS[kind]}" in found), None)


def told(challenge: Challenge) -> dict[str, Any]:
    """What a client is told: a SessionInformation."""
    oval = challenge.oval
    posed: dict[str, Any] = {
        "OvalParameters": {
            "Width": oval.width,
            "Height": oval.height,
            "CenterX": oval.center_x,
            "CenterY": oval.center_y,
        },
        "ChallengeConfig": _CLIENT,
    }
    if challenge.kind == MOVEMENT_AND_LIGHT:
        posed["LightChallengeType"] = "SEQUENTIAL"
        posed["ColorSequences"] = [
            {
                "FreshnessColor": {"RGB": list(flash.rgb)},
                "DownscrollDuration": flash.scroll_ms,
                "FlatDisplayDuration": flash.flat_ms,
            }
            for flash in challenge.flashes
        ]
    return {"Challenge": {challenge.kind: posed}}


def _lies_within(version: str, wanted: Preference) -> bool:
    number = _numbers(version)
    return (not wanted.least or _numbers(wanted.least) <= number) and (
        not wanted.most or number <= _numbers(wanted.most)
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
