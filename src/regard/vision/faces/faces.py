"""The analyzer of faces: detect, describe, embed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from regard.settings import Settings
from regard.vision.detection.detector import Candidates, Detector, joined, without_doubles
from regard.vision.detection.scales import Scales
from regard.vision.detection.second_look import SecondLook
from regard.vision.detection.sizes import Sizes
from regard.vision.detection.small_faces import SmallFaceDetector, has_small
from regard.vision.detection.thorough import ThoroughDetector
from regard.vision.detection.tiles import Tiles
from regard.vision.detection.upright import UprightDetector, Uprights, lean, quarters
from regard.vision.faces import landmarks
from regard.vision.faces.appearance import TOLD, appearance, chances_of_glasses, cover
from regard.vision.faces.attributes import AgeEstimator, GenderEstimator
from regard.vision.faces.chip import GRID, Chip
from regard.vision.faces.embedder import TOGETHER, Embedder
from regard.vision.faces.expression import ExpressionEstimator
from regard.vision.faces.mesh import Mesh, Seen, five_of
from regard.vision.faces.pose import pose
from regard.vision.faces.quality import quality
from regard.vision.heads.heads import Heads
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.crops import ALIGNED, aligned, crop
from regard.vision.pictures.findings import (
    AgeRange,
    Box,
    Description,
    Estimate,
    EyeDirection,
    Face,
    Landmark,
    Pose,
    Quality,
    Worn,
)
from regard.vision.pictures.images import Picture

__all__ = [
    "VERSION",
    "AgeRange",
    "Box",
    "Description",
    "Estimate",
    "EyeDirection",
    "Face",
    "FaceAnalyzer",
    "Landmark",
    "Pose",
    "Quality",
    "UnknownVersion",
]

# The FaceModelVersion of each profile: of the weights, and of what is done to a picture before and after them.
VERSIONS = {"fast": "1.0", "accurate": "1.0-accurate"}
VERSION = VERSIONS["fast"]
MOST_FACES = 100
# The detector sees less than half of a tilt: faces turned by 20° to 40° looked turned by 13° to it, and half of them
# missed Similarity 80. The mesh sees all of it; with its points 1 in 9 did. Of upright faces 1 in 20 is above this.
TILTED = math.radians(5)
# What every face is looked at with.
_NEEDED = ("face-detector", "face-embedder", "face-mesh")


class UnknownVersion(LookupError):
    """A FaceModelVersion that no profile has: what was embedded by it came from other weights."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"this service embeds faces as face model {' or '.join(VERSIONS.values())}, not as {version}: templates "
            "of two models cannot be compared. Index the original pictures into a new collection."
        )


