"""What a camera sees of a surface before a room, by the light of the room and of a screen beside the camera.

Pinhole, no lens blur. Light adds linearly; skin and paper are Lambert's; the screen is a small lamp at the camera, so
that its light falls with the distance squared. Then exposure and white balance that follow slowly, noise, and 8 bits by
a power of 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.liveness.surfaces import STEP, Surface

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

_LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)
_CURVE = (255 * (np.arange(4096) / 4095.0) ** (1 / 2.2)).astype(np.float32)
# The distance at which the screen's light is what a camera's `screen` says, in millimetres.
NEAR = 250.0
# Shoulders and chest: so wide, so far under the eyes, so far behind them, in millimetres.
_SHOULDERS, _UNDER, _BEHIND = 210.0, 120.0, 70.0
_STEPS = 4


@dataclass(frozen=True, slots=True)
class Camera:
    """`focal` is in pixels. `screen` is the screen's light against the room's at NEAR, where it shows white; `noise` a
    standard deviation of 255; `mixing` how much of each colour the other two get; `adapts` how fast exposure and
    `balances` how fast white balance follow, each a share of what is off in a second.
    """

    width: int
    height: int
    focal: float
    screen: float
    noise: float
    mixing: float
    adapts: float
    balances: float
    room: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a surface is: millimetres right, down and away from the camera, and its turn in radians."""

    right: float
    down: float
    away: float
    yaw: float
    pitch: float
    roll: float


