"""A console on projects of pictures of two colours, with versions that were trained on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch
from uuid import uuid4

import pytest

from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import answered
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions import teaching
from regard.settings import Settings
from regard.stewardship.policy.call import Call
from regard.stores.buckets import Buckets
from regard.vision.things.features import Features
from tests.helpers.consoled import Console, Somebody
from tests.helpers.custom import Colours, line, put_manifest, put_pictures, settings_of, unrelated
from tests.helpers.stores import store, store_client
from tests.helpers.working import work_off

MARKUP = "<b>grass"
LABELS = ("green", "blue")
TRUTH = "content-moderation-groundtruth"


class Shop:
    """A console on a project with two versions: the later one was tested with pictures that were labelled wrongly."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.endpoint, self.adapter = endpoint, ""
        kept = settings_of(endpoint)
        fields = {name: getattr(kept, name) for name in Settings.__struct_fields__} | {"s3_allowed": ("*=pictures/",)}

        def changed(rooms: Rooms) -> Rooms:
            pictures = PictureReader(Buckets(Settings(**fields)))
            return replace(rooms, pictures=pictures, features=cast(Features, Colours()))

        self.console = Console(folder, changed)
        client = store_client(endpoint)
        for bucket in ("pictures", "results"):
            client.create_bucket(Bucket=bucket)
        lines = put_pictures(endpoint, "train", range(8), LABELS)
        others = put_pictures(endpoint, "test", range(100, 103), LABELS)
        right = put_manifest(endpoint, "right.jsonl", others)
        # A picture that is taken for what it is, and labelled as something else; one that was learned from.
        wrong = [line("test/green-100.png", "blue"), *others[1:], lines[0]]
        self.project = self.ask("CreateProject", ProjectName="parts", Tags={"regard:label:green": MARKUP})["ProjectArn"]
        self.lists = put_manifest(endpoint, "train.jsonl", lines), put_manifest(endpoint, "wrong.jsonl", wrong)
        for name, test in (("one", right), ("two", self.lists[1])):
            self.train(name, self.lists[0], test)
        gone = put_manifest(endpoint, "few.jsonl", lines[:1])
        self.train("failed", gone, right)
        self.adapter = self.ask(
            "CreateProject", ProjectName="safe", Feature="CONTENT_MODERATION", AutoUpdate="DISABLED"
        )["ProjectArn"]
        safe = [{"source-ref": each["source-ref"], TRUTH: {"ModerationLabels": []}} for each in lines]
        self.train("kind", put_manifest(endpoint, "safe.jsonl", safe), put_manifest(endpoint, "safer.jsonl", safe[:4]))
        self.ada = self.console.somebody()

    def train(self, name: str, training: dict[str, Any], test: dict[str, Any]) -> None:
        self.ask(
            "CreateProjectVersion",
            ProjectArn=self.adapter if name == "kind" else self.project,
            VersionName=name,
            OutputConfig={"S3Bucket": "results", "S3KeyPrefix": name},
            TrainingData={"Assets": [training]},
            TestingData={"Assets": [test]},
        )
        with patch.object(teaching, "background", unrelated):
            work_off(self.console.house.service.rooms)

    def copy(self, name: str, target: str, organization: str = "") -> str:
        """The ARN of a version, once it was copied to a project."""
        described = self.ask("DescribeProjectVersions", ProjectArn=self.project, VersionNames=[name])
        arn = str(described["ProjectVersionDescriptions"][0]["ProjectVersionArn"])
        given = {"SourceProjectArn": self.project, "SourceProjectVersionArn": arn, "DestinationProjectArn": target}
        output = {"S3Bucket": "results", "S3KeyPrefix": f"copies/{organization}"}
        self.ask("CopyProjectVersion", organization, **given, VersionName=name, OutputConfig=output)
        work_off(self.console.house.service.rooms)
        return arn

    def ask(self, name: str, organization: str = "", **given: Any) -> dict[str, Any]:
        keys = self.console.office.organizations.keys
        caller = keys.all(organization or self.console.organization)[0].caller
        call = Call(caller, answered()[name], given, "us-east-1", str(uuid4()), loopback=True)
        return self.console.house.service.answer(call)

    def page(self, path: str = "", by: Somebody | None = None) -> str:
        answer = (by or self.ada).get(f"/console/labels{path}")
        assert answer.status_code == 200, answer.text
        assert "<script>alert" not in answer.text
        return answer.text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with store() as endpoint:
        made = Shop(tmp_path_factory.mktemp("labels") / "data", endpoint)
        yield made
        made.console.close()


def words_of(text: str) -> str:
    """A page without its marks, in one line."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", text)).split())