class FaceAnalyzer:
    """Finds faces, describes them and embeds them. Safe to share between threads; the same picture gives the
    same answer.

    `small_faces` says when to look a second time for small ones: never, always, or auto, which is when the first look
    found a face so small that it may have missed others (see :mod:`regard.vision.detection.small_faces`). `profile`
    says what an embedding is: fast, of one crop, or accurate, of two crops after a second look (see docs/accuracy.md).
    `heads` tell attributes off the mesh network, `chip_heads` off the embedder; without them none is told that has no
    model of its own. The networks that every face needs are loaded `at_once`, or when the first face is asked for:
    then their files are only looked at here.
    """

    def __init__(
        self,
        weights: Weights,
        runtime: Runtime,
        small_faces: str = "auto",
        profile: str = "fast",
        heads: Heads | None = None,
        chip_heads: Heads | None = None,
        at_once: bool = True,
    ) -> None:
        self._weights = weights
        self._runtime = runtime
        self._small_faces = small_faces
        self._profile = profile
        self._heads = heads or Heads((), "face-mesh", weights.digest("face-mesh"))
        self._chip_heads = chip_heads or Heads((), "face-embedder", weights.digest("face-embedder"))
        self._loading = Lock()
        self._loaded: dict[tuple[object, ...], Model] = {}
        if at_once:
            _ = self._detector, self._embedder, self._mesh
        else:
            for name in _NEEDED:
                weights.check(name)

    @classmethod
    def opened(
        cls,
        settings: Settings,
        ran: Callable[[str, float], None] = lambda _name, _seconds: None,
        weights: Weights | None = None,
    ) -> FaceAnalyzer:
        """The analyzer of these settings. `ran` is told of each inference.

        Raises MissingWeights when weights were not pulled, DamagedHead for a head of one's own that is none.
        """
        weights = weights or Weights.opened(settings)
        runtime = Runtime.opened(settings, ran)
        of_mesh, of_chip = (
            Heads.opened(name, weights.digest(name), settings.heads_dir) for name in ("face-mesh", "face-embedder")
        )
        at_once = "faces" in settings.warm
        return cls(weights, runtime, settings.small_faces, settings.profile, of_mesh, of_chip, at_once)

    @property
    def weights_used(self) -> tuple[str, ...]:
        """The models that embeddings depend on: names that end in the SHA-256 of their files."""
        return tuple(f"{name}-{self._weights.digest(name)}" for name in _NEEDED)

    @property
    def detector(self) -> Detector:
        """What looks for faces as they stand, for others to look with."""
        return self._detector

    @property
    def embedder(self) -> str:
        """The SHA-256 that the weights of the embedder are listed under."""
        return self._weights.digest("face-embedder")

    @property
    def version(self) -> str:
        """The FaceModelVersion of the embeddings."""
        return VERSIONS[self._profile]

    def detect(self, picture: Picture) -> list[Face]:
        """The faces of the picture, largest first, at most 100. They may be turned in it by any quarter."""
        return _faces(self._upright(picture.pixels), picture)

    def detect_each(self, frames: Sequence[Picture]) -> list[list[Face]]:
        """The same of each of some frames of a film that follow each other: a film is turned as a whole, if it is."""
        found = self._upright_in_films.of_frames([frame.pixels for frame in frames])
        return [_faces(each, frame) for each, frame in zip(found, frames, strict=True)]

    def detect_all(self, picture: Picture) -> list[Face]:
        """Everything that may be a face, largest first: for covering, where a false one costs less than one missed."""
        return _faces(self._thorough(picture.pixels), picture, most=None)

    def _look(self, scales: Scales, pixels: NDArray[np.uint8]) -> Candidates:
        found = scales(pixels)
        if self._small_faces == "always" or (self._small_faces == "auto" and has_small(found, pixels)):
            found = without_doubles(joined(found, self._small_face_detector(pixels)))
        return found

    def describe(self, picture: Picture, face: Face, wanted: frozenset[str]) -> Description:
        """What is said of one face of the picture: landmarks, pose and quality, and of the rest what is `wanted`."""
        pixels, size = picture.pixels, (picture.width, picture.height)
        box = in_pixels(face.box, picture)
        seen = self._mesh.see(pixels, box, face.points)
        mesh = seen.mesh
        told = self._told(seen, wanted)
        return Description(
            landmarks=landmarks.thirty(face.points, mesh, *size)
            if "ALL" in wanted
            else landmarks.five(face.points, *size),
            pose=pose(mesh),
            quality=quality(crop(pixels, aligned(face.points), ALIGNED, grey=True)),
            age_range=self._age(pixels, mesh) if "AGE_RANGE" in wanted else None,
            gender=self._gender(pixels, mesh) if "GENDER" in wanted else None,
            smile=told.get("smile"),
            eyeglasses=told.get("eyeglasses"),
            sunglasses=told.get("sunglasses"),
            beard=told.get("beard"),
            mustache=told.get("mustache"),
            eyes_open=told.get("eyes_open"),
            mouth_open=told.get("mouth_open"),
            emotions=self._expression(pixels, box, quarters(face.points)) if "EMOTIONS" in wanted else None,
        )

    def mesh(self, picture: Picture, face: Face) -> NDArray[np.float64]:
        """The mesh of one face of the picture: (468, 3) in its pixels, z growing away from the viewer."""
        return self._mesh(picture.pixels, in_pixels(face.box, picture), face.points)

    def wears_glasses(self, picture: Picture, face: Face) -> Worn | None:
        """How likely a face wears glasses, and dark ones; None where no head tells."""
        seen = self._mesh.see(picture.pixels, in_pixels(face.box, picture), face.points)
        return chances_of_glasses(self._heads(seen.layers, seen.places))

    def _told(self, seen: Seen, wanted: frozenset[str]) -> dict[str, Estimate[bool]]:
        """What the heads tell, of what is wanted, by its name in a Description."""
        names = {TOLD[name] for name in wanted & TOLD.keys()}
        if not names:
            return {}
        told = appearance(self._heads(seen.layers, seen.places))
        return {name: estimate for name, estimate in told.items() if name in names}

    def cover(self, picture: Picture, face: Face) -> Estimate[bool] | None:
        """Whether a mask covers nose and mouth, with a confidence of 50 to 100; None where there is no head for it."""
        seen = self._mesh.see(picture.pixels, in_pixels(face.box, picture), face.points)
        odds = self._heads.odds(seen.layers, seen.places)
        if self._chip_heads.layers:
            odds |= self._chip_heads.odds(self._chip(picture.pixels, face.points), GRID)
        return cover(odds)

    def embed(self, picture: Picture, faces: list[Face], version: str | None = None) -> NDArray[np.float32]:
        """The embeddings of n faces: float32 (n, 128), each of length 1, or zeros where the face is doubtful.

        `version` is the FaceModelVersion to embed by, in place of the profile's own: the profiles share their weights.
        Raises UnknownVersion.
        """
        ways = {VERSIONS["fast"]: self._fast, VERSIONS["accurate"]: self._accurate}
        version = version or self.version
        if version not in ways:
            raise UnknownVersion(version)
        found = ways[version](picture, faces)
        # Embedded wrong side up, strangers are alike. Zeros are like nobody: a cosine of 0 to everything.
        found[[place for place, face in enumerate(faces) if face.doubtful]] = 0
        return found

    def _fast(self, picture: Picture, faces: list[Face]) -> NDArray[np.float32]:
        points = [
            self._mesh_points(picture, face, face.points) if abs(lean(face.points)) > TILTED else face.points
            for face in faces
        ]
        return self._embedder(picture.pixels, points)

    def _accurate(self, picture: Picture, faces: list[Face]) -> NDArray[np.float32]:
        """The mean of two embeddings whose errors fall apart: other landmarks, and left and right swapped."""
        again = [self._second_look(picture.pixels, in_pixels(face.box, picture), face.points) for face in faces]
        meshes = [self._mesh_points(picture, face, points) for face, points in zip(faces, again, strict=True)]
        both = self._embedder(picture.pixels, again)
        both += self._embedder(picture.pixels, meshes, mirrored=True)
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        return both

    def _mesh_points(self, picture: Picture, face: Face, points: NDArray[np.float32]) -> NDArray[np.float32]:
        return five_of(self._mesh(picture.pixels, in_pixels(face.box, picture), points))

    # What was not loaded at once is when the first picture needs it.

    @cached_property
    def _detector(self) -> Detector:
        any_size = self._load("face-detector", (1, 3, -1, -1), fine=True)
        return Detector(Sizes(any_size, lambda shape: self._load("face-detector", shape, fine=True)))

    @cached_property
    def _tiles(self) -> Tiles:
        return Tiles(lambda side: self._load("face-detector", (1, 3, side, side), fine=True))

    @cached_property
    def _upright(self) -> UprightDetector:
        return self._upright_by(self._detector)

    @cached_property
    def _upright_in_films(self) -> UprightDetector:
        return self._upright_by(self._detector.in_films())

    @cached_property
    def _second_look(self) -> SecondLook:
        return SecondLook(self._detector)

    @cached_property
    def _embedder(self) -> Embedder:
        return Embedder(
            self._load("face-embedder", (1, 3, 112, 112)),
            lambda: self._load("face-embedder", (TOGETHER, 3, 112, 112)),
        )

    @cached_property
    def _mesh(self) -> Mesh:
        layers = self._heads.layers
        return Mesh(self._load("face-mesh", (1, 192, 192, 3), fine=True, taps=layers), layers)

    @cached_property
    def _small_face_detector(self) -> SmallFaceDetector:
        return SmallFaceDetector(self._load("small-face-detector", (1, 3, -1, -1), fine=True))

    @cached_property
    def _thorough(self) -> UprightDetector:
        first = self._load("face-detector", (1, 3, -1, -1), fine=True)
        # Not fine: what this one alone finds is covered, not described or embedded. In bf16 it covered the same faces
        # of 93 pictures and 62 frames of films, in two thirds of the time (`python -m benchmarks covering`).
        second = self._load("small-face-detector", (1, 3, -1, -1))
        return UprightDetector(self._detector, ThoroughDetector(first, second), self._tiles)

    @cached_property
    def _chip(self) -> Chip:
        layers = self._chip_heads.layers
        return Chip(self._load("face-embedder", (1, 3, 112, 112), fine=True, taps=layers, whole=False), layers)

    @cached_property
    def _age(self) -> AgeEstimator:
        return AgeEstimator(self._load("age", (1, 3, 64, 64)))

    @cached_property
    def _gender(self) -> GenderEstimator:
        return GenderEstimator(self._load("gender-presentation", (1, 3, 32, 32)))

    @cached_property
    def _expression(self) -> ExpressionEstimator:
        return ExpressionEstimator(self._load("expression", (1, 64, 64, 1)))

    def _upright_by(self, detector: Detector) -> UprightDetector:
        return UprightDetector(detector, partial(self._look, Scales(detector)), self._tiles)

    def _load(
        self, name: str, shape: tuple[int, ...], fine: bool = False, taps: tuple[str, ...] = (), whole: bool = True
    ) -> Model:
        asked = name, shape, fine, taps, whole
        # Of threads that ask at once, one loads.
        with self._loading:
            if asked not in self._loaded:
                file = self._weights.read(name)
                self._loaded[asked] = self._runtime.load(file, shape, fine=fine, taps=taps, whole=whole)
            return self._loaded[asked]


def _faces(upright: Uprights, picture: Picture, most: int | None = MOST_FACES) -> list[Face]:
    found = upright.found
    areas = found.boxes[:, 2] * found.boxes[:, 3]
    largest = np.argsort(-areas, kind="stable")[:most]
    ratios = found.boxes[largest].astype(np.float64) / ((picture.width, picture.height) * 2)
    return [
        Face(
            Box(*map(float, ratio)),
            float(100 * found.scores[place]),
            found.points[place],
            bool(upright.doubtful[place]),
        )
        for ratio, place in zip(ratios, largest, strict=True)
    ]


def in_pixels(box: Box, picture: Picture) -> NDArray[np.float64]:
    """Left, top, width and height of a box, in pixels of its picture."""
    return np.array([box.left, box.top, box.width, box.height]) * ((picture.width, picture.height) * 2)
