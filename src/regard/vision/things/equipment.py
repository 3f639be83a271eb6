"""Protective equipment: persons, their faces and heads, and whether a mask covers nose and mouth.

There is no model with a usable licence for gloves, helmets or hands. Heads are found with their faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regard.vision.faces.faces import Face, FaceAnalyzer
from regard.vision.pictures.findings import Box, Estimate
from regard.vision.pictures.images import Picture
from regard.vision.pictures.redaction import head
from regard.vision.things.objects import PERSON, FoundObject

Objects = Callable[[Picture], list[FoundObject]]

VERSION = "1.0"
MOST_PERSONS = 15
# The confidence from which a person counts. Of 32 persons of VOC, 25 were found so and 4 boxes were of nobody; of
# boxes of the detector before, at 0.5, 23 and 13.
LEAST_PERSON = 50.0
# What may be a face is believed to be one at the head of a person, and elsewhere.
LEAST_FACE_OF_PERSON, LEAST_FACE = 40.0, 70.0
# From the top of the hair to the middle of the face it is at most so many heights of the face: of 120 portraits whose
# body is little more than the head, 116 were two persons where only the upper half counted.
_HEAD = 1.5


@dataclass(frozen=True, slots=True)
class Person:
    """A person. `confidence` is 0 to 100; `mask` says whether nose and mouth are covered, where there is a face."""

    box: Box
    confidence: float
    face: Face | None = None
    mask: Estimate[bool] | None = None

    @property
    def cover(self) -> Box | None:
        """Where a mask would be: the lower half of the face, which is what was judged."""
        if self.face is None:
            return None
        box = self.face.box
        return Box(box.left, box.top + box.height / 2, box.width, box.height / 2)


class EquipmentInspector:
    """Looks at persons. Thread-safe. `objects` finds objects in pictures."""

    def __init__(self, faces: FaceAnalyzer, objects: Objects) -> None:
        self._faces = faces
        self._objects = objects

    def __call__(self, picture: Picture) -> list[Person]:
        """The persons of the picture, largest first, at most 15. Raises MissingWeights."""
        found = [each for each in self._objects(picture) if each.kind == PERSON and each.confidence >= LEAST_PERSON]
        bodies = [(each.box, each.confidence) for each in found]
        faces = [face for face in self._faces.detect_all(picture) if face.confidence >= LEAST_FACE_OF_PERSON]
        owners = _owned([box for box, _ in bodies], faces)
        persons = [(box, confidence, owners.get(place)) for place, (box, confidence) in enumerate(bodies)]
        persons += [(head(face.box), face.confidence, face) for place, face in owners.items() if place < 0]
        largest = sorted(persons, key=lambda each: -each[0].width * each[0].height)[:MOST_PERSONS]
        return [
            Person(box, confidence, face, None if face is None else self.cover(picture, face))
            for box, confidence, face in largest
        ]

    def cover(self, picture: Picture, face: Face) -> Estimate[bool] | None:
        """Whether a mask covers nose and mouth; None where there is no head to tell it."""
        return self._faces.cover(picture, face)


def _owned(bodies: list[Box], faces: list[Face]) -> dict[int, Face]:
    """Whose faces they are: by the person's place, or below zero for the sure face of somebody not found otherwise.

    A face belongs to the smallest body at whose head it is; a body has one face, the surest.
    """
    owners: dict[int, Face] = {}
    for face in sorted(faces, key=lambda face: -face.confidence):
        at_head = [place for place, body in enumerate(bodies) if _has_at_its_head(body, face.box)]
        free = [place for place in at_head if place not in owners]
        if free:
            owners[min(free, key=lambda place: bodies[place].width * bodies[place].height)] = face
        elif face.confidence >= LEAST_FACE and not at_head:
            owners[-1 - len(owners)] = face
    return owners


def _has_at_its_head(body: Box, face: Box) -> bool:
    """Whether the middle of a face lies in a body, in its upper half or as near to its top as in a portrait."""
    x, y = face.left + face.width / 2, face.top + face.height / 2
    reach = max(body.height / 2, _HEAD * face.height)
    return body.left <= x <= body.left + body.width and body.top <= y <= body.top + min(reach, body.height)
