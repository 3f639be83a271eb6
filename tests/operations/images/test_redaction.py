"""Redact and RedactOthers: who is covered, who stays open, and what the log is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from regard.operations.common.errors import ApiError, translated
from regard.operations.common.registry import answered, function_of, ours
from regard.stewardship.people.consents import Consents
from regard.stewardship.policy.call import Capability, DataClass
from regard.stewardship.policy.enrolment import Enrolment
from regard.stewardship.policy.service_model import service_model
from regard.stewardship.policy.withholding import threshold_of
from regard.vision.pictures.images import decode
from regard.vision.things.text import Line, TextReader, Word, between
from tests.helpers.fakes import Client, open_rooms, picture_of


class Given:
    """Stands for the consents: these persons gave one."""

    def __init__(self, *persons: str) -> None:
        self.persons = persons

    def covers(self, enrolment: Enrolment) -> bool:
        return enrolment.person in self.persons


@pytest.fixture
def client(tmp_path: Path) -> Client:
    rooms = replace(open_rooms(tmp_path), consents=cast(Consents, Given("anna", "carl")))
    client = Client(rooms)
    client("CreateCollection", CollectionId="friends")
    client.index("friends", 1, ExternalImageId="anna")
    client.index("friends", 2, ExternalImageId="bert")
    return client


def _ask(client: Client, name: str, data: bytes, **parameters: object) -> tuple[dict[str, Any], Any]:
    call = client.call(name, Image={"Bytes": data}, **parameters)
    call.operation = ours()[name]
    try:
        return function_of(name)(call, client.rooms), call
    except Exception as error:
        raise translated(error, call) from error


def test_every_face_is_covered(client: Client) -> None:
    answer, call = _ask(client, "Redact", picture_of(1, 2, 3))
    assert len(answer["covered"]) == 3
    assert answer["left_open"] == []
    assert not decode(answer["image"]).pixels[:, :, 1].any()
    assert call.account["counts"] == {"found": 3}


def test_only_those_whose_consent_counts_stay_open(client: Client) -> None:
    answer, call = _ask(client, "RedactOthers", picture_of(1, 2, 3), CollectionId="friends")
    assert [left["person"] for left in answer["left_open"]] == ["anna"]
    assert len(answer["covered"]) == 2
    green = decode(answer["image"]).pixels[50, :, 1]
    assert (green[10:70] == 255).all()
    assert not green[110:].any()
    assert call.account["counts"] == {"found": 3, "matched": 1}
    assert len(call.people) == 1


OUTLINE = np.array([[0.0, 0.9], [0.5, 0.9], [0.5, 0.95], [0.0, 0.95]])
NAMED = Word("Anna", 91.0, between(OUTLINE, 0.0, 0.4))
PLATE = [Word("WXY", 92.0, between(OUTLINE, 0.5, 0.7)), Word("1234", 93.0, between(OUTLINE, 0.75, 1.0))]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("anna", 1), (r"[A-Z]{3} \d{4}", 2), ("nn", 1), (r"^\d+$", 0), ("[A-Z]+", 2), (r"\w+", 3)],
)
def test_words_that_fit_a_pattern_are_covered(client: Client, pattern: str, words: int) -> None:
    line = Line("Anna WXY 1234", 90.0, OUTLINE, (NAMED, *PLATE))
    client.rooms = replace(client.rooms, text=cast(TextReader, lambda _: [line]))
    answer, _ = _ask(client, "Redact", picture_of(1), TextPatterns=[pattern])
    assert [each["kind"] for each in answer["covered"]] == ["face"] + ["text"] * words
    shown = decode(answer["image"]).pixels
    for each in answer["covered"]:
        x, y = each["box"]["left"] + each["box"]["width"] / 2, each["box"]["top"] + each["box"]["height"] / 2
        assert not shown[int(y * shown.shape[0]), int(x * shown.shape[1])].any()


@pytest.mark.parametrize("pattern", ["(", "(a|aa)+$"])
def test_a_pattern_that_cannot_be_looked_for_is_refused(
    client: Client, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.vision.things.text.MOST_SECONDS", 0.01)
    line = Line("a" * 60 + "!", 90.0, OUTLINE, (Word("a" * 60 + "!", 90.0, OUTLINE),))
    client.rooms = replace(client.rooms, text=cast(TextReader, lambda _: [line]))
    with pytest.raises(ApiError) as error:
        _ask(client, "Redact", picture_of(1), TextPatterns=[pattern])
    assert error.value.code == "InvalidParameterException"


def test_a_person_is_left_open_once_at_most(client: Client) -> None:
    answer, _ = _ask(client, "RedactOthers", picture_of(1, 1), CollectionId="friends")
    assert len(answer["left_open"]) == len(answer["covered"]) == 1


def test_a_picture_without_faces_comes_back_whole(client: Client) -> None:
    answer, _ = _ask(client, "RedactOthers", picture_of(), CollectionId="friends")
    assert answer["covered"] == answer["left_open"] == []


@pytest.mark.parametrize(
    ("data", "collection", "code"),
    [
        (b"no picture", "friends", "InvalidImageFormatException"),
        (picture_of(1), "nobody", "ResourceNotFoundException"),
    ],
)
def test_what_cannot_be_done_says_why(client: Client, data: bytes, collection: str, code: str) -> None:
    with pytest.raises(ApiError) as error:
        _ask(client, "RedactOthers", data, CollectionId=collection)
    assert error.value.code == code


def test_our_own_operations_declare_what_they_do_and_are_none_of_the_api() -> None:
    assert ours()["Redact"].capability is Capability.DETECT
    assert ours()["RedactOthers"].capability is Capability.IDENTIFY
    assert ours()["RedactOthers"].data is DataClass.TEMPLATES
    assert not ours().keys() & (set(service_model().operation_names) | answered().keys())


def test_leaving_somebody_open_has_a_threshold_that_the_gate_knows() -> None:
    assert threshold_of(ours()["RedactOthers"]) == "FaceMatchThreshold"
    assert threshold_of(ours()["Redact"]) is None
