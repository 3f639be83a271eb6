"""The material of a training: lines of its two manifests, judged, looked at, and chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec

from regard.custom.codes import LineCode
from regard.custom.distribution import TooFewImages, chosen
from regard.custom.judged import Judged, Note
from regard.custom.projects import Feature
from regard.custom.versions.faults import CannotTrain, Fault
from regard.custom.versions.shown import Frame, Shown
from regard.custom.versions.summaries import Statistics

# AWS's: the share of bad lines that is too much, of labels that both sides have to have, and how many labels there are.
MOST_BAD, LEAST_SHARED = 0.2, 0.5
LEAST_LABELS, LEAST_BOXED, MOST_LABELS = 2, 1, 250
LABELS, BOXES = "IMAGE_LEVEL_LABELS", "OBJECT_LOCALIZATION"


@dataclass(slots=True)
class Manifest:
    """The lines of one manifest. `ignored` are the places of lines that are left out and no error."""

    lines: list[Judged]
    ignored: set[int] = field(default_factory=set)
    use_case: str = "NOT_DETERMINED"

    @classmethod
    def of(cls, lines: Iterable[Judged]) -> Manifest:
        """The lines of a manifest; of those with the same picture the first counts. Raises CannotTrain for none."""
        made, seen = cls(list(lines)), set[str]()
        if not made.lines:
            raise CannotTrain(Fault.MANIFEST_IS_EMPTY)
        for place, line in enumerate(made.lines):
            if (line.source and line.source in seen) or (not line.usable and not line.bad):
                made.ignored.add(place)
            seen.add(line.source)
        return made

    @property
    def usable(self) -> list[int]:
        """The places of the lines that can be learned from."""
        return [place for place, line in enumerate(self.lines) if line.usable and place not in self.ignored]

    @property
    def digest(self) -> str:
        """The SHA-256 of what its usable lines say, in hex."""
        digest = sha256()
        for place in self.usable:
            digest.update(msgspec.json.encode(self.lines[place].line, order="sorted") + b"\n")
        return digest.hexdigest()

    def spoil(self, place: int, code: LineCode) -> None:
        """Say of a line that something is wrong with its picture."""
        line = self.lines[place]
        self.lines[place] = replace(line, usable=False, notes=(*line.notes, Note(code)))

    def leave_out(self, kept: str) -> None:
        """Leave out the lines that have none of the kind of labels that is learned."""
        self.use_case = kept
        for place in self.usable:
            line = self.lines[place]
            if not (line.boxes if kept == BOXES else line.labels or not line.boxes):
                self.ignored.add(place)

    def statistics(self, errors: Sequence[dict[str, Any]] = ()) -> Statistics:
        """What the ManifestSummary tells of it."""
        wrong = [place for place, line in enumerate(self.lines) if line.bad and place not in self.ignored]
        counts = len(self.lines), len(self.usable), len(self.ignored)
        return Statistics(self.use_case, *counts, wrong, list(errors))

    def require_right(self) -> None:
        """Raise CannotTrain where too many of its lines are wrong. Those that are ignored do not count."""
        told = self.statistics()
        if len(told.wrong) > MOST_BAD * max(told.lines - told.ignored, 1):
            help = f"{len(told.wrong)} of {told.lines} are; its validation file says what is wrong with each."
            raise CannotTrain(Fault.TOO_MANY_INVALID_ROWS, help)


@dataclass(slots=True)
class Material:
    """Both manifests of a training; `testing` is made of the other by a split where it is None at first."""

    feature: Feature
    training: Manifest
    testing: Manifest | None

    @property
    def manifests(self) -> list[Manifest]:
        """Those that there are, the training's first."""
        return [self.training, *([self.testing] if self.testing else [])]

    def choose(self) -> str:
        """Choose what is learned, boxes or labels of whole pictures, and leave out the lines that have the other.

        Raises CannotTrain for too many bad lines, too few labels, and pictures in more than one bucket.
        """
        for each in self.manifests:
            each.require_right()
        lines = [self.training.lines[place] for place in self.training.usable]
        boxed = sum(bool(line.boxes) for line in lines)
        kind = BOXES if boxed and boxed * 2 >= len(lines) else LABELS
        for each in self.manifests:
            each.leave_out(kind)
        buckets = {each.lines[place].place[0] for each in self.manifests for place in each.usable}
        if len(buckets) > 1:
            raise CannotTrain(Fault.MULTIPLE_S3_BUCKETS, f"They are in {', '.join(sorted(buckets))}.")
        self._require_labels(Fault.TOO_FEW_LABELS, Fault.INSUFFICIENT_LABEL_OVERLAP)
        return kind

    def require_usable(self) -> None:
        """Once the pictures were looked at, raise CannotTrain where too little is left."""
        for each in self.manifests:
            each.require_right()
        self._require_labels(Fault.TOO_FEW_USABLE_LABELS, Fault.INSUFFICIENT_USABLE_LABEL_OVERLAP)

    def split(self) -> None:
        """Set a fifth of the training's lines aside, where there is no test. Raises CannotTrain."""
        if self.testing is not None:
            return
        try:
            aside = set(chosen((place, self.training.lines[place]) for place in self.training.usable))
        except TooFewImages as error:
            raise CannotTrain(Fault.INSUFFICIENT_FOR_AUTOSPLIT, str(error)) from None
        whole = self.training
        for both in (False, True):
            places = [place for place in range(len(whole.lines)) if (place in aside) is both]
            ignored = {number for number, place in enumerate(places) if place in whole.ignored}
            part = Manifest([whole.lines[place] for place in places], ignored, whole.use_case)
            if both:
                self.testing = part
            else:
                self.training = part

    def names(self) -> list[str]:
        """The labels that are learned: those of the training, in the order of the alphabet."""
        return sorted(_labels(self.training))

    def _require_labels(self, few: Fault, apart: Fault) -> None:
        if self.feature is Feature.CONTENT_MODERATION:
            return
        there = _labels(self.training)
        least = LEAST_BOXED if self.training.use_case == BOXES else LEAST_LABELS
        if len(there) < least:
            named = f"It has {', '.join(sorted(there)) or 'none'}, and it takes {least}."
            raise CannotTrain(few, f"{named} Add pictures that show something else, labelled as such.")
        if len(there) > MOST_LABELS:
            raise CannotTrain(Fault.TOO_MANY_LABELS, f"It has {len(there)}; {MOST_LABELS} are the most.")
        if self.testing is not None:
            other = _labels(self.testing)
            if len(there.keys() & other.keys()) < LEAST_SHARED * len(there.keys() | other.keys()):
                alone = ", ".join(sorted(there.keys() ^ other.keys()))
                raise CannotTrain(apart, f"These are in one of the two alone: {alone}.")


def _labels(manifest: Manifest) -> Counter[str]:
    """The labels of the kind that is learned, each with its pictures."""
    found: Counter[str] = Counter()
    for place in manifest.usable:
        line = manifest.lines[place]
        found.update({box.name for box in line.boxes} if manifest.use_case == BOXES else line.labels)
    return found


def shown(manifest: Manifest, sizes: Mapping[str, tuple[int, int]]) -> list[Shown]:
    """What the usable pictures of a manifest show; `sizes` are their pixels by their source-refs."""
    found = []
    for place in manifest.usable:
        line = manifest.lines[place]
        width, height = sizes[line.source]
        if manifest.use_case == BOXES:
            frames = tuple(Frame(box.name, box.left, box.top, box.width, box.height) for box in line.boxes)
            found.append(Shown(place, line.source, width, height, frames=frames))
        else:
            found.append(Shown(place, line.source, width, height, line.labels))
    return found
