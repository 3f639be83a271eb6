"""Text: lines and words with their outlines, by PP-OCRv6 in the pipeline of rapidocr.

The recogniser reads a line in steps of equal width (connectionist temporal classification, Graves et al., 2006); the
steps at which it saw its characters tell where the words of the line begin and end.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray
from PIL import Image

from regard.settings import Settings
from regard.vision.models.manifest import WeightsError
from regard.vision.models.runtime import Array, Model, Runtime, opened_openvino
from regard.vision.models.weights import Weights
from regard.vision.pictures.findings import FoundLabel
from regard.vision.pictures.images import Picture
from regard.vision.things import lines

VERSION = "3.0"
# Characters further apart than this many steps have a gap between them as wide as the line is high, whether or not the
# recogniser read a space there: rapidocr's value.
_GAP = 5
# A crop this much higher than wide is turned upright before it is read, and a line is turned around where the
# network is this sure: rapidocr's values.
_TALL, _SURE = 1.5, 0.9
# A picture of at most _FEW lines is read both ways, and turned around where that is surer by this on the mean: of 20
# short texts in four fonts and five sizes 13 of 400 are misread then, and 69 of those that stand on their head; by the
# network for directions it was 47 and 130.
_TURNED = 0.05
# What is tall and less than so many times as high as wide may be one or two letters upright: they are believed where
# the recogniser is surer of them, or from this probability on where it saw but a bar in what lies.
_NARROW, _FEW, _LEGIBLE, _BARS = 4.0, 2, 0.5, frozenset("_-—一|")
# The height of what the recogniser sees, in pixels.
_SEEN = 48
# Of words in Greek 0 of 32 were read whole, of Vietnamese ones 11 of 48, most of the others with a letter left out and
# a probability of .9 and more (see docs/labels.md). One Greek letter alone is a unit or a sign.
_GREEK, _VIETNAMESE = regex.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"), regex.compile(r"[đĐơƠưƯ\u1ea0-\u1ef9]")
# Characters that people type as two.
_TWO_CHARACTERS = str.maketrans({"℃": "°C", "℉": "°F"})
# From which mean probability on an outline is one of text, and how far it is widened: chosen on receipts, where the
# library's 0.5 and 1.6 lose single characters and cut others.
_DETECTION = {"Det.box_thresh": 0.35, "Det.unclip_ratio": 1.9}
MODELS = {"det": "text-detector", "cls": "text-direction", "rec": "text-recogniser"}

# How long a pattern may take with a line.
MOST_SECONDS = 0.5

Outline = NDArray[np.float64]


class BadPattern(ValueError):
    """What is no regular expression, or one that takes too long."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word. `outline` (4, 2) holds ratios of the picture, clockwise from the top left of the upright word."""

    text: str
    confidence: float
    outline: Outline


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its words, in the order of reading; the members are those of a word."""

    text: str
    confidence: float
    outline: Outline
    words: tuple[Word, ...]


class TextReader:
    """Reads pictures. Loads its networks when the first one comes. Thread-safe."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        self._weights = weights
        self._runtime = runtime
        self._idle: SimpleQueue[Any] = SimpleQueue()

    @classmethod
    def opened(
        cls,
        settings: Settings,
        ran: Callable[[str, float], None] = lambda _name, _seconds: None,
        weights: Weights | None = None,
    ) -> TextReader:
        """The reader of these settings. `ran` is told of each inference."""
        weights = weights or Weights.opened(settings)
        return cls(weights, Runtime.opened(settings, ran))

    def __call__(self, picture: Picture) -> list[Line]:
        """The lines of the picture, from top to bottom. Raises MissingWeights."""
        pipeline = self._spare()
        try:
            return list(_lines(pipeline, picture))
        finally:
            self._idle.put(pipeline)

    def unload(self) -> None:
        """Let go of the networks; the next picture loads them again."""
        self.__dict__.pop("_first", None)
        self._idle = SimpleQueue()

    def _spare(self) -> Any:
        # The steps of the pipeline keep what they are at: each caller has steps of its own, and all the same networks.
        try:
            return self._idle.get_nowait()
        except Empty:
            made = copy.copy(self._first)
            for step in ("text_det", "text_cls", "text_rec"):
                setattr(made, step, copy.copy(getattr(made, step)))
            return made

    @cached_property
    def _first(self) -> Any:
        from rapidocr import EngineType, RapidOCR

        files = {step: self._weights.read(name) for step, name in MODELS.items()}
        engines = {f"{step.capitalize()}.engine_type": EngineType.OPENVINO for step in files}
        with ExitStack() as copies:
            # It reads files only, each when it is first asked for: copies of the bytes that were checked.
            paths = {step: copies.enter_context(file.on_disk()) for step, file in files.items()}
            _require_characters(paths["rec"])
            given = {f"{step.capitalize()}.model_path": str(path) for step, path in paths.items()}
            made = RapidOCR(
                params={**given, **engines, "Global.log_level": "error", "Global.return_word_box": True, **_DETECTION}
            )
            for step, file in files.items():
                # Its own sessions take one caller at a time; ours take many, and are counted.
                getattr(made, f"_load_{step}_model")().session = _Session(self._runtime.load(file))
        detector: Any = made.text_det
        prepared = lines.preparing(detector)
        detector.get_preprocess = lambda: prepared
        return made


