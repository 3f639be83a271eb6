"""Redaction over HTTP: signed, through the gate, and with an answer that says what was covered."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from regard.pages.redaction import PATH
from regard.settings import Settings
from regard.stewardship.office import Office, open_office
from regard.vision.pictures.images import decode
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running
from tests.pages.test_people import Club


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Office]]:
    folder: Path = tmp_path_factory.mktemp("redaction")
    with running(folder) as service:
        yield service, open_office(Settings(data_dir=folder))


@pytest.fixture(scope="module")
def club(house: tuple[Running, Office]) -> Club:
    return Club(*house, "A club")


def _text(portrait: bytes) -> str:
    return base64.b64encode(portrait).decode()


def test_a_face_is_covered_and_the_call_is_logged(club: Club, portrait: bytes) -> None:
    answer = club.ask("POST", "/redact", {"image": _text(portrait)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-regard-entry"]
    told = answer.json()
    before, after = decode(portrait).pixels, decode(base64.b64decode(told["image"])).pixels
    box = told["covered"][0]["box"]
    inside = np.s_[
        int(512 * box["top"]) + 8 : int(512 * (box["top"] + box["height"])) - 8,
        int(512 * box["left"]) + 8 : int(512 * (box["left"] + box["width"])) - 8,
    ]
    assert before[inside].mean() > 60
    assert after[inside].max() < 30


def test_a_refusal_says_where_it_is_logged(club: Club, house: tuple[Running, Office], portrait: bytes) -> None:
    organizations = house[1].organizations
    force = organizations.register("A force", "law-enforcement")
    key = organizations.issue_key(force.id, "photo-library")
    answer = OwnClient(club.service.url, key.access_key_id, key.secret)("POST", "/redact", {"image": _text(portrait)})
    assert answer.status_code == 403, answer.text
    assert answer.headers["x-regard-receipt"].startswith("/log/")
    assert answer.headers["x-regard-entry"]


@pytest.mark.long
def test_a_person_stays_open_as_long_as_their_consent_counts(club: Club, portrait: bytes) -> None:
    receipt = club.ask("POST", "/consents", club.consent("alice")).json()["consent"]["receipt_id"]
    assert club.index(portrait, "alice") == 1
    asked = {"image": _text(portrait), "collection": "members"}
    assert [left["person"] for left in club.ask("POST", "/redact", asked).json()["left_open"]] == ["alice"]
    club.ask("POST", f"/consents/{receipt}/withdrawal")
    assert club.ask("POST", "/redact", asked).json()["left_open"] == []


def test_leaving_somebody_open_is_an_identification_for_the_gate(
    house: tuple[Running, Office], portrait: bytes
) -> None:
    service, office = house
    police = office.organizations.register("A police department", "law-enforcement")
    key = office.organizations.issue_key(police.id, "photo-library")
    ask = OwnClient(service.url, key.access_key_id, key.secret)
    answer = ask("POST", "/redact", {"image": _text(portrait), "collection": "members"})
    assert answer.status_code == 403
    assert "no-law-enforcement" in answer.json()["cause"]


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        ({}, 400, "image"),
        ({"image": "%%%"}, 400, "base64"),
        ({"image": "", "style": "none"}, 400, "style"),
        ({"image": base64.b64encode(b"no picture").decode()}, 400, "format"),
        ({"image": "", "collection": "no such collection"}, 400, "collection"),
        ({"image": "", "at_least": 101}, 400, "at_least"),
        ({"image": "", "text": [""]}, 400, "text"),
        ({"image": "", "text": ["a"] * 21}, 400, "text"),
        ({"image": "", "other": 1}, 400, "other"),
    ],
)
def test_bad_input_is_told_with_its_cause(club: Club, body: dict[str, object], status: int, cause: str) -> None:
    answer = club.ask("POST", "/redact", body)
    assert answer.status_code == status
    assert cause in answer.json()["cause"]


def test_unsigned_or_signed_for_another_service_is_refused(club: Club) -> None:
    assert httpx.post(club.service.url + PATH, json={"image": ""}).status_code == 403
    assert club.ask("POST", "/redact", {"image": ""}, service="rekognition").status_code == 403
