"""Policies of projects, and what they let others copy."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from regard.custom.projects import Feature
from regard.custom.workbench.kept import Results
from regard.operations.common.registry import function_of
from regard.operations.common.rooms import Rooms
from tests.helpers.custom import coloured, described, file_at, project_of
from tests.helpers.fakes import Client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_states import STRANGER, trained
from tests.operations.custom.versions.test_training import OUTPUT

ACTION = "rekognition:CopyProjectVersion"


def policy(resource: str = "*", principal: Any = None, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal or {"AWS": STRANGER}, "Action": ACTION, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})


def copied(client: Client, source: str, arn: str, target: str, name: str = "copy", **more: Any) -> str:
    asked: dict[str, Any] = {
        "SourceProjectArn": source,
        "SourceProjectVersionArn": arn,
        "DestinationProjectArn": target,
    }
    asked |= {"VersionName": name, "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "copies/"}} | more
    return str(client("CopyProjectVersion", **asked)["ProjectVersionArn"])


def test_a_policy_is_put_changed_listed_and_deleted(client: Client, rooms: Rooms) -> None:
    project = project_of(rooms, "parts")
    put = {"ProjectArn": project, "PolicyName": "partner"}
    first = client("PutProjectPolicy", **put, PolicyDocument=policy())["PolicyRevisionId"]
    assert client.refusal("PutProjectPolicy", **put, PolicyDocument=policy())[0] == "ResourceAlreadyExistsException"
    second = client("PutProjectPolicy", **put, PolicyDocument=policy("arn:aws:rekognition:*"), PolicyRevisionId=first)
    assert second["PolicyRevisionId"] != first
    for name, more in (("PutProjectPolicy", {"PolicyDocument": policy()}), ("DeleteProjectPolicy", {})):
        code, _ = client.refusal(name, **put, **more, PolicyRevisionId=first)
        assert code == "InvalidPolicyRevisionIdException"
    assert client.refusal(
        "PutProjectPolicy", **put | {"PolicyName": "x"}, PolicyDocument=policy(), PolicyRevisionId=first
    )[0] == ("InvalidPolicyRevisionIdException")
    (told,) = client("ListProjectPolicies", ProjectArn=project)["ProjectPolicies"]
    assert (told["ProjectArn"], told["PolicyName"]) == (project, "partner")
    assert (told["PolicyRevisionId"], told["PolicyDocument"]) == (
        second["PolicyRevisionId"],
        policy("arn:aws:rekognition:*"),
    )
    assert told["CreationTimestamp"] <= told["LastUpdatedTimestamp"]
    client("DeleteProjectPolicy", **put, PolicyRevisionId=second["PolicyRevisionId"])
    assert client("ListProjectPolicies", ProjectArn=project) == {"ProjectPolicies": []}
    assert client.refusal("DeleteProjectPolicy", **put)[0] == "ResourceNotFoundException"


def test_policies_are_listed_five_a_page(client: Client, rooms: Rooms) -> None:
    project = project_of(rooms, "parts")
    for number in range(7):
        client("PutProjectPolicy", ProjectArn=project, PolicyName=str(number), PolicyDocument=policy())
    first = client("ListProjectPolicies", ProjectArn=project, NextToken="")
    second = client("ListProjectPolicies", ProjectArn=project, NextToken=first["NextToken"])
    told = [each["PolicyName"] for page in (first, second) for each in page["ProjectPolicies"]]
    assert (len(first["ProjectPolicies"]), told) == (5, [str(number) for number in range(7)])
    assert client.refusal("ListProjectPolicies", ProjectArn=project, NextToken="x")[0] == (
        "InvalidPaginationTokenException"
    )


def test_a_copy_goes_to_a_project_of_ones_own_and_answers_the_same(client: Client, rooms: Rooms, shop: Shop) -> None:
    source, target = project_of(rooms, "first"), project_of(rooms, "second")
    arn = trained(client, rooms, shop, source)
    copy = copied(client, source, arn, target)
    begun = described(client, target)
    assert (begun["Status"], begun["SourceProjectVersionArn"]) == ("COPYING_IN_PROGRESS", arn)
    assert begun["StatusMessage"]
    work_off(rooms)
    done = described(client, target)
    assert (done["Status"], done["ProjectVersionArn"]) == ("COPYING_COMPLETED", copy)
    place = done["EvaluationResult"]["Summary"]
    assert place["S3Object"]["Name"] == "copies/EvaluationResultSummary-second-copy.json"
    summary = json.loads(file_at(shop.endpoint, place))
    assert summary["EvaluationDetails"]["ProjectVersionArn"] == copy
    counts = json.loads(file_at(shop.endpoint, done["ManifestSummary"]))
    assert done["ManifestSummary"]["S3Object"]["Name"] == "copies/ManifestSummary-second-copy.json"
    assert counts["statistics"]["training"]["valid_json_lines"] == len(shop.lines)
    # No file has a line about a picture.
    assert not {"TrainingDataResult", "TestingDataResult"} & done.keys()
    # The pictures are told as those of the version that it is a copy of, as long as that is there; then the figures.
    kept, again = (_results(client, rooms, each, name) for each, name in ((source, "one"), (target, "copy")))
    assert again["pictures"] == kept["pictures"] != []
    assert again["beside"]["copy"] == {"whose": "own", "name": "first/one"}
    client("DeleteProjectVersion", ProjectVersionArn=arn)
    left = _results(client, rooms, target, "copy")
    assert (left["pictures"], left["beside"]["copy"]["whose"]) == ([], "gone")
    assert left["figures"][:2] == [len(shop.others), 0]
    client("StartProjectVersion", ProjectVersionArn=copy, MinInferenceUnits=1)
    told = client("DetectCustomLabels", ProjectVersionArn=copy, Image={"Bytes": coloured("blue", 701)})
    assert [each["Name"] for each in told["CustomLabels"]] == ["blue"]


def test_another_organization_copies_what_a_policy_lets_it(client: Client, rooms: Rooms, shop: Shop) -> None:
    source = project_of(rooms, "parts")
    arn = trained(client, rooms, shop, source)
    other = Client(rooms, STRANGER)
    _register(rooms)
    target = project_of(rooms, "theirs", owner=STRANGER)
    asked = {
        "SourceProjectArn": source,
        "SourceProjectVersionArn": arn,
        "DestinationProjectArn": target,
        "VersionName": "copy",
        "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "theirs/"},
    }
    assert other.refusal("CopyProjectVersion", **asked)[0] == "ResourceNotFoundException"
    named = {"ProjectArn": source, "PolicyName": "partner"}
    revision = client("PutProjectPolicy", **named, PolicyDocument=policy(arn))["PolicyRevisionId"]
    other("CopyProjectVersion", **asked)
    # What was let in is asked again when the copy is made.
    denied = policy(arn, Effect="Deny")
    client("PutProjectPolicy", **named, PolicyDocument=denied, PolicyRevisionId=revision)
    work_off(rooms)
    failed = described(other, target)
    assert (failed["Status"], "may not be copied" in failed["StatusMessage"]) == ("COPYING_FAILED", True)
    client("DeleteProjectPolicy", **named)
    client("PutProjectPolicy", **named, PolicyDocument=policy(principal={"AWS": f"arn:aws:iam::{STRANGER}:root"}))
    other("CopyProjectVersion", **asked | {"VersionName": "again"})
    work_off(rooms)
    assert described(other, target)["Status"] == "COPYING_COMPLETED"
    # Of its pictures nothing came along, where they are and what each shows; of figures all did.
    own, theirs = _results(client, rooms, source, "one"), _results(other, rooms, target, "again")
    assert (theirs["pictures"], theirs["twins"], theirs["beside"]["copy"]["whose"]) == ([], [], "another")
    assert not any(each["path"].encode() in msgspec.json.encode(theirs) for each in own["pictures"])
    for member in ("f1", "precision", "recall", "interval", "labels", "curve"):
        assert theirs[member] == own[member]
    figures = msgspec.convert(theirs, Results).figures
    assert figures
    assert sum(count for _, _, count in figures.cells) == len(own["pictures"])
    sources = [each["path"] for each in own["pictures"]]
    call = other.call("ReadVersionPictures", ProjectArn=target, VersionName="again", Pictures=sources)
    assert function_of("ReadVersionPictures")(call, rooms) == {"Pictures": {}}


def _results(client: Client, rooms: Rooms, project: str, name: str) -> dict[str, Any]:
    """All that is told of what a version came to."""
    asked = client.call("DescribeVersionResults", ProjectArn=project, VersionNames=[name], Whole=True)
    found: dict[str, Any] = function_of("DescribeVersionResults")(asked, rooms)["Results"][name]
    return found


def _register(rooms: Rooms) -> None:
    with rooms.gallery.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO organizations (id, name, sector, jurisdictions, standing, operator, created_at) "
                f"SELECT '{STRANGER}', 'Another', sector, jurisdictions, standing, operator, created_at "
                "FROM organizations"
            )
        )


def test_what_cannot_be_copied_is_refused(client: Client, rooms: Rooms, shop: Shop) -> None:
    source, target = project_of(rooms, "first"), project_of(rooms, "second")
    adapters = project_of(rooms, "third", Feature.CONTENT_MODERATION)
    arn = trained(client, rooms, shop, source)
    asked: dict[str, Any] = {"VersionName": "copy", "OutputConfig": OUTPUT, "DestinationProjectArn": target}
    asked |= {"SourceProjectArn": source, "SourceProjectVersionArn": arn}
    assert client.refusal("CopyProjectVersion", **asked | {"DestinationProjectArn": adapters})[0] == (
        "InvalidParameterException"
    )
    assert client.refusal("CopyProjectVersion", **asked | {"SourceProjectArn": target})[0] == (
        "ResourceNotFoundException"
    )
    copied(client, source, arn, target)
    assert client.refusal("CopyProjectVersion", **asked)[0] == "ResourceInUseException"
    young = described(client, target)["ProjectVersionArn"]
    more = {"SourceProjectArn": target, "SourceProjectVersionArn": young, "DestinationProjectArn": source}
    code, said = client.refusal("CopyProjectVersion", **asked | more)
    assert (code, "COPYING_IN_PROGRESS" in said) == ("ResourceInUseException", True)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("no", "no JSON"),
        ("[]", "Version"),
        (json.dumps({"Version": "2012-10-17", "Statement": []}), "Statement"),
        (policy(NotPrincipal="*"), "NotPrincipal"),
        (policy(NotAction=ACTION), "NotAction"),
        (policy(NotResource="*"), "NotResource"),
        (policy(Condition={"Bool": {"aws:SecureTransport": "true"}}), "Condition"),
        (policy(Effect="Maybe"), "Allow or Deny"),
        (policy(Action="rekognition:*"), ACTION),
        (policy(principal={"Service": "rekognition"}), "Service"),
        (policy(principal={"AWS": "somebody"}), "12 digits"),
        (policy("everything"), "ARN of a version"),
    ],
)
def test_a_document_that_is_malformed_says_why(client: Client, rooms: Rooms, document: str, said: str) -> None:
    project = project_of(rooms, "parts")
    code, told = client.refusal("PutProjectPolicy", ProjectArn=project, PolicyName="x", PolicyDocument=document)
    assert (code, said in told) == ("MalformedPolicyDocumentException", True)
