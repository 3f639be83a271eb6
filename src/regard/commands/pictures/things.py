"""`regard labels`, `text`, `moderation` and `equipment`: what pictures show besides faces, through the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from regard.commands.common.options import Endpoint, Json, Key
from regard.commands.pictures.asking import Paths, ask_of_each

AtLeast = Annotated[
    float | None, typer.Option("--at-least", min=0, max=100, help="Least confidence; by default, the API's.")
]


def labels(
    paths: Paths, at_least: AtLeast = None, as_json: Json = False, endpoint: Endpoint = None, key: Key = None
) -> None:
    """Say what pictures show.

    Leaves with 0 when a label was found, 1 when there was none, 2 when a picture could not be read.

    Examples: `regard labels street.jpg`, `regard labels photos/ --at-least 80 --json > labels.json`
    """
    ask_of_each(
        paths,
        "DetectLabels",
        ("Label", "Confidence", "Boxes", "Parents"),
        _labels,
        as_json=as_json,
        endpoint=endpoint,
        key=key,
        given=_given(at_least),
    )


def text(
    paths: Paths, at_least: AtLeast = None, as_json: Json = False, endpoint: Endpoint = None, key: Key = None
) -> None:
    """Read the text in pictures.

    The table has the lines; the words are in the JSON. Leaves with 0 when text was found, 1 when there was none, 2
    when a picture could not be read.

    Examples: `regard text receipt.jpg`, `regard text scans/ --json > text.json`
    """
    given = {"Filters": {"WordFilter": {"MinConfidence": at_least}}} if at_least is not None else {}
    ask_of_each(
        paths,
        "DetectText",
        ("Line", "Confidence"),
        _lines,
        as_json=as_json,
        endpoint=endpoint,
        key=key,
        given=given,
    )


def moderation(
    paths: Paths, at_least: AtLeast = None, as_json: Json = False, endpoint: Endpoint = None, key: Key = None
) -> None:
    """Find what a moderator would look at in pictures.

    Leaves with 0 when there is a label, 1 when there is none, 2 when a picture could not be read.

    Examples: `regard moderation upload.jpg`, `regard moderation uploads/ --json > moderation.json`
    """
    ask_of_each(
        paths,
        "DetectModerationLabels",
        ("Label", "Confidence", "Parent"),
        _moderation_labels,
        as_json=as_json,
        endpoint=endpoint,
        key=key,
        given=_given(at_least),
    )


def equipment(paths: Paths, as_json: Json = False, endpoint: Endpoint = None, key: Key = None) -> None:
    """Find the protective equipment that people in pictures wear.

    Leaves with 0 when a person was found, 1 when there was none, 2 when a picture could not be read.

    Examples: `regard equipment site.jpg`, `regard equipment site/ --json > equipment.json`
    """
    ask_of_each(
        paths,
        "DetectProtectiveEquipment",
        ("Person", "Confidence", "Body part", "Wears", "Confidence"),
        _persons,
        as_json=as_json,
        endpoint=endpoint,
        key=key,
    )


def _given(at_least: float | None) -> dict[str, Any]:
    return {} if at_least is None else {"MinConfidence": at_least}


def _labels(answer: dict[str, Any]) -> Iterator[list[str]]:
    for each in answer["Labels"]:
        parents = ", ".join(parent["Name"] for parent in each["Parents"])
        yield [each["Name"], f"{each['Confidence']:.1f}", str(len(each["Instances"]) or ""), parents]


def _lines(answer: dict[str, Any]) -> Iterator[list[str]]:
    for each in answer["TextDetections"]:
        if each["Type"] == "LINE":
            yield [each["DetectedText"], f"{each['Confidence']:.1f}"]


def _moderation_labels(answer: dict[str, Any]) -> Iterator[list[str]]:
    for each in answer["ModerationLabels"]:
        yield [each["Name"], f"{each['Confidence']:.1f}", each.get("ParentName", "")]


def _persons(answer: dict[str, Any]) -> Iterator[list[str]]:
    for person in answer["Persons"]:
        start = [str(person["Id"]), f"{person['Confidence']:.1f}"]
        for part in person["BodyParts"] or [{"Name": "none seen", "EquipmentDetections": []}]:
            for worn in part["EquipmentDetections"] or [{}]:
                sure = f"{worn['Confidence']:.1f}" if worn else ""
                yield [*start, part["Name"], worn.get("Type", "nothing found"), sure]
                start = ["", ""]
