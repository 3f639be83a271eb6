"""A labelled sample as numbers: whose each picture is, in which groups, and what the service made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.embedding import FILTERS, Found, embeddings
from regard.evaluation.samples.pictures_on_disk import Labelled, numbered

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
    for levels of QualityFilter which pictures they turn away.
    """

    subjects: Ints
    attributes: tuple[Attribute, ...]
    enrolled: NDArray[np.bool_]
    embeddings: NDArray[np.float32]
    rejected: Mapping[str, NDArray[np.bool_]]

    def __len__(self) -> int:
        return len(self.subjects)

    def where(self, kept: NDArray[np.bool_]) -> Sample:
        """The sample with only these pictures, bool (pictures,), enrolled; the others count as failures to enrol."""
        enrolled = self.enrolled & kept
        return replace(self, enrolled=enrolled, embeddings=np.where(enrolled[:, None], self.embeddings, 0))


def sample_of(pictures: Sequence[Labelled], found: Sequence[Found]) -> Sample:
    """The sample that labelled pictures and what was found in them make. Raises SampleError."""
    if not pictures:
        raise SampleError("there are no pictures to audit")
    columns = list(pictures[0].groups)
    if any(list(each.groups) != columns for each in pictures):
        raise SampleError(f"not every picture has the groups {', '.join(columns) or '(none)'}")
    return Sample(
        subjects=numbered([each.subject for each in pictures]),
        attributes=tuple(Attribute.of(name, [each.groups[name] for each in pictures]) for name in columns),
        enrolled=np.array([each.enrolled for each in found]),
        embeddings=embeddings(found),
        rejected={level: np.array([level in each.rejected for each in found]) for level in FILTERS},
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
