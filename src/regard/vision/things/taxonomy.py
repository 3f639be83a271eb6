"""The words for what pictures show: labels, the labels above them, and the classes of the models they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One label of taxonomy.toml. `coco` is a class of the object detector, `imagenet` are those of the classifier."""

    parents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    coco: int | None = None
    imagenet: tuple[int, ...] = ()


_UNKNOWN = Term()


@cache
def taxonomy() -> Mapping[str, Term]:
    """Every label by its name."""
    text = resources.files("regard.vision.things").joinpath("taxonomy.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, dict[str, Term]])["labels"]


def term(name: str) -> Term:
    """The label of a name; one that nothing is known of for a word that an operator's own head tells."""
    return taxonomy().get(name, _UNKNOWN)


@cache
def ancestors(name: str) -> tuple[str, ...]:
    """Every label above, the nearest first, each once."""
    return tuple(dict.fromkeys(_above(name)))


def _above(name: str) -> Iterator[str]:
    level = term(name).parents
    while level:
        yield from level
        level = tuple(above for each in level for above in taxonomy()[each].parents)


@cache
def categories(name: str) -> tuple[str, ...]:
    """The categories of a label: its own, or those of its parents."""
    own = term(name)
    return own.categories or tuple(dict.fromkeys(each for parent in own.parents for each in categories(parent)))


def of_people(name: str) -> bool:
    """Whether a label says something of people."""
    return "Person Description" in categories(name)


@cache
def of_coco() -> Mapping[int, str]:
    """The label of each class of the object detector."""
    return {term.coco: name for name, term in taxonomy().items() if term.coco is not None}


@cache
def of_imagenet() -> Mapping[int, str]:
    """The label of each class of the classifier."""
    return {number: name for name, term in taxonomy().items() for number in term.imagenet}
