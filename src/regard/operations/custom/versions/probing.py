"""The probe of a version: what it tells of the people of the audit set that the operator names, group by group."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.custom.versions.loaded import Head
from regard.evaluation.bias.association import Association, probe
from regard.evaluation.samples.labels import sample_in
from regard.evaluation.samples.pictures_on_disk import Labelled, NotLabelled
from regard.operations.common.rooms import Rooms
from regard.vision.pictures.images import ImageError, decode


@dataclass(frozen=True, slots=True)
class _Audit:
    """The pictures of an audit set that can be read, and their features (n, d)."""

    pictures: list[Labelled]
    features: NDArray[np.float32]


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
                self._of, self._audit = of, _looked_at(rooms, pictures)
            return self._audit


_last = _Last()


def probe_of(rooms: Rooms, head: Head) -> Association | None:
    """What the probe finds of a head; None where no audit set is named, or none of its people can be looked at."""
    if rooms.audit_set is None or rooms.features is None:
        return None
    try:
        audit = _last.get(rooms, sample_in(rooms.audit_set))
    except (NotLabelled, OSError):
        return None
    if audit is None:
        return None
    thresholds = np.array([each.threshold for each in head.manifest.labels])
    return probe(head.scores(audit.features).astype(np.float64), thresholds, audit.pictures)


def _looked_at(rooms: Rooms, pictures: list[Labelled]) -> _Audit | None:
    assert rooms.features is not None
    seen, features = [], []
    for labelled in pictures:
        try:
            features.append(rooms.features.features_of(decode(labelled.read())))
        except (ImageError, OSError):
            continue
        seen.append(labelled)
    return _Audit(seen, np.stack(features)) if features else None


def _stamp(labelled: Labelled) -> Hashable:
    """What changes where the file of a picture, or its labels, do."""
    where = labelled.picture
    told = labelled.subject, tuple(sorted(labelled.groups.items()))
    if not isinstance(where, Path) or not where.is_file():
        return told, where
    found = where.stat()
    return told, where, found.st_mtime_ns, found.st_size
