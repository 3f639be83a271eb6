"""Teaching: features and labels are handed to the trainer of what is to be learned, and what came of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.custom.projects import Feature
from regard.custom.versions.adapting import Adapting, truth_of
from regard.custom.versions.faults import CannotTrain, Fault
from regard.custom.versions.loaded import Backbone
from regard.custom.versions.looks import Look
from regard.custom.versions.material import BOXES, Manifest, Material, shown
from regard.custom.versions.shown import Shown, Told
from regard.custom.versions.summaries import Scored
from regard.custom.versions.versions import Version
from regard.custom.workbench.outlines import Outline, outlined
from regard.custom.workbench.tested import Marked, Tested
from regard.evaluation.custom.adapter import train_adapter
from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.detector import Pictured, TrainedDetector, train_detector
from regard.evaluation.custom.errors import NotTrained
from regard.evaluation.custom.manifest import written
from regard.evaluation.custom.results import Trained
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.framing import framed, pictured
from regard.operations.custom.versions.lesson import Lesson
from regard.operations.custom.versions.looking import Seen
from regard.operations.custom.versions.settling import workshop_of

# The same pictures come to the same model.
SEED = 0
Floats = NDArray[np.float32]


class Lessons:
    """What is learned from the pictures of a training that can be, `people` or not."""

    def __init__(self, rooms: Rooms, version: Version, material: Material, seen: Seen, people: bool) -> None:
        assert rooms.features is not None
        assert material.testing is not None
        self._rooms, self._version, self._seen, self._people = rooms, version, seen, people
        self._features, self._material = rooms.features, material
        self._manifests = material.training, material.testing
        self._alike: dict[str, int] = {}

    def learned(self) -> Lesson:
        """What came of it. Raises CannotTrain where that is nothing."""
        try:
            if self._version.project.feature is Feature.CONTENT_MODERATION:
                return self._adapter()
            if self._material.training.use_case == BOXES:
                return self._detector()
            return self._classifier()
        except NotTrained as error:
            raise CannotTrain(Fault(f"ERROR_{error.code}"), str(error)) from None

    def _classifier(self) -> Lesson:
        names = self._material.names()
        (inputs, labels), test = (
            (_features(self._looks(each)), labels_of(shown(each, self._seen.sizes), names)) for each in self._manifests
        )
        unrelated = background(self._features.base)
        trained = train_classifier(
            inputs, labels, names, background=unrelated, seed=SEED, test=test, base=self._backbone()
        )
        limits = {each.name: each.threshold for each in trained.labels}
        scores = trained.scores(test[0])
        told = [
            Told({name: float(score) for name, score in zip(names, row, strict=True) if score >= limits[name]})
            for row in scores
        ]
        return self._lesson(trained, told, self._tested(names, test[1], scores), confused=True, beside={})

    def _adapter(self) -> Lesson:
        looks = [self._looks(each) for each in self._manifests]
        pictures = [shown(each, self._seen.sizes) for each in self._manifests]
        names = truth_of(pictures[0], [look.moderation for look in looks[0]])
        if not names:
            raise CannotTrain(
                Fault.TOO_FEW_USABLE_LABELS,
                "No line has a label that DetectModerationLabels tells, and it told none of any picture.",
            )
        adapting = Adapting(names)
        (inputs, base, labels), test = (
            (_features(seen), adapting.base([look.moderation for look in seen]), adapting.truth(there))
            for seen, there in zip(looks, pictures, strict=True)
        )
        trained = train_adapter(inputs, base, labels, names, seed=SEED, test=test, of=self._backbone())
        scores = trained.scores(np.concatenate([test[0], test[1]], axis=1))
        config = self._version.asked.get("FeatureConfig", {}).get("ContentModeration", {})
        beside = adapting.compared(test[1], scores, test[2], config.get("ConfidenceThreshold", 50.0))
        told = [adapting.told(score, each.moderation) for score, each in zip(scores, looks[1], strict=True)]
        return self._lesson(trained, told, self._tested(names, test[2], scores), confused=False, beside=beside)

    def _detector(self) -> Lesson:
        assert self._rooms.seeker is not None
        names = self._material.names()
        training, testing = (
            pictured([look.candidates for look in self._looks(each)], shown(each, self._seen.sizes), names)
            for each in self._manifests
        )
        base = dict(msgspec.structs.asdict(Backbone.of_candidates(self._rooms.seeker)))
        trained = train_detector(training, names, seed=SEED, test=testing, base=base)
        pictures = shown(self._manifests[1], self._seen.sizes)
        found = [trained.find(each.seen) for each in testing]
        told = [
            Told(frames=framed(each, names, picture.width, picture.height))
            for each, picture in zip(found, pictures, strict=True)
        ]
        means = {"AveragePrecision": trained.precision, "AverageRecall": trained.recall}
        there = np.array([np.bincount(each.truth[1], minlength=len(names)) > 0 for each in testing], bool)
        scores = [_surest(trained, each) for each in testing]
        outlines = outlined([each.truth for each in testing], found)
        tested = self._tested(names, there.reshape(-1, len(names)), scores, outlines)
        return self._lesson(trained, told, tested, confused=False, beside={}, means=means)

    def _lesson(
        self,
        trained: Trained | TrainedDetector,
        told: list[Told],
        tested: Tested,
        *,
        confused: bool,
        beside: dict[str, Any],
        means: dict[str, Any] | None = None,
    ) -> Lesson:
        digests = {"training": self._manifests[0].digest, "testing": self._manifests[1].digest}
        manifest = trained.manifest | {"manifests": digests, "people": self._people}
        scored = [
            Scored(each.name, each.threshold, each.f1, each.precision, each.recall, each.n) for each in trained.labels
        ]
        now = workshop_of(self._rooms).clock()
        return Lesson(
            trained.onnx,
            written(manifest),
            scored,
            means or {},
            _more(trained),
            beside,
            confused,
            told,
            trained.summary.message,
            now,
            tested,
        )

    def _tested(
        self,
        names: Sequence[str],
        there: NDArray[np.bool_],
        scores: Sequence[Floats] | Floats,
        outlines: Sequence[Sequence[Outline]] = (),
    ) -> Tested:
        """What is kept of the test: which of the labels are `there` (n, k), how sure each is (n, k), and the boxes."""
        training, testing = ([self._marked(each, place) for place in each.usable] for each in self._manifests)
        shows = [tuple(name for name, yes in zip(names, row, strict=True) if yes) for row in there]
        return Tested.of(testing, shows, [each.tolist() for each in scores], training, outlines)

    def _marked(self, manifest: Manifest, place: int) -> Marked:
        source = manifest.lines[place].source
        return Marked(source, self._seen.glances[source].on, self._alike[source])

    def _backbone(self) -> dict[str, str]:
        return dict(msgspec.structs.asdict(Backbone.of(self._features)))

    def _looks(self, manifest: Manifest) -> list[Look]:
        """What was seen of the usable pictures of a manifest, as it was kept. Raises CannotTrain."""
        sources = [manifest.lines[place].source for place in manifest.usable]
        sought = [(source, self._seen.glances[source].on) for source in sources]
        with self._rooms.gallery.reading() as connection:
            found = workshop_of(self._rooms).features.found(connection, self._version.project.id, sought)
        if any(each is None for each in found):
            raise CannotTrain(Fault.FAILED_IMAGES_S3_COPY, "What was seen of some is gone: begin another version.")
        looks = [Look.read(each) for each in found if each is not None]
        self._alike |= {source: look.alike for (source, _), look in zip(sought, looks, strict=True)}
        return looks


def labels_of(pictures: Sequence[Shown], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which pictures show which labels: (n, k)."""
    return np.array([[name in each.labels for name in names] for each in pictures], bool).reshape(-1, len(names))


def _surest(trained: TrainedDetector, picture: Pictured) -> Floats:
    """The score of the surest box of each label (k,), 0 where there is none."""
    scores = np.zeros(len(trained.labels), np.float32)
    found = trained.head(picture.seen[trained.way], np.zeros_like(scores))
    np.maximum.at(scores, found.kinds, found.scores)
    return scores


def _features(looks: Sequence[Look]) -> Floats:
    return np.stack([each.seen for each in looks])


def _more(trained: Trained | TrainedDetector) -> dict[str, Any]:
    summary = trained.summary
    ways = {"Way": trained.way, "Ways": trained.manifest["ways"]} if isinstance(trained, TrainedDetector) else {}
    return ways | {
        "CrossValidatedF1Score": summary.cross_validated,
        "F1ScoreInterval": [summary.interval.low, summary.interval.high],
        "FalseLabelsOnUnrelatedImages": summary.false_labels,
        "LearningCurve": [{"Images": each.pictures, "F1Score": each.f1} for each in summary.curve],
        "F1ScoreWith50MoreImages": summary.with_more,
        "Labels": [
            {"Label": each.name, "NumberOfTrainingImages": each.trained, "Advice": each.advice}
            for each in trained.labels
        ],
    }
