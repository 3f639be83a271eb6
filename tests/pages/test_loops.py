"""Human loops as everybody meets them: boto3 asks, a person decides on the page, the organization reads the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from regard.cli import app
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running

pytestmark = pytest.mark.long


class Queue:
    """A running service, and the command line on its data."""

    def __init__(self, service: Running, folder: Path) -> None:
        self.url = service.url
        self.rekognition = service.client()
        self.own = OwnClient(
            service.url, service.environment["AWS_ACCESS_KEY_ID"], service.environment["AWS_SECRET_ACCESS_KEY"]
        )
        self._environment = {"REGARD_DATA_DIR": str(folder)}

    def regard(self, *words: str, code: int = 0) -> str:
        ran = CliRunner().invoke(app, list(words), env=self._environment)
        assert ran.exit_code == code, ran.output
        return ran.stdout.strip()

    def detect(self, portrait: bytes, name: str, arn: str) -> dict[str, Any]:
        """What boto3 reads of the loop; every score counts."""
        config = {
            "HumanLoopName": name,
            "FlowDefinitionArn": arn,
            "DataAttributes": {"ContentClassifiers": ["FreeOfPersonallyIdentifiableInformation"]},
        }
        answer = self.rekognition.detect_moderation_labels(
            Image={"Bytes": portrait}, MinConfidence=0, HumanLoopConfig=config
        )
        told: dict[str, Any] = answer["HumanLoopActivationOutput"]
        return told

    def moderated(self, portrait: bytes) -> list[dict[str, Any]]:
        """Every label of the picture, however unsure."""
        answer = self.rekognition.detect_moderation_labels(Image={"Bytes": portrait}, MinConfidence=0)
        labels: list[dict[str, Any]] = answer["ModerationLabels"]
        return labels

    def reviewer(self, name: str) -> tuple[str, str]:
        found = re.search(r"log in at /review as (\S+) with (\S+)", self.regard("review", "appoint", name))
        assert found
        return found[1], found[2]


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    folder: Path = tmp_path_factory.mktemp("loops")
    with running(folder) as service:
        yield Queue(service, folder)


def test_a_picture_goes_to_a_person_and_the_verdict_comes_back(queue: Queue, portrait: bytes) -> None:
    arn = queue.regard("review", "flow", "set", "safe-ones", "--at-most", "50")
    told = queue.detect(portrait, "astronaut", arn)
    assert told["HumanLoopArn"].endswith(":human-loop/astronaut")
    assert told["HumanLoopActivationReasons"] == ["ConditionsEvaluation"]
    waits = queue.own("GET", "/human-loops/astronaut")
    assert (waits.status_code, waits.json()["right"]) == (200, None)
    assert waits.headers["x-regard-entry"]

    login = queue.reviewer("ada")
    page = httpx.get(f"{queue.url}/review", auth=login).text
    assert "data:image/jpeg;base64,/9j/" in page
    assert "FreeOfPersonallyIdentifiableInformation" in page
    action, mark = re.findall('action="([^"]+)"', page)[0], re.findall('value="([0-9a-f]{64})"', page)[0]
    labels = {each["Name"] for each in queue.moderated(portrait)}
    assert {*re.findall('name="right" value="([^"]+)"', page)} == labels
    said = min(labels)
    place = f"{queue.url}{action}"
    assert httpx.post(place, data={"right": said}, auth=login).status_code == 403
    assert httpx.post(place, data={"mark": mark, "right": "Cats"}, auth=login).status_code == 400
    decided = httpx.post(place, data={"mark": mark, "right": [said]}, auth=login)
    assert (decided.status_code, decided.headers["location"]) == (303, "/review")
    assert httpx.post(place, data={"mark": mark, "right": []}, auth=login).status_code == 404
    assert "Nothing waits for you" in httpx.get(f"{queue.url}/review", auth=login).text

    read = queue.own("GET", "/human-loops/astronaut").json()
    assert (read["right"], read["reviewer"], read["flow"]) == ([said], "ada", "safe-ones")
    assert read["labels"].keys() == labels
    assert read["classifiers"] == ["FreeOfPersonallyIdentifiableInformation"]
    assert queue.own("GET", "/human-loops").json() == {"loops": [read]}
    assert json.loads(queue.regard("review", "loops", "--json")) == [read]
    assert json.loads(queue.regard("review", "loops", "astronaut", "--json")) == [read]
    assert "ada" in queue.regard("review", "loops")
    with pytest.raises(ClientError, match="astronaut already") as error:
        queue.detect(portrait, "astronaut", arn)
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_harmless_picture_starts_no_loop(queue: Queue, portrait: bytes) -> None:
    arn = queue.regard("review", "flow", "set", "explicit-ones", "--label", "Explicit", "--at-least", "50")
    told = queue.detect(portrait, "harmless", arn)
    assert told.keys() == {"HumanLoopActivationConditionsEvaluationResults"}
    assert queue.own("GET", "/human-loops/harmless").status_code == 404


def test_flows_are_listed_and_removed(queue: Queue, portrait: bytes) -> None:
    queue.regard("review", "flow", "set", "that-stays")
    arn = queue.regard("review", "flow", "set", "short-lived", "--label", "Violence")
    assert "short-lived" in queue.regard("review", "flow", "list")
    listed = {each["name"]: each for each in json.loads(queue.regard("review", "flow", "list", "--json"))}
    expected = {"name": "short-lived", "label": "Violence", "at_least": 0.0, "at_most": 100.0, "arn": arn}
    assert listed["short-lived"] == expected
    queue.regard("review", "flow", "remove", "short-lived")
    with pytest.raises(ClientError) as error:
        queue.detect(portrait, "late", arn)
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_loops_are_described_and_take_a_signature(queue: Queue) -> None:
    described = httpx.get(f"{queue.url}/stewardship/v1/openapi.json").json()["paths"]
    listing = described["/stewardship/v1/human-loops"]["get"]
    assert listing["operationId"] == "ListHumanLoops"
    assert described["/stewardship/v1/human-loops/{loop}"]["get"]["operationId"] == "GetHumanLoop"
    assert httpx.get(f"{queue.url}/stewardship/v1/human-loops").status_code == 403