def _require_characters(recogniser: Path) -> None:
    """Refuse a model that does not say its characters: rapidocr would fetch a list for it, whatever it is given."""
    if not opened_openvino().Core().read_model(recogniser).has_rt_info(["framework", "character"]):
        raise WeightsError(
            f"The weights {MODELS['rec']!r} do not say which characters they know: give an ONNX file that has them "
            "in its metadata, under `character`."
        )


class _Session:
    """One of our models, as the pipeline calls its own."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, batch: Array) -> Array:
        return self._model(batch)[0]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a crop says, how sure the recogniser is, its steps, and by how many quarters the line is turned."""

    text: str
    surety: float
    info: Any
    quarters: int


def _lines(pipeline: Any, picture: Picture) -> Iterator[Line]:
    pixels = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    corners, crops = lines.found(pipeline, pixels)
    readings = _readings(pipeline, corners, crops) if crops else []
    # What is a line of more letters than a few, and legible, is not one letter.
    long = any(len(read.text) > _FEW and read.surety >= _LEGIBLE for read in readings)
    alone = _letter(pipeline, pixels) if len(crops) <= _FEW and not long else None
    if alone is not None:
        corners, readings = alone
    if not readings:
        return
    outlines = np.stack([np.roll(box, -read.quarters, axis=0) for box, read in zip(corners, readings, strict=True)])
    for place in lines.reading_order(outlines):
        read, outline = readings[place], outlines[place] / (picture.width, picture.height)
        words = tuple(_as_sure_as_measured(list(_words(read.text, read.info, outline))))
        if words:
            confidence = sum(len(word.text) * word.confidence for word in words) / sum(len(word.text) for word in words)
            yield Line(" ".join(word.text for word in words), confidence, outline, words)


def _letter(pipeline: Any, pixels: Array) -> tuple[Outline, list[_Reading]] | None:
    """Where the one letter of a picture is, and its reading; None where there is not just one that is legible."""
    found = lines.letter(pixels)
    if found is None:
        return None
    corners, crop = found
    readings = _read(pipeline, [crop], [0])
    read = readings[0]
    legible = read.surety >= _LEGIBLE and 0 < len(read.text) <= _FEW and not set(read.text) & _BARS
    return (corners, readings) if legible else None


def _readings(pipeline: Any, corners: Outline, crops: list[Array]) -> list[_Reading]:
    """What each crop says."""
    tall = [_is_tall(box) for box in corners]
    readings = (_of_few if len(crops) <= _FEW else _of_many)(pipeline, crops, tall)
    if 2 * sum(tall) <= len(tall) or len(tall) == 1:
        # A letter that stands alone is as tall as a word that lies on its side.
        narrow = [at for at, each in enumerate(tall) if each and crops[at].shape[1] < _NARROW * crops[at].shape[0]]
        standing = _read(pipeline, [np.rot90(crops[at], -1) for at in narrow], [0] * len(narrow))
        for at, other in zip(narrow, standing, strict=True):
            bar = set(readings[at].text) <= _BARS and not set(other.text) & _BARS
            if other.surety > (_LEGIBLE if bar else readings[at].surety) and len(other.text) <= _FEW:
                readings[at] = other
    return readings


def _of_few(pipeline: Any, crops: list[Array], tall: list[bool]) -> list[_Reading]:
    """The readings of one or two lines, all as they stand or all turned around, whichever is the surer by more.

    The network for directions is sure that C++ is "++)" on its head; the recogniser knows better.
    """
    standing = _read(pipeline, crops, [int(lying) for lying in tall])
    around = _read(pipeline, [np.rot90(crop, 2) for crop in crops], [lying + 2 for lying in tall])
    gain = sum(each.surety for each in around) - sum(each.surety for each in standing)
    return around if gain > _TURNED * len(crops) else standing


def _of_many(pipeline: Any, crops: list[Array], tall: list[bool]) -> list[_Reading]:
    """The readings of a page. A line that lies the other way round than most is read both ways: short ones are
    misjudged.
    """
    upright, found = pipeline.cls_and_rotate(list(crops))
    turned = ["180" in label and surety > _SURE for label, surety in found.cls_res]
    readings = _read(pipeline, upright, [lying + 2 * around for lying, around in zip(tall, turned, strict=True)])
    mostly = 2 * sum(turned) > len(turned)
    doubtful = [at for at, each in enumerate(turned) if each != mostly]
    others = _read(pipeline, [np.rot90(upright[at], 2) for at in doubtful], [tall[at] + 2 * mostly for at in doubtful])
    for at, other in zip(doubtful, others, strict=True):
        readings[at] = max(readings[at], other, key=lambda reading: reading.surety)
    return readings


