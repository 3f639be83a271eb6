"""DetectLabels; what finds them is :mod:`regard.vision.things.labels`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from regard.operations.common.errors import invalid_parameter
from regard.operations.common.pictures import require_at_most
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import bounding_box
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.withholding import FACES
from regard.vision.pictures import colors
from regard.vision.pictures.colors import DominantColor
from regard.vision.pictures.findings import FoundLabel, Instance
from regard.vision.pictures.images import Picture, Pixels
from regard.vision.things.taxonomy import categories, term

DEFAULT_CONFIDENCE = 55.0
DEFAULT_LABELS = 1000
DEFAULT_COLORS = 10
MOST_SIDE = 10_000
GENERAL_LABELS, IMAGE_PROPERTIES = "GENERAL_LABELS", "IMAGE_PROPERTIES"
# Which members are of use with which feature.
_NEEDS = {
    GENERAL_LABELS: ("MinConfidence", "MaxLabels", "GeneralLabels"),
    IMAGE_PROPERTIES: ("ImageProperties",),
}


@operation(
    "DetectLabels",
    Capability.DETECT,
    DataClass.OBJECTS,
    lacks=(
        "The labels are those that the models' classes stand for: 80 objects with boxes, 1,000 things and scenes, "
        "faces and people counted, the labels above them, and words of a head of one's own. No activities, emotions, "
        "places as such, text or brands. Foreground is absent where no object is found. Needs the OpenVINO runtime."
    ),
)
def detect_labels(call: Call, rooms: Rooms) -> Answer:
    """What the picture shows, its colours and its quality, as far as they are asked for."""
    features = call.parameters.get("Features") or [GENERAL_LABELS]
    settings = call.parameters.get("Settings", {})
    _require_features(features, {*call.parameters, *settings})
    picture = rooms.pictures.read(call, call.parameters["Image"])
    require_at_most(picture, MOST_SIDE)
    at_least = call.parameters.get("MinConfidence", DEFAULT_CONFIDENCE)
    most_colors = settings.get("ImageProperties", {}).get("MaxDominantColors", DEFAULT_COLORS)
    found = rooms.labels(picture, faces=may_tell_faces(call))
    answer: Answer = {"LabelModelVersion": rooms.labels.version}
    if GENERAL_LABELS in features:
        kept = kept_of(found, at_least, settings.get("GeneralLabels", {}))
        kept = kept[: call.parameters.get("MaxLabels", DEFAULT_LABELS)]
        painted = picture if IMAGE_PROPERTIES in features else None
        answer["Labels"] = [told_label(label, at_least, painted, most_colors) for label in kept]
    if IMAGE_PROPERTIES in features:
        answer["ImageProperties"] = _properties(picture, found, most_colors)
    return answer


def may_tell_faces(call: Call) -> bool:
    """Whether faces are looked for: not for whoever gets no face operation, which a header says."""
    if FACES in call.withheld:
        call.remarks["x-regard-withheld"] = FACES
    return FACES not in call.withheld


def _require_features(features: list[str], given: set[str]) -> None:
    for feature, members in _NEEDS.items():
        for member in members:
            if member in given and feature not in features:
                raise invalid_parameter(f"{member} is of use only where Features has {feature}.")


def kept_of(labels: list[FoundLabel], at_least: float, filters: Mapping[str, list[str]]) -> list[FoundLabel]:
    """Those of a confidence of `at_least` that a filter includes, by name or category, and none excludes.

    Upper and lower case are the same.
    """
    wanted, unwanted, wanted_kinds, unwanted_kinds = (
        {each.casefold() for each in filters.get(f"Label{what}Filters", [])}
        for what in ("Inclusion", "Exclusion", "CategoryInclusion", "CategoryExclusion")
    )

    def passes(label: FoundLabel) -> bool:
        name, kinds = label.name.casefold(), {each.casefold() for each in categories(label.name)}
        included = not (wanted or wanted_kinds) or name in wanted or bool(kinds & wanted_kinds)
        return included and name not in unwanted and not kinds & unwanted_kinds

    return [label for label in labels if label.confidence >= at_least and passes(label)]


def told_label(
    label: FoundLabel, at_least: float, painted: Picture | None = None, most_colors: int = DEFAULT_COLORS
) -> dict[str, Any]:
    """A Label in the words of the API, with instances of `at_least`; with their colours where it is `painted`."""
    known = term(label.name)
    return {
        "Name": label.name,
        "Confidence": label.confidence,
        "Instances": [_instance(each, painted, most_colors) for each in label.instances if each.confidence >= at_least],
        "Parents": _named(known.parents),
        "Aliases": _named(known.aliases),
        "Categories": _named(categories(label.name)),
    }


def _named(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"Name": name} for name in names]


def _instance(instance: Instance, painted: Picture | None, most_colors: int) -> dict[str, Any]:
    told: dict[str, Any] = {"BoundingBox": bounding_box(instance.box), "Confidence": instance.confidence}
    if painted is not None:
        told["DominantColors"] = _colors(colors.cut(painted, instance.box), most_colors)
    return told


def _properties(picture: Picture, found: list[FoundLabel], most_colors: int) -> dict[str, Any]:
    objects = [each.box for label in found for each in label.instances if each.confidence >= DEFAULT_CONFIDENCE]
    parts = colors.parts(picture, objects)
    quality = colors.properties(picture.pixels)
    answer = _part(quality.brightness, quality.sharpness, quality.contrast, parts.whole, most_colors)
    for name, pixels in (("Foreground", parts.foreground), ("Background", parts.background)):
        if len(pixels):
            # Pixels of a part have no neighbours to be sharp against: the whole picture's sharpness stands for theirs.
            brightness, contrast = colors.light(colors.luma_of(pixels))
            answer[name] = _part(brightness, quality.sharpness, contrast, pixels, most_colors)
    return answer


def _part(brightness: float, sharpness: float, contrast: float, pixels: Pixels, most_colors: int) -> dict[str, Any]:
    return {
        "Quality": {"Brightness": brightness, "Sharpness": sharpness, "Contrast": contrast},
        "DominantColors": _colors(pixels, most_colors),
    }


def _colors(pixels: Pixels, most: int) -> list[dict[str, Any]]:
    return [_color(each) for each in colors.dominant(pixels, most)]


def _color(color: DominantColor) -> dict[str, Any]:
    return {
        "Red": color.red,
        "Green": color.green,
        "Blue": color.blue,
        "HexCode": color.hex,
        "CSSColor": color.css,
        "SimplifiedColor": color.simple,
        "PixelPercent": color.percent,
    }
