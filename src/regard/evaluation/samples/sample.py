"""A labelled sample as numbers: whose each picture is, in which groups, and what the service made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.embedding import FILTERS, Found, embeddings
from regard.evaluation.samples.pictures_on_disk import Labelled, numbered
from regard.evaluation.statistics.people import NOBODY

Ints = NDArray[np.int64]

# A matrix of more groups than this has cells that nobody reads and samples do not fill.
MOST_GROUPS = 40
CROSSED = " × "


class SampleError(ValueError):
    """A sample that cannot be audited; the text says why."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A way to group: `names` of the groups, sorted, and the place of each picture's in them."""

    name: str
    names: tuple[str, ...]
    codes: Ints

    @classmethod
    def of(cls, name: str, labels: Sequence[str]) -> Attribute:
        """From the label of each picture. Raises SampleError when there are too many groups."""
        names, codes = np.unique(np.array(labels, dtype=str), return_inverse=True)
        if len(names) > MOST_GROUPS:
            raise SampleError(
                f"the column {name!r} has {len(names)} groups; at most {MOST_GROUPS} can be told apart. Make them "
                "coarser, or leave the column out."
            )
        return cls(name, tuple(map(str, names)), codes.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Sample:
    """Pictures. `subjects` numbers their people from 0, `enrolled` says where a face was found and embedded.

    `embeddings` is float32 of shape (pictures, d), length 1 where enrolled, 0 elsewhere. `rejected` says
    for levels of QualityFilter which pictures they turn away. `apart` are pairs of subjects, int64 (n, 2), that are one
    person under two names: where rates are counted by people, they are not compared.
    """

    subjects: Ints
    attributes: tuple[Attribute, ...]
    enrolled: NDArray[np.bool_]
    embeddings: NDArray[np.float32]
    rejected: Mapping[str, NDArray[np.bool_]]
    apart: Ints = field(default_factory=lambda: NOBODY)

    def __len__(self) -> int:
        return len(self.subjects)

    def where(self, kept: NDArray[np.bool_]) -> Sample:
        """The sample with only these pictures, bool (pictures,), enrolled; the others count as failures to enrol."""
        enrolled = self.enrolled & kept
        return replace(self, enrolled=enrolled, embeddings=np.where(enrolled[:, None], self.embeddings, 0))

    def of(self, kept: NDArray[np.bool_]) -> Sample:
        """The enrolled pictures among these, bool (pictures,), with their people numbered anew; without groups."""
        kept = kept & self.enrolled
        there, subjects = np.unique(self.subjects[kept], return_inverse=True)
        known = self.apart[np.isin(self.apart, there).all(axis=1)]
        apart = np.searchsorted(there, known).astype(np.int64).reshape(-1, 2)
        return Sample(subjects.astype(np.int64), (), self.enrolled[kept], self.embeddings[kept], {}, apart)


def sample_of(pictures: Sequence[Labelled], found: Sequence[Found], same: Sequence[tuple[str, str]] = ()) -> Sample:
    """The sample that labelled pictures and what was found in them make. Raises SampleError.

    `same` are pairs of subjects that are one person; those who are not in the pictures are passed over.
    """
    if not pictures:
        raise SampleError("there are no pictures to audit")
    columns = list(pictures[0].groups)
    if any(list(each.groups) != columns for each in pictures):
        raise SampleError(f"not every picture has the groups {', '.join(columns) or '(none)'}")
    subjects = numbered([each.subject for each in pictures])
    number = {each.subject: int(subject) for each, subject in zip(pictures, subjects, strict=True)}
    apart = [[number[name] for name in names] for names in same if all(name in number for name in names)]
    return Sample(
        subjects=subjects,
        attributes=tuple(Attribute.of(name, [each.groups[name] for each in pictures]) for name in columns),
        enrolled=np.array([each.enrolled for each in found]),
        embeddings=embeddings(found),
        rejected={level: np.array([level in each.rejected for each in found]) for level in FILTERS},
        apart=np.array(apart, np.int64).reshape(-1, 2),
    )


def crossed(attributes: Sequence[Attribute]) -> tuple[Attribute, ...]:
    """The attributes, and where there are several, all of them at once unless that makes too many groups."""
    if len(attributes) < 2:
        return tuple(attributes)
    rows = zip(*([each.names[code] for code in each.codes] for each in attributes), strict=True)
    try:
        whole = Attribute.of(CROSSED.join(each.name for each in attributes), list(map(CROSSED.join, rows)))
    except SampleError:
        return tuple(attributes)
    return (*attributes, whole)
