"""What heads tell of a face, put together: dark lenses are decided first, since clear ones and eyes depend on them."""

from __future__ import annotations

from collections.abc import Mapping

from regard.vision.heads.head import chance
from regard.vision.pictures.findings import Estimate, Worn

# The API's name of each attribute, and that of a Description; heads have the second with hyphens.
TOLD = {
    "SMILE": "smile",
    "EYEGLASSES": "eyeglasses",
    "SUNGLASSES": "sunglasses",
    "BEARD": "beard",
    "MUSTACHE": "mustache",
    "EYES_OPEN": "eyes_open",
    "MOUTH_OPEN": "mouth_open",
}
# The heads that tell masks: of the mesh, and of the embedder.
_COVERS = ("face-cover", "face-cover-deep")


def cover(odds: Mapping[str, float]) -> Estimate[bool] | None:
    """Whether a mask covers nose and mouth, from the log odds of heads; None where no head of that is among them.

    Two heads err on different faces: their mean is right more often than either (docs/equipment.md).
    """
    found = [odds[name] for name in _COVERS if name in odds]
    if not found:
        return None
    masked = chance(sum(found) / len(found))
    return Estimate(masked >= 0.5, 100 * max(masked, 1 - masked))


def appearance(chances: Mapping[str, float]) -> dict[str, Estimate[bool]]:
    """The estimates of a face, by the names of a Description, from each head's probability of yes.

    The confidence is 100 times the probability of what is told, 50 to 100. What no head tells is not there. Behind dark
    lenses there are no clear ones, and nothing is known of the eyes.
    """
    found = {name: chances[name.replace("_", "-")] for name in TOLD.values() if name.replace("_", "-") in chances}
    dark = found.get("sunglasses", 0.0)
    if "eyeglasses" in found:
        found["eyeglasses"] *= 1 - dark
    if "eyes_open" in found:
        found["eyes_open"] = (1 - dark) * found["eyes_open"] + dark / 2
    return {name: Estimate(yes >= 0.5, 100 * max(yes, 1 - yes)) for name, yes in found.items()}


def chances_of_glasses(chances: Mapping[str, float]) -> Worn | None:
    """How likely a face wears any, and dark ones, by each head's probability of yes; None without heads."""
    if not {"eyeglasses", "sunglasses"} <= chances.keys():
        return None
    dark = chances["sunglasses"]
    return Worn(dark + (1 - dark) * chances["eyeglasses"], dark)