def _read(pipeline: Any, crops: list[Array], quarters: list[int]) -> list[_Reading]:
    if not crops:
        return []
    read = pipeline.recognize_txt([_enlarged(crop) for crop in crops])
    return [_Reading(*each) for each in zip(read.txts, read.scores, read.word_results, quarters, strict=True)]


def _enlarged(crop: Array) -> Array:
    """A small crop at the height that the recogniser sees: the library's own enlarging, bilinear, loses words."""
    height, width = crop.shape[:2]
    if height >= _SEEN:
        return crop
    return np.asarray(
        Image.fromarray(crop).resize((max(1, round(width * _SEEN / height)), _SEEN), Image.Resampling.BICUBIC)
    )


def _is_tall(box: Outline) -> bool:
    """Whether the pipeline turned a line by a quarter when it cut it out."""
    across = max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[2] - box[3]))
    down = max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2]))
    return bool(int(down) >= _TALL * int(across))


def _words(text: str, info: Any, outline: Outline) -> Iterator[Word]:
    """The words of a line, each where the recogniser saw its characters."""
    steps = [step for part in info.word_cols for step in part]
    if not steps or info.line_txt_len <= 0:
        return
    centres = (np.array(steps) + 0.5) / info.line_txt_len
    groups = list(_grouped(text, steps))
    width = _character_width(centres, groups)
    starts = [max(0.0, centres[group[0][0]] - width / 2) for group in groups]
    ends = [min(1.0, centres[group[-1][0]] + width / 2) for group in groups]
    for place in range(len(groups) - 1):
        if ends[place] > starts[place + 1]:
            ends[place] = starts[place + 1] = (ends[place] + starts[place + 1]) / 2
    for group, start, end in zip(groups, starts, ends, strict=True):
        word = "".join(text[at] for _, at in group).replace("°℃", "℃").translate(_TWO_CHARACTERS)
        confidence = 100 * float(np.mean([info.confs[at] for _, at in group]))
        yield Word(word, confidence, between(outline, start, max(start, end)))


def _as_sure_as_measured(words: list[Word]) -> Iterator[Word]:
    """The words of a line. In scripts whose letters the recogniser leaves out they are half as sure as it says."""
    line = " ".join(word.text for word in words)
    doubtful = _VIETNAMESE.search(line) or len(_GREEK.findall(line)) > 1
    for word in words:
        yield replace(word, confidence=word.confidence / 2) if doubtful else word


def _grouped(text: str, steps: list[int]) -> Iterator[list[tuple[int, int]]]:
    """The characters of each word: which of those with a step it is, and its place in the text."""
    group: list[tuple[int, int]] = []
    number = 0
    for at, character in enumerate(text):
        if character.isspace() or (group and steps[number] - steps[number - 1] > _GAP):
            if group:
                yield group
            group = []
        if not character.isspace():
            group.append((number, at))
            number += 1
    if group:
        yield group


def _character_width(centres: NDArray[np.float64], groups: list[list[tuple[int, int]]]) -> float:
    """How wide a character of the line is, as a ratio of the line: the middle distance inside of words."""
    inside = [
        float(centres[later] - centres[earlier]) for group in groups for (earlier, _), (later, _) in pairwise(group)
    ]
    return float(np.median(inside)) if inside else 1 / max(1, sum(len(group) + 1 for group in groups) - 1)


def words_seen(read: Iterable[Line]) -> list[FoundLabel]:
    """The label Text, as sure as of the surest word of two letters or digits and more; none where there is no such."""
    words = (word for line in read for word in line.words if sum(map(str.isalnum, word.text)) > 1)
    return [FoundLabel("Text", word.confidence) for word in sorted(words, key=lambda word: -word.confidence)[:1]]


def matching(read: Iterable[Line], patterns: Iterable[str]) -> list[Word]:
    """The words of which a regular expression matches a part, whatever its upper and lower case.

    Patterns see a line at a time, its words joined by single spaces. Raises BadPattern for one that is no regular
    expression, and for one that takes too long: somebody else may have written it.
    """
    found: list[Word] = []
    seen = list(read)
    for pattern in patterns:
        try:
            wanted = regex.compile(pattern, regex.IGNORECASE)
            spans = [[each.span() for each in wanted.finditer(line.text, timeout=MOST_SECONDS)] for line in seen]
        except (regex.error, TimeoutError) as error:
            raise BadPattern(f"The pattern {pattern!r} cannot be looked for: {error or 'it takes too long'}.") from None
        for line, parts in zip(seen, spans, strict=True):
            start = 0
            for word in line.words:
                end = start + len(word.text)
                if any(first < end and start < last for first, last in parts):
                    found.append(word)
                start = end + 1
    return found


def between(outline: Outline, start: float, end: float) -> Outline:
    """The part of an outline (4, 2) from `start` to `end`, ratios of its upper and lower sides."""
    top, bottom = outline[1] - outline[0], outline[2] - outline[3]
    corners = (outline[0] + start * top, outline[0] + end * top, outline[3] + end * bottom, outline[3] + start * bottom)
    return np.stack(corners)
