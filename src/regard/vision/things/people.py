"""What is said of the people in a picture without asking who they are: that there are faces, and how many people.

Nothing is compared and nothing is kept. A count is a label, never an identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from regard.vision.pictures.findings import Box, Face, FoundLabel, Instance
from regard.vision.things.objects import PERSON, FoundObject, curved
from regard.vision.things.taxonomy import ancestors, of_coco

# How many people are a group. Of the people in a crowd of ten or more about two in three are found, as others hide
# them: a crowd is told where so many are found.
GROUP, CROWD_FOUND = 3, 7
# Of a portrait the face is at least this part of the picture's height, and its score, as a percentage, at least this:
# each of 203 faces in portraits has 89 and more, and hardly a helmet or a front of a train.
LEAST_PORTRAIT, SURE_PORTRAIT = 0.2, 85.0
# The confidence from which an animal is there, whose face is not a person's, and that from which somebody may be.
_THERE, _PERHAPS = 50.0, 30.0
# Slope and offset of Platt's logistic curve (1999) from the log odds of a face's score to those of being one: within
# the box of somebody, where 98 of 99 were, and elsewhere, 20 of 25, of what scored 0.6 and more in 175 photographs.
_WITHIN, _ELSEWHERE = (0.35, 3.49), (3.78, -2.43)


def people(objects: Sequence[FoundObject], faces: Sequence[Face]) -> list[FoundLabel]:
    """The labels Face, Portrait, Group and Crowd, of objects and of what looks like a face, none of them twice.

    Group and Crowd are as sure as it is that at least so many people are there, each for himself or herself; Portrait
    as that there is nobody but the one whose face it is.
    """
    persons = [each for each in objects if each.kind == PERSON]
    animals = [each.box for each in objects if each.confidence >= _THERE and _is_animal(each)]
    bodies = [each.box for each in persons if each.confidence >= _PERHAPS]
    faces = [each for each in faces if not _in_any(each.box, animals) or _in_any(each.box, bodies)]
    seen = [Instance(each.box, curved(each.confidence / 100, _curve(each, bodies))) for each in faces]
    sure = _chances(persons, seen)
    found = [FoundLabel("Group", 100 * at_least(GROUP, sure)), FoundLabel("Crowd", 100 * at_least(CROWD_FOUND, sure))]
    if seen:
        seen.sort(key=lambda face: -face.confidence)
        found.append(FoundLabel("Face", seen[0].confidence, tuple(seen)))
    if any(each.box.height >= LEAST_PORTRAIT and each.confidence >= SURE_PORTRAIT for each in faces):
        found.append(FoundLabel("Portrait", min(seen[0].confidence, 100 * (1 - at_least(2, sure)))))
    return found


def at_least(number: int, chances: Iterable[float]) -> float:
    """How likely `number` things or more are there, each with a chance of its own, 0 to 1 (Poisson's binomial law)."""
    # How likely so many are there; the last place stands for `number` and more.
    counts = [1.0, *([0.0] * number)]
    for chance in chances:
        counts[number] += counts[number - 1] * chance
        for count in range(number - 1, 0, -1):
            counts[count] += (counts[count - 1] - counts[count]) * chance
        counts[0] *= 1 - chance
    return counts[number]


def _chances(persons: Sequence[FoundObject], faces: Sequence[Instance]) -> list[float]:
    """How likely each of the people is there, 0 to 1: persons, and faces that are in no box of a person.

    A face belongs to the smallest box that it is in, surer boxes first where somebody is there, and makes it surer.
    """
    chances = {place: each.confidence / 100 for place, each in enumerate(persons)}
    free = set(chances)
    for number, face in enumerate(sorted(faces, key=lambda face: -face.confidence)):
        around = [place for place in free if _in(face.box, persons[place].box)]
        if around:
            own = min(around, key=lambda place: (persons[place].confidence < _THERE, _area(persons[place].box)))
            free.remove(own)
            chances[own] = max(chances[own], face.confidence / 100)
        elif not any(_in(face.box, each.box) for each in persons):
            chances[-1 - number] = face.confidence / 100
    return list(chances.values())


def _curve(face: Face, bodies: Iterable[Box]) -> tuple[float, float]:
    return _WITHIN if _in_any(face.box, bodies) else _ELSEWHERE


def _is_animal(found: FoundObject) -> bool:
    return "Animal" in ancestors(of_coco()[found.kind])


def _in_any(face: Box, boxes: Iterable[Box]) -> bool:
    return any(_in(face, each) for each in boxes)


def _in(face: Box, body: Box) -> bool:
    """Whether the middle of a face lies in the box of a body."""
    x, y = face.left + face.width / 2, face.top + face.height / 2
    return body.left <= x <= body.left + body.width and body.top <= y <= body.top + body.height


def _area(box: Box) -> float:
    return box.width * box.height
