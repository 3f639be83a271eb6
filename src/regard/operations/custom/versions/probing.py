"""The probe of a version: what it tells of the people of the audit set that the operator names, group by group."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.custom.versions.loaded import Head
from regard.evaluation.bias.association import Association, probe
from regard.evaluation.samples.labels import sample_in
from regard.evaluation.samples.pictures_on_disk import Labelled, NotLabelled
from regard.operations.common.rooms import Rooms
from regard.vision.pictures.images import ImageError, Picture, decode


@dataclass(frozen=True, slots=True)
class _Audit:
    """The pictures of an audit set that can be read, and what was seen of them (n, d)."""

    pictures: list[Labelled]
    seen: NDArray[np.float32]


class _Last:
    """The audit set that was looked at last, by this process: the next version costs its predictions alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Hashable = None
        self._audit: _Audit | None = None

    def get(self, rooms: Rooms, pictures: list[Labelled]) -> _Audit | None:
        """What was seen of these pictures; None where none can be read."""
        assert rooms.features is not None
        of = rooms.features.base, tuple(_stamp(each) for each in pictures)
        with self._lock:
            if self._of != of:
                self._of, self._audit = of, _looked_at(pictures, rooms.features.features_of)
            return self._audit


_last = _Last()


def probe_of(rooms: Rooms, head: Head) -> Association | None:
    """What the probe finds of a head; None where no audit set is named, or none of its people can be looked at."""
    if rooms.audit_set is None or rooms.features is None:
        return None
    try:
        pictures = sample_in(rooms.audit_set)
    except (NotLabelled, OSError):
        return None
    # What a detector looks at is too much to be kept: of a picture it is more than all features of a set.
    audit = _last.get(rooms, pictures) if head.boxes is None else _looked_at(pictures, partial(_surest, rooms, head))
    if audit is None:
        return None
    scores = head.scores(audit.seen) if head.boxes is None else audit.seen
    thresholds = np.array([each.threshold for each in head.manifest.labels])
    return probe(scores.astype(np.float64), thresholds, audit.pictures)


def _looked_at(pictures: list[Labelled], look: Callable[[Picture], NDArray[np.float32]]) -> _Audit | None:
    kept, seen = [], []
    for labelled in pictures:
        try:
            seen.append(look(decode(labelled.read())))
        except (ImageError, OSError):
            continue
        kept.append(labelled)
    return _Audit(kept, np.stack(seen)) if seen else None


def _surest(rooms: Rooms, head: Head, picture: Picture) -> NDArray[np.float32]:
    """The score of the surest box of each label of a detector (k,), 0 where there is none."""
    assert rooms.seeker is not None
    assert head.boxes is not None
    scores, way = np.zeros(len(head.manifest.labels), np.float32), head.manifest.way
    told = head.boxes(rooms.seeker(picture, (way,))[way], np.zeros_like(scores))
    np.maximum.at(scores, told.kinds, told.scores)
    return scores


def _stamp(labelled: Labelled) -> Hashable:
    """What changes where the file of a picture, or its labels, do."""
    where = labelled.picture
    told = labelled.subject, tuple(sorted(labelled.groups.items()))
    if not isinstance(where, Path) or not where.is_file():
        return told, where
    found = where.stat()
    return told, where, found.st_mtime_ns, found.st_size
