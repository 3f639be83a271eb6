"""Labels of one's own: which projects are of people, what their names may not infer, and what a project states.

Pure: what is decided with it, by the rules in force, is in `gate.matters`. The words are in `traits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from regard.stewardship.policy.traits import Found, found_in, speaks_of_people

# What a project's tags say beside those that collections have: that it is of people, and what a label means.
PEOPLE, MEANING = "regard:people", "regard:label:"
# A face that takes up so much of a picture is what the picture is of; over so large a share of such pictures makes a
# project one of people. Both are this project's own choice, stated where the feature was asked for.
FILLS, SHARE = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Faces:
    """How many pictures of a project were looked at for faces, and in how many a face fills a tenth or more."""

    pictures: int
    filled: int

    @property
    def of_people(self) -> bool:
        """Whether over a quarter of the pictures are of a face."""
        return self.filled > SHARE * self.pictures


@dataclass(frozen=True, slots=True)
class Project:
    """A project as decisions need it: its name, its tags, the names of its labels and what its pictures show.

    `faces` is None where nobody looked for any yet. `people` are those whom the lines of pictures with such a face
    name, as ExternalImageIds; `unnamed` is how many of these pictures name nobody.
    """

    name: str
    labels: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    faces: Faces | None = None
    people: frozenset[str] = frozenset()
    unnamed: int = 0

    @property
    def of_people(self) -> bool:
        """Whether it is a people project: by its pictures, or because it says so itself."""
        return self.tags.get(PEOPLE) == "yes" or (self.faces is not None and self.faces.of_people)

    def meaning(self, label: str) -> str:
        """What the project's tags say that a label means; empty where they do not."""
        stated = {key.casefold(): value for key, value in self.tags.items() if key.startswith(MEANING)}
        return stated.get(f"{MEANING}{label}".casefold(), "")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the names of labels are not taken as they are: which label, by what it would infer.

    Where `traits` is empty nothing is inferred as far as anybody knows: what the label means has to be said.
    """

    label: str
    found: tuple[Found, ...]
    traits: frozenset[str]

    @property
    def told(self) -> str:
        """The refusal in a sentence that says what to do."""
        words = ", ".join(f'"{each.word}" ({each.trait})' for each in self.found)
        if self.traits:
            return f"The name {self.label!r} has {words}. Leave the label out, or name what it really tells apart."
        return (
            f"The name {self.label!r} may stand for a trait of people: {words}. Say what it means with the tag "
            f"{MEANING}{self.label} of the project, in words that speak of no people."
        )


def fills(width: float, height: float) -> bool:
    """Whether a face fills a tenth of its picture. `width` and `height` are of its box, in ratios of the picture's."""
    return width * height >= FILLS


def refusal(project: Project) -> Refusal | None:
    """Why a project may not be trained or started by what its labels are called; None where nothing speaks against it.

    A word that says a trait is refused wherever it stands, in the project's name too. One that is ambiguous (`white`)
    is refused in a people project and asked about elsewhere, unless the project's tags say that it means a thing; where
    the pictures were looked at and no face fills any of them, it is taken for a thing.
    """
    asked: Refusal | None = None
    for name, found in _found(project):
        certain = frozenset(each.trait for each in found if each.certain)
        if certain:
            return Refusal(name, tuple(each for each in found if each.certain), certain)
        if name not in project.labels or _is_thing(project, name, found):
            continue
        if project.of_people:
            return Refusal(name, found, frozenset(each.trait for each in found))
        asked = asked or Refusal(name, found, frozenset())
    return asked


def _found(project: Project) -> Iterable[tuple[str, tuple[Found, ...]]]:
    for name in dict.fromkeys((*project.labels, project.name)):
        if found := found_in(name):
            yield name, found


def _is_thing(project: Project, label: str, found: tuple[Found, ...]) -> bool:
    """Whether an ambiguous label means a thing: the tags say so in words of no people, or there are no faces at all."""
    meaning = project.meaning(label).strip()
    if meaning:
        own = {each.word for each in found}
        tells = meaning.casefold() != label.casefold() and not speaks_of_people(meaning)
        return tells and all(not each.certain and each.word in own for each in found_in(meaning))
    return not project.of_people and project.faces is not None and project.faces.filled == 0
