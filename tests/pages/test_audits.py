"""The auditor's door: scores and rates for blinded pictures, and nothing else, in both directions."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageOps

from regard.pages.audits import MOST_PICTURES
from regard.settings import Settings
from regard.stewardship.office import Office, open_office
from regard.stewardship.parties.keys import AccessKey
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running

pytestmark = pytest.mark.long

A_DAY = 40


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Office]]:
    folder: Path = tmp_path_factory.mktemp("auditor")
    with running(folder, REGARD_AUDIT_PICTURES=str(A_DAY)) as service:
        yield service, open_office(Settings(data_dir=folder))


class Auditor:
    """Somebody with a key for auditing."""

    def __init__(self, house: tuple[Running, Office], purpose: str = "audit") -> None:
        service, office = house
        organization = office.organizations.register(f"Auditors for {purpose}", "research")
        self.key: AccessKey = office.organizations.issue_key(organization.id, purpose)
        self.ask = OwnClient(service.url, self.key.access_key_id, self.key.secret)
        session = boto3.session.Session(self.key.access_key_id, self.key.secret, region_name="us-east-1")
        self.rekognition: Any = session.client("rekognition", endpoint_url=service.url)

    def submit(self, pictures: list[dict[str, Any]], **given: Any) -> httpx.Response:
        return self.ask("POST", "/audit/batches", {"pictures": pictures, **given})


def _blinded(data: bytes, subject: str, group: str) -> dict[str, Any]:
    return {"image": base64.b64encode(data).decode(), "subject": subject, "groups": {"half": group}}


@pytest.fixture(scope="module")
def pictures(portrait: bytes) -> list[dict[str, Any]]:
    """The portrait, its mirror image, and a picture without a face."""
    with Image.open(io.BytesIO(portrait)) as image:
        mirrored, empty = io.BytesIO(), io.BytesIO()
        ImageOps.mirror(image).save(mirrored, "JPEG")
        Image.new("RGB", (200, 200), "grey").save(empty, "PNG")
    return [
        _blinded(portrait, "s1", "a"),
        _blinded(mirrored.getvalue(), "s2", "b"),
        _blinded(empty.getvalue(), "s3", "b"),
    ]


def test_an_auditor_gets_scores_and_rates_and_no_more(
    house: tuple[Running, Office], pictures: list[dict[str, Any]]
) -> None:
    answer = Auditor(house).submit(pictures, similarities=[80])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"not_enrolled", "scores", "rates", "no_rates", "pictures_left"}
    assert told["not_enrolled"] == [2]
    assert told["scores"][0][0] > 0.5
    assert [told["scores"][0][1], told["scores"][1], told["scores"][2]] == [None, [None], []]
    assert told["pictures_left"] == A_DAY - 3
    (by_half,) = told["rates"]["attributes"]
    assert by_half["groups"] == ["a", "b"]
    failures = [rate["errors"] for rate in by_half["failure_to_enrol"]["rates"]]
    assert failures == [0, 1]
    assert by_half["thresholds"][0]["pairs"][0][1]["errors"] == 1
    for blinded in ("s1", "s2", "embedding"):
        assert blinded not in answer.text


def test_every_batch_is_logged(house: tuple[Running, Office], pictures: list[dict[str, Any]]) -> None:
    auditor = Auditor(house)
    first, second = auditor.submit(pictures), auditor.submit(pictures[:2])
    assert first.headers["x-regard-entry"] != second.headers["x-regard-entry"]
    assert int(second.headers["x-regard-sequence"]) == int(first.headers["x-regard-sequence"]) + 1


def test_a_batch_without_groups_has_scores_and_says_why_it_has_no_rates(
    house: tuple[Running, Office], pictures: list[dict[str, Any]]
) -> None:
    bare = [each | {"groups": {}} for each in pictures[:2]]
    told = Auditor(house).submit(bare).json()
    assert told["rates"] is None
    assert "no column of groups" in told["no_rates"]


def test_more_pictures_than_the_quota_are_refused(
    house: tuple[Running, Office], pictures: list[dict[str, Any]]
) -> None:
    auditor = Auditor(house)
    refused = auditor.submit([pictures[2]] * (A_DAY + 1))
    assert refused.status_code == 400
    assert "REGARD_AUDIT_PICTURES" in refused.json()["cause"]
    assert auditor.submit(pictures).json()["pictures_left"] == A_DAY - 3, "what was refused counts for nothing"


@pytest.mark.parametrize(
    "body", [{"pictures": []}, {"pictures": [{"image": "", "subject": "s"}] * (MOST_PICTURES + 1)}, {"collection": "c"}]
)
def test_what_is_no_batch_is_refused(house: tuple[Running, Office], body: dict[str, Any]) -> None:
    refused = Auditor(house).ask("POST", "/audit/batches", body)
    assert refused.status_code == 400
    assert "no batch" in refused.json()["cause"]


def test_an_auditors_key_opens_nothing_else(house: tuple[Running, Office], portrait: bytes) -> None:
    rekognition = Auditor(house).rekognition
    calls: tuple[Callable[[], Any], ...] = (
        lambda: rekognition.list_collections(),
        lambda: rekognition.detect_faces(Image={"Bytes": portrait}),
        lambda: rekognition.create_collection(CollectionId="c"),
        lambda: rekognition.search_faces_by_image(CollectionId="c", Image={"Bytes": portrait}),
    )
    for call in calls:
        with pytest.raises(ClientError) as denied:
            call()
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
        assert "purpose-scope" in str(denied.value)


def test_a_key_for_something_else_submits_no_batch(
    house: tuple[Running, Office], pictures: list[dict[str, Any]]
) -> None:
    refused = Auditor(house, "photo-library").submit(pictures)
    assert refused.status_code == 403
    assert "purpose-scope" in refused.json()["cause"]
