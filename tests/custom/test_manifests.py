"""Lines of manifests: each is judged by itself, as AWS documents it, whatever is in it."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from regard.custom.boxes import MOST_BOXES, MOST_NAME
from regard.custom.codes import LineCode
from regard.custom.judged import Judged
from regard.custom.manifests import MOST_CHARACTERS, judge, lines_of
from regard.custom.projects import Feature
from tests.helpers.customs import Line, box, boxed, picture

# The keys of metadata without which a line is wrong, as AWS's guide has them.
_REQUIRED = ("confidence", "class-name", "human-annotated", "creation-date", "type")


def judged(line: Line, feature: Feature = Feature.CUSTOM_LABELS) -> Judged:
    return judge(json.dumps(line).encode(), feature)


def codes(found: Judged) -> list[str]:
    return [str(note.code) for note in found.notes]


def changed(line: Line, path: tuple[str | int, ...], value: Any) -> Line:
    """A copy of a line in which what is at `path` is another value, or gone where that is None."""
    line = json.loads(json.dumps(line))
    part: Any = line
    for step in path[:-1]:
        part = part[step]
    if value is None:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return line


def test_a_line_names_its_picture_and_its_labels() -> None:
    found = judged(picture("Sunrise", "Sea", "Sea", key="a/b c.png"))
    assert (found.usable, found.bad, found.labeled, found.notes) == (True, False, True, ())
    assert (found.place, found.names) == (("bucket", "a/b c.png"), {"Sunrise": 0, "Sea": 0})
    assert found.told() == judge(found.told()).told()


def test_a_line_names_its_boxes_in_pixels() -> None:
    found = judged(boxed(box(), box(0, 0, 640, 480, of=0), box(1.5, 2, 30, 40)))
    assert (found.usable, found.size, found.names) == (True, (640, 480), {"Dot": 2, "Echo": 1})
    assert [(each.left, each.top, each.width, each.height) for each in found.boxes][2] == (1.5, 2, 30, 40)


def test_a_line_may_have_both_forms_and_need_not_tell_a_job() -> None:
    line = changed(picture("Sea") | boxed(box()), ("label0-metadata", "job-name"), None)
    assert judged(line).names == {"Sea": 0, "Dot": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", LineCode.INVALID_JSON_LINE),
        (b"{", LineCode.INVALID_JSON_LINE),
        (b"[]", LineCode.INVALID_JSON_LINE),
        (b"\xff{}", LineCode.INVALID_JSON_LINE),
        (b"[" * 50_000, LineCode.INVALID_JSON_LINE),
        (b'{"source-ref":"s3://bucket/1.png","a":"' + b"a" * MOST_CHARACTERS + b'"}', LineCode.INVALID_JSON_LINE),
        (b'{"Source-Ref":"s3://bucket/1.png"}', LineCode.MISSING_SOURCE_REF),
        (b'{"source-ref":7}', LineCode.INVALID_SOURCE_REF_FORMAT),
        (b'{"source-ref":"https://bucket/1.png"}', LineCode.INVALID_SOURCE_REF_FORMAT),
        (b'{"source-ref":"s3://bucket"}', LineCode.INVALID_SOURCE_REF_FORMAT),
        (b'{"source-ref":"s3:///1.png"}', LineCode.INVALID_SOURCE_REF_FORMAT),
        (b'{"source-ref":"s3://bucket/' + b"a" * 1025 + b'"}', LineCode.INVALID_SOURCE_REF_FORMAT),
    ],
)
def test_of_a_line_without_a_picture_there_is_no_entry(text: bytes, code: LineCode) -> None:
    found = judge(text)
    assert (codes(found), found.dropped, found.bad, found.usable) == ([code], True, True, False)


def test_a_line_of_as_many_characters_as_may_be_is_taken() -> None:
    short = len(json.dumps(picture("Sea") | {"more": ""}, ensure_ascii=False))
    line = picture("Sea") | {"more": "ü" * (MOST_CHARACTERS - short)}
    assert judge(json.dumps(line, ensure_ascii=False).encode()).usable
    assert judge((json.dumps(line, ensure_ascii=False) + " ").encode()).dropped


_LABEL, _META, _BOXES, _BOXES_META = ("label0",), ("label0-metadata",), ("bb",), ("bb-metadata",)
_FORMAT, _META_FORMAT = LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT, LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (_LABEL, None, LineCode.NO_LABEL_ATTRIBUTES),
        (_META, None, LineCode.NO_LABEL_ATTRIBUTES),
        (_LABEL, "1", _FORMAT),
        (_LABEL, 1.5, _FORMAT),
        (_LABEL, True, _FORMAT),
        (_LABEL, {}, _FORMAT),
        (_META, [], _META_FORMAT),
        *[((*_META, key), None, _META_FORMAT) for key in _REQUIRED],
        ((*_META, "confidence"), 1.1, _META_FORMAT),
        ((*_META, "confidence"), "1", _META_FORMAT),
        ((*_META, "class-name"), 7, _META_FORMAT),
        ((*_META, "human-annotated"), "perhaps", _META_FORMAT),
        ((*_META, "job-name"), 7, _META_FORMAT),
    ],
)
def test_a_label_of_another_form_ends_the_checks(path: tuple[str, ...], value: Any, code: LineCode) -> None:
    found = judged(changed(picture("Sea"), path, value))
    assert (codes(found), found.bad, found.dropped) == ([code], True, False)
    assert found.labeled is (code is not LineCode.NO_LABEL_ATTRIBUTES)
    (told,) = json.loads(found.told())["cl-errors"]
    assert told["message"] == code.text("label0")
    assert "{}" not in told["message"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (_BOXES, 1, _FORMAT),
        ((*_BOXES, "image_size"), None, _FORMAT),
        ((*_BOXES, "image_size"), [], _FORMAT),
        ((*_BOXES, "image_size", 0, "width"), 0, _FORMAT),
        ((*_BOXES, "image_size", 0, "height"), "480", _FORMAT),
        ((*_BOXES, "annotations"), {"a": 1}, _FORMAT),
        ((*_BOXES, "annotations", 0), 1, _FORMAT),
        ((*_BOXES, "annotations", 0, "left"), None, _FORMAT),
        ((*_BOXES, "annotations", 0, "top"), "1", _FORMAT),
        ((*_BOXES, "annotations", 0, "class_id"), 1.0, _FORMAT),
        ((*_BOXES_META, "objects"), None, LineCode.MISSING_BOUNDING_BOX_CONFIDENCE),
        ((*_BOXES_META, "objects"), [], LineCode.MISSING_BOUNDING_BOX_CONFIDENCE),
        ((*_BOXES_META, "objects"), [{}], LineCode.MISSING_BOUNDING_BOX_CONFIDENCE),
        ((*_BOXES_META, "objects"), [1], LineCode.MISSING_BOUNDING_BOX_CONFIDENCE),
        ((*_BOXES_META, "objects"), {"confidence": 1}, _META_FORMAT),
        ((*_BOXES_META, "objects"), [{"confidence": -1}], _META_FORMAT),
        ((*_BOXES_META, "class-map"), None, _META_FORMAT),
        ((*_BOXES_META, "class-map"), {"0": "Echo"}, LineCode.MISSING_CLASS_MAP_ID),
        ((*_BOXES_META, "class-map"), {"1": 7}, _META_FORMAT),
        ((*_BOXES_META, "type"), None, _META_FORMAT),
    ],
)
def test_boxes_of_another_form_end_the_checks(path: tuple[str | int, ...], value: Any, code: LineCode) -> None:
    found = judged(changed(boxed(box()), path, value))
    assert (codes(found), found.bad, found.labeled, found.notes[0].place) == ([code], True, True, ())


@pytest.mark.parametrize(
    ("wrong", "size", "code"),
    [
        (box(left=-1), (640, 480), LineCode.INVALID_BOUNDING_BOX),
        (box(width=-5), (640, 480), LineCode.INVALID_BOUNDING_BOX),
        (box(left=486), (640, 480), LineCode.INVALID_BOUNDING_BOX),
        (box(top=380), (640, 480), LineCode.INVALID_BOUNDING_BOX),
        (box(width=1), (640, 480), LineCode.BOUNDING_BOX_TOO_SMALL),
        (box(height=0), (640, 480), LineCode.BOUNDING_BOX_TOO_SMALL),
        # Scaled down to 1,280 pixels it is one pixel high; with one pixel more it is higher.
        (box(height=2), (2560, 480), LineCode.BOUNDING_BOX_TOO_SMALL),
    ],
)
def test_a_box_that_is_wrong_is_left_out_and_told_where_it_is(
    wrong: Line, size: tuple[int, int], code: LineCode
) -> None:
    found = judged(boxed(box(), wrong, box(height=3), size=size))
    assert (codes(found), found.usable, found.bad, found.names) == ([code], True, False, {"Dot": 2})
    told = json.loads(found.told())
    assert [each.get("cl-errors", [{}])[0].get("code") for each in told["bb"]["annotations"]] == [None, code, None]
    assert "cl-errors" not in told
    alone = judged(boxed(wrong, size=size))
    assert codes(alone) == [code, LineCode.NO_VALID_ANNOTATIONS, LineCode.NO_VALID_LABEL_ATTRIBUTES]
    assert alone.bad
    told = json.loads(alone.told())
    assert told["bb"]["cl-errors"][0]["code"] == LineCode.NO_VALID_ANNOTATIONS
    assert told["cl-errors"][0]["code"] == LineCode.NO_VALID_LABEL_ATTRIBUTES


@pytest.mark.parametrize(("size", "fits"), [((64, 1280), True), ((64, 1281), False), ((63, 63), False)])
def test_pictures_of_sides_that_cannot_be_learned_from_are_bad(size: tuple[int, int], fits: bool) -> None:
    found = judged(boxed(box(0, 0, 60, 60), size=size))
    assert (codes(found), found.usable) == ([] if fits else [LineCode.INVALID_IMAGE_DIMENSION], fits)
    assert judged(boxed(box(), size=(4096, 4096))).usable
    assert judged(boxed(box(), size=(4097, 4096))).bad


def test_too_many_boxes_are_no_labels() -> None:
    assert judged(boxed(*[box()] * MOST_BOXES)).usable
    found = judged(boxed(*[box()] * (MOST_BOXES + 1)))
    assert codes(found) == [LineCode.TOO_MANY_BOUNDING_BOXES, LineCode.NO_VALID_LABEL_ATTRIBUTES]
    both = boxed(*[box()] * 30)
    both |= {"more": both["bb"], "more-metadata": both["bb-metadata"]}
    assert codes(judged(both)) == codes(found)


def test_a_form_that_is_not_known_is_told_by_the_name_of_its_attribute() -> None:
    line = changed(boxed(box()), ("bb-metadata", "type"), "groundtruth/image-classification-multilabel")
    found = judged(line)
    assert codes(found) == [LineCode.UNSUPPORTED_USE_CASE_TYPE, LineCode.NO_VALID_LABEL_ATTRIBUTES]
    (told,) = json.loads(found.told())["bb-metadata"]["cl-errors"]
    assert told["message"].startswith("The use case type of the bb-metadata label attribute metadata is unsupported.")
    assert judged(line | picture("Sea")).names == {"Sea": 0}


@pytest.mark.parametrize("name", ["", "a" * (MOST_NAME + 1)])
def test_a_name_that_is_too_long_is_told_in_the_metadata(name: str) -> None:
    found = judged(picture(name, "Sea"))
    assert (codes(found), found.names) == ([LineCode.INVALID_LABEL_NAME_LENGTH], {"Sea": 0})
    assert "cl-errors" in json.loads(found.told())["label0-metadata"]
    boxes = judged(changed(boxed(box(), box(of=0)), ("bb-metadata", "class-map", "0"), name))
    assert (codes(boxes), boxes.names) == ([LineCode.INVALID_LABEL_NAME_LENGTH], {"Dot": 1})
    assert judged(picture("a" * MOST_NAME)).usable


def test_what_nobody_labelled_is_ignored_and_no_error() -> None:
    plain, empty = judged(picture()), judged(boxed())
    assert (codes(plain), codes(empty)) == (
        [LineCode.UNANNOTATED_RECORD],
        [LineCode.NO_ATTRIBUTE_ANNOTATIONS, LineCode.NO_ANNOTATIONS],
    )
    unseen = judged(changed(boxed(), ("bb-metadata", "human-annotated"), "no"))
    assert codes(unseen) == [LineCode.UNANNOTATED_RECORD, LineCode.NO_ANNOTATIONS]
    for found in (plain, empty, unseen):
        assert (found.usable, found.bad, found.errors) == (False, False, ())
    assert json.loads(plain.told()) == picture() | {"cl-metadata": {"is_labeled": False}}
    told = json.loads(empty.validated())
    assert [told["bb"]["warnings"][0]["code"], told["warnings"][0]["code"]] == codes(empty)


def test_what_listings_add_is_no_part_of_a_line_that_is_sent_again() -> None:
    wrong = judged(boxed(box(), box(left=-1)))
    for told in (wrong.told(), wrong.validated()):
        assert judge(told) == wrong
    assert judge(judge(b'{"source-ref":"s3://bucket/1.png","x":1}').told()).told().count(b"NO_LABEL") == 1


@pytest.mark.parametrize(
    ("truth", "names"),
    [
        ({"ModerationLabels": [{"Name": "Rude Gesture"}, {"Name": "Nudity"}]}, {"Rude Gesture": 0, "Nudity": 0}),
        ({"ModerationLabels": []}, {}),
        ({"ModerationLabels": [{"Nome": "x"}]}, None),
        ({"ModerationLabels": ["Nudity"]}, None),
        ({}, None),
        ([], None),
    ],
)
def test_lines_of_adapters_have_labels_of_moderation_or_none_where_they_are_safe(
    truth: Any, names: dict[str, int] | None
) -> None:
    line = {"source-ref": "s3://bucket/1.png", "content-moderation-groundtruth": truth}
    found = judged(line, Feature.CONTENT_MODERATION)
    assert (found.usable, found.labeled) == (names is not None, True)
    assert names is None or found.names == names
    assert names is not None or codes(found) == [LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT]
    assert codes(judged(line)) == [LineCode.NO_LABEL_ATTRIBUTES]
    assert codes(judged(picture("Sea"), Feature.CONTENT_MODERATION)) == [LineCode.NO_LABEL_ATTRIBUTES]
    assert codes(judged(picture(), Feature.CONTENT_MODERATION)) == [LineCode.UNANNOTATED_RECORD]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_come_whole_whatever_the_parts_they_come_in(size: int) -> None:
    manifest = b"one\n\ntwo\r\n\xc3\xbc\nlast"
    parts = [manifest[at : at + size] for at in range(0, len(manifest), size)]
    found = list(lines_of(parts))
    assert [line for _, line in found] == [b"one", b"", b"two\r", b"\xc3\xbc", b"last"]
    for read, _ in found:
        assert list(lines_of([manifest[read:]], read)) == [each for each in found if each[0] > read]
    assert found[-1][0] == len(manifest)


def test_a_line_without_an_end_takes_no_more_memory_than_one_that_counts() -> None:
    parts = [b"a" * 100_000] * 50 + [b"b\n" + json.dumps(picture("Sea")).encode()]
    (end, first), (_, second) = lines_of(parts)
    assert (end, len(first) < 600_000) == (5_000_002, True)
    assert judge(first).dropped
    assert judge(second).usable


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert judge(b"\xef\xbb\xbf" + json.dumps(picture("Sea")).encode()).usable


_VALUES: list[Any] = [0, -1, 1.5, 2**62, 1e300, "", "x", "ü" * 300, [], {}, [{}], True, None, [[]], {"a": []}]
# What ends the checks of a line, and so stands alone.
_ENDING = set(list(LineCode)[:8])


def _mutated(line: Line, chance: random.Random) -> bytes:
    """A line with one to three things changed, wherever they are, or bytes put out of order."""
    for _ in range(chance.randint(1, 3)):
        part: Any = line
        while isinstance(part, dict | list) and part:
            key = chance.choice(list(part) if isinstance(part, dict) else range(len(part)))
            if not isinstance(part[key], dict | list) or not part[key] or chance.random() < 0.3:
                _break(part, key, chance)
                break
            part = part[key]
    text = bytearray(json.dumps(line, ensure_ascii=chance.random() < 0.5).encode())
    if chance.random() < 0.15:
        text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text[: chance.randrange(len(text))] if chance.random() < 0.05 else text).replace(b"\n", b" ")


def _break(part: Any, key: Any, chance: random.Random) -> None:
    how = chance.random()
    if how < 0.6:
        part[key] = copy.deepcopy(chance.choice(_VALUES))
    elif how < 0.8:
        del part[key]
    elif isinstance(part, dict):
        part[f"{key}x"] = part.pop(key)
    else:
        part.append(copy.deepcopy(part[key]))


def test_of_mutated_lines_none_is_an_error_of_ours(scale: float) -> None:
    chance = random.Random(25)
    kinds: list[Callable[[], Line]] = [lambda: picture("Sea", "Sun"), lambda: boxed(box(), box(of=0))]
    kinds += [lambda: picture("Sea") | boxed(box(), box(), box()), picture]
    seen: set[LineCode] = set()
    for number in range(int(3000 * scale)):
        text = _mutated(kinds[number % len(kinds)](), chance)
        for feature in Feature:
            found = judge(text, feature)
            _hold(found, text, feature)
            seen |= {note.code for note in found.notes}
    # What a change of one thing comes to is among them, whatever the count.
    assert {LineCode.INVALID_JSON_LINE, _FORMAT, _META_FORMAT, LineCode.INVALID_SOURCE_REF_FORMAT} <= seen


def _hold(found: Judged, text: bytes, feature: Feature) -> None:
    """What is true of every line, however it is broken."""
    again = judge(found.told(), feature)
    assert found.dropped or (again.notes, again.names, again.told()) == (found.notes, found.names, found.told()), text
    assert found.usable or not found.names, text
    assert found.bad or found.usable or found.notes, text
    if ending := [note for note in found.notes if note.code in _ENDING]:
        assert (len(found.notes), found.bad, len(ending)) == (1, True, 1), text
    try:
        line = json.loads(text)
    except ValueError:
        assert codes(found) == [LineCode.INVALID_JSON_LINE], text
        return
    if not isinstance(line, dict):
        assert codes(found) == [LineCode.INVALID_JSON_LINE], text
    elif "source-ref" not in line or line["source-ref"] is None:
        assert codes(found)[0] in (LineCode.MISSING_SOURCE_REF, LineCode.INVALID_JSON_LINE), text