@dataclass(slots=True)
class Scene:
    """A surface before a background (H, W, 3) in linear light that is `behind` millimetres away. `clothes` is the
    colour of the body under it; `lit` is false where no light of the screen arrives.
    """

    surface: Surface
    camera: Camera
    background: Floats
    behind: float
    clothes: tuple[float, float, float]
    rng: np.random.Generator
    lit: bool = True
    _gain: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    _field: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    _before: float = 0.0

    def frame(self, ms: float, placed: Placed, light: NDArray[np.float64], shake: tuple[float, float]) -> Pixels:
        """The frame at a time, by the light of a screen that shows `light` (3), linear, 0 to 1."""
        camera = self.camera
        room = np.array(camera.room, np.float32)
        lamp = self._mixed(light) * np.float32(camera.screen if self.lit else 0.0)
        seen = self._behind(shake) * (room + lamp * np.float32((NEAR / self.behind) ** 2))
        self._body(seen, placed, room, lamp)
        self._lay(seen, placed, room, lamp)
        return self._developed(seen, ms)

    def _mixed(self, light: NDArray[np.float64]) -> Floats:
        mixing = self.camera.mixing
        return np.asarray((1 - 3 * mixing) * light + mixing * light.sum(), np.float32)

    def _behind(self, shake: tuple[float, float]) -> Floats:
        move = np.array([[1, 0, shake[0]], [0, 1, shake[1]]], np.float32)
        size = self.camera.width, self.camera.height
        return np.asarray(cv2.warpAffine(self.background, move, size, borderMode=cv2.BORDER_REFLECT), np.float32)

    def _body(self, seen: Floats, placed: Placed, room: Floats, lamp: Floats) -> None:
        camera, away = self.camera, placed.away + _BEHIND
        corners = [
            (placed.right + x * _SHOULDERS, placed.down + _UNDER + y)
            for x, y in ((-0.3, 0), (0.3, 0), (0.9, 60), (1.1, 900), (-1.1, 900), (-0.9, 60))
        ]
        flat = [
            (round(camera.width / 2 + camera.focal * x / away), round(camera.height / 2 + camera.focal * y / away))
            for x, y in corners
        ]
        light = np.array(self.clothes, np.float32) * (room + lamp * np.float32(0.7 * (NEAR / away) ** 2))
        cv2.fillPoly(seen, [np.array(flat, np.int32)], [float(each) for each in light])

    def _lay(self, seen: Floats, placed: Placed, room: Floats, lamp: Floats) -> None:
        """Lay the surface over what is seen, within the rectangle that it may reach."""
        camera, surface = self.camera, self.surface
        left, top, right, bottom = self._reach(placed)
        if right - left < 8 or bottom - top < 8:
            return
        # Where each ray meets the surface, at half of the resolution: it is smooth.
        across = np.arange(left, right, 2, dtype=np.float32)
        down = np.arange(top, bottom, 2, dtype=np.float32)
        a = ((across - (camera.width - 1) / 2) / camera.focal)[None, :]
        b = ((down - (camera.height - 1) / 2) / camera.focal)[:, None]
        u, v, facing = _met(surface, placed, a, b)
        size = right - left, bottom - top
        to_texture = [
            cv2.resize(each, size, interpolation=cv2.INTER_LINEAR)
            for each in (u / surface.scale + surface.middle[0], v / surface.scale + surface.middle[1])
        ]
        bare = cv2.BORDER_CONSTANT
        taken = np.asarray(
            cv2.remap(surface.texture, to_texture[0], to_texture[1], cv2.INTER_LINEAR, borderMode=bare, borderValue=0),
            np.uint8,
        )
        strength = np.asarray(cv2.resize(facing, size, interpolation=cv2.INTER_LINEAR)[..., None], np.float32)
        own = room * np.float32(1 if surface.emits == 0 else 0) + np.float32(surface.emits)
        color = _LINEAR[taken[..., :3]] * own + self._reflected(taken, strength, lamp)
        opaque = taken[..., 3:].astype(np.float32) / 255
        part = seen[top:bottom, left:right]
        part += opaque * (color - part)

    def _reflected(self, taken: Pixels, strength: Floats, lamp: Floats) -> Floats:
        """What of the screen's light comes back: by what a picture shows, or, from glass, by nothing of it."""
        surface = self.surface
        albedo = _LINEAR[taken[..., :3]] if surface.emits == 0 else np.float32(0.3)
        return np.asarray(albedo * lamp * strength * np.float32(surface.reflects), np.float32)

    def _reach(self, placed: Placed) -> tuple[int, int, int, int]:
        surface, camera = self.surface, self.camera
        height, width = surface.texture.shape[:2]
        near = camera.focal / max(placed.away - 70, 60)
        x0, y0 = (-each * surface.scale - 40 for each in surface.middle)
        x1, y1 = x0 + width * surface.scale + 80, y0 + height * surface.scale + 80
        left, right = (camera.width / 2 + near * (placed.right + x) for x in (x0, x1))
        top, bottom = (camera.height / 2 + near * (placed.down + y) for y in (y0, y1))
        return (
            max(0, int(left) // 2 * 2),
            max(0, int(top) // 2 * 2),
            min(camera.width, int(right)),
            min(camera.height, int(bottom)),
        )

    def _developed(self, seen: Floats, ms: float) -> Pixels:
        """What the camera writes: exposure that aims at a middling picture, white balance that aims at grey."""
        camera = self.camera
        means = seen[::4, ::4].mean(axis=(0, 1))
        aim = np.float32(0.22)
        if not len(self._gain):
            self._gain = np.full(3, aim / means.mean(), np.float32)
        else:
            passed = (ms - self._before) / 1000
            follows, balances = 1 - np.exp(-camera.adapts * passed), 1 - np.exp(-camera.balances * passed)
            now = np.maximum(self._gain * means, 1e-4)
            self._gain *= (
                np.float32((aim / now.mean()) ** follows) * np.asarray(now.mean() / now, np.float32) ** balances
            )
        self._before = ms
        level = np.clip(seen * self._gain, 0, 1) * np.float32(4095)
        written = _CURVE[level.astype(np.uint16)]
        if camera.noise > 0:
            written = written + self._noise(written.shape[0]) * np.float32(camera.noise)
        return np.asarray(np.clip(written, 0, 255), np.uint8)

    def _noise(self, rows: int) -> Floats:
        """Noise of deviation 1: a part of a field that was drawn once, from another row each time, and mirrored."""
        if not len(self._field):
            self._field = self.rng.standard_normal((4 * rows, self.camera.width, 3), np.float32)
        first = int(self.rng.integers(0, 3 * rows))
        return self._field[first : first + rows, :: 1 if self.rng.random() < 0.5 else -1]


def _met(surface: Surface, placed: Placed, a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Where rays (a, b, 1) meet the surface: right and down on it, and how much of the screen's light arrives there.

    Solved again and again for the depth that the last answer had, which a few steps bring to rest.
    """
    turn = rotation(placed)
    z = np.zeros(np.broadcast_shapes(a.shape, b.shape), np.float32)
    u = v = z
    slopes = _slopes(surface)
    for _ in range(_STEPS):
        # (turn · (u, v, z) + place) is along the ray: two equations in u and v.
        m00, m01 = turn[0, 0] - a * turn[2, 0], turn[0, 1] - a * turn[2, 1]
        m10, m11 = turn[1, 0] - b * turn[2, 0], turn[1, 1] - b * turn[2, 1]
        away = turn[2, 2] * z + placed.away
        r0 = a * away - turn[0, 2] * z - placed.right
        r1 = b * away - turn[1, 2] * z - placed.down
        bottom = m00 * m11 - m01 * m10
        u, v = (r0 * m11 - r1 * m01) / bottom, (m00 * r1 - m10 * r0) / bottom
        at = (u - surface.origin[0]) / STEP, (v - surface.origin[1]) / STEP
        z = _sampled(surface.depth, *at)
    du, dv = (_sampled(slope, *at) for slope in slopes)
    # The normal, turned; light comes from the camera.
    normal = turn @ np.stack([du, dv, -np.ones_like(du)]).reshape(3, -1)
    normal = normal / np.linalg.norm(normal, axis=0)
    away = (turn[2, 0] * u + turn[2, 1] * v + turn[2, 2] * z + placed.away).ravel()
    sight = np.stack([(a * np.ones_like(u)).ravel(), (b * np.ones_like(u)).ravel(), np.ones(u.size)])
    far = (away**2) * (sight**2).sum(axis=0)
    cosine = np.clip(-(normal * sight).sum(axis=0) / np.sqrt((sight**2).sum(axis=0)), 0.05, 1)
    return u, v, (cosine * NEAR**2 / far).reshape(u.shape).astype(np.float32)


def _sampled(grid: Floats, x: Floats, y: Floats) -> Floats:
    found = cv2.remap(
        grid, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.float32)


def _slopes(surface: Surface) -> tuple[Floats, Floats]:
    down, across = np.gradient(surface.depth, STEP)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def rotation(placed: Placed) -> Floats:
    """The turn (3, 3): roll, then pitch, then yaw."""
    cy, sy = np.cos(placed.yaw), np.sin(placed.yaw)
    cp, sp = np.cos(placed.pitch), np.sin(placed.pitch)
    cr, sr = np.cos(placed.roll), np.sin(placed.roll)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(yaw @ pitch @ roll, np.float32)
