"""What a client is asked to show: an oval that the face moves into, and colours that nobody knew before."""

from __future__ import annotations

from random import Random

import msgspec

# AWS's names and versions of the two challenges that its web client knows.
MOVEMENT_AND_LIGHT = "FaceMovementAndLightChallenge"
MOVEMENT = "FaceMovementChallenge"
VERSIONS = {MOVEMENT_AND_LIGHT: "2.0.0", MOVEMENT: "1.0.0"}

# The oval of AWS's client is this much higher than wide; its width is a share of the video's width, or of three
# quarters of its height where that is less. With 0.60 to 0.78 the face ends some 22 to 30 cm before a laptop's camera.
HEIGHT_TO_WIDTH = 1.618
WIDTHS = (0.60, 0.78)
# The oval's middle lies in this part of each side, as far as the picture has room: AWS's client keeps to an eighth in
# the middle. Where the oval is, is all that a session without colours keeps secret.
MIDDLES = (3 / 8, 5 / 8)
_MOST_HIGH = 0.92
# The client begins once the eyes are as far apart as at most this share of the oval's width: FaceDistanceThreshold and
# FaceDistanceThresholdMin. A face in the oval has about 0.52, so that it comes nearer by 1.7 times and more.
FARTHEST_EYES = 0.30

# Colours that differ in hue alone: a face's own brightness moves with it, its hue does not. Seven of five others each
# are 6 x 5^6 = 93,750 orders.
COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255))
FLASHES = 7
# Milliseconds. A colour is there for 460 at least, so that a second sees no more than three changes: fewer than three
# pairs of opposing changes, the general flash threshold of WCAG 2.2, success criterion 2.3.1.
SCROLLS = (200, 300)
FLATS = (260, 420)


class Flash(msgspec.Struct, frozen=True):
    """A colour, 0 to 255 each of red, green and blue: it comes down the screen in `scroll_ms`, then stays `flat_ms`.

    The first of a challenge does not scroll, whatever `scroll_ms` says: AWS's client begins with it in place.
    """

    rgb: tuple[int, int, int]
    scroll_ms: float
    flat_ms: float


class Oval(msgspec.Struct, frozen=True):
    """The oval that the face moves into, in pixels of the video, which is not mirrored."""

    center_x: float
    center_y: float
    width: float
    height: float


class Challenge(msgspec.Struct, frozen=True):
    """A challenge of AWS's `kind` and `version`. Without flashes it is a FaceMovementChallenge."""

    kind: str
    version: str
    oval: Oval
    flashes: tuple[Flash, ...] = ()


def draw(width: int, height: int, *, light: bool, random: Random) -> Challenge:
    """A challenge for a video of so many pixels, with colours where `light`.

    `random` is a `secrets.SystemRandom()` where it is to be secret.
    """
    kind = MOVEMENT_AND_LIGHT if light else MOVEMENT
    return Challenge(kind, VERSIONS[kind], _oval(width, height, random), _flashes(random) if light else ())


def _oval(width: int, height: int, random: Random) -> Oval:
    narrow = min(width, 0.75 * height) if width >= height else width
    across = min(random.uniform(*WIDTHS) * narrow, _MOST_HIGH * height / HEIGHT_TO_WIDTH)
    down = HEIGHT_TO_WIDTH * across
    return Oval(_middle(width, across, random), _middle(height, down, random), round(across), round(down))


def _middle(side: int, size: float, random: Random) -> float:
    room = (side - size) / 2 - 1
    return round(min(max(random.uniform(*MIDDLES) * side, side / 2 - room), side / 2 + room))


def _flashes(random: Random) -> tuple[Flash, ...]:
    colors = [random.choice(COLORS)]
    while len(colors) < FLASHES:
        colors.append(random.choice([color for color in COLORS if color != colors[-1]]))
    return tuple(Flash(color, random.randint(*SCROLLS), random.randint(*FLATS)) for color in colors)
