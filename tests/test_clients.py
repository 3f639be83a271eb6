"""Real clients, unchanged, against the running service."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageOps

from tests.helpers.clients import aws, run, with_packages
from tests.helpers.running import Running

JS = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def mirrored(portrait: bytes) -> bytes:
    """The portrait mirrored and cropped: the same person in another picture."""
    file = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(portrait))).crop((60, 0, 460, 400)).save(file, "JPEG", quality=85)
    return file.getvalue()


@pytest.fixture(scope="session")
def portrait_file(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "portrait.jpg"
    path.write_bytes(portrait)
    return path


def test_boto3_detects_a_face(service: Running, portrait: bytes) -> None:
    answer = service.client().detect_faces(Image={"Bytes": portrait}, Attributes=["ALL"])
    (face,) = answer["FaceDetails"]
    assert len(face["Landmarks"]) == 30
    assert face["Confidence"] > 80
    assert face["AgeRange"]["Low"] < face["AgeRange"]["High"]
    assert answer["ResponseMetadata"]["RequestId"]


def test_boto3_by_default_gets_the_default_attributes(service: Running, portrait: bytes) -> None:
    (face,) = service.client().detect_faces(Image={"Bytes": portrait})["FaceDetails"]
    assert set(face) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert [point["Type"] for point in face["Landmarks"]] == [
        "eyeLeft",
        "eyeRight",
        "mouthLeft",
        "mouthRight",
        "nose",
    ]


def test_boto3_compares_faces(service: Running, portrait: bytes, mirrored: bytes) -> None:
    answer = service.client().compare_faces(
        SourceImage={"Bytes": portrait}, TargetImage={"Bytes": mirrored}, SimilarityThreshold=80
    )
    assert answer["FaceMatches"][0]["Similarity"] > 90
    assert answer["UnmatchedFaces"] == []


def test_a_threshold_of_one_hundred_leaves_another_picture_unmatched(
    service: Running, portrait: bytes, mirrored: bytes
) -> None:
    answer = service.client().compare_faces(
        SourceImage={"Bytes": portrait}, TargetImage={"Bytes": mirrored}, SimilarityThreshold=100
    )
    assert answer["FaceMatches"] == []
    assert len(answer["UnmatchedFaces"]) == 1


def test_boto3_gets_the_cause_of_an_error(service: Running) -> None:
    empty = io.BytesIO()
    Image.new("RGB", (100, 100)).save(empty, "PNG")
    client = service.client()
    assert client.detect_faces(Image={"Bytes": empty.getvalue()})["FaceDetails"] == []
    with pytest.raises(ClientError, match="no face was found in the source image") as raised:
        client.compare_faces(SourceImage={"Bytes": empty.getvalue()}, TargetImage={"Bytes": empty.getvalue()})
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(client.exceptions.InvalidImageFormatException, match="Request has invalid image format"):
        client.detect_faces(Image={"Bytes": b"GIF89a"})


def test_an_operation_that_a_rule_refuses_says_which(service: Running) -> None:
    with pytest.raises(ClientError, match="liveness-by-motion"):
        service.client().create_face_liveness_session()


def test_the_aws_command_line_works(service: Running, portrait_file: Path) -> None:
    face = aws(service, "detect-faces", "--image-bytes", f"fileb://{portrait_file}")["FaceDetails"][0]
    assert len(face["Landmarks"]) == 5
    compared = aws(
        service,
        "compare-faces",
        "--source-image-bytes",
        f"fileb://{portrait_file}",
        "--target-image-bytes",
        f"fileb://{portrait_file}",
    )
    assert compared["FaceMatches"][0]["Similarity"] == pytest.approx(100)


@pytest.mark.long
def test_the_javascript_sdk_works(
    service: Running, portrait_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = with_packages(JS, tmp_path_factory.mktemp("js"))
    told = run(["node", "detect.mjs", str(portrait_file)], service, cwd=folder)
    assert len(told["detected"]["FaceDetails"][0]["Landmarks"]) == 30
    assert told["compared"]["FaceMatches"][0]["Similarity"] == pytest.approx(100)
    assert told["refused"]["name"] == "InvalidImageFormatException"
    assert told["refused"]["message"].startswith("Request has invalid image format")
    assert told["refused"]["requestId"]


def test_the_aws_command_line_keeps_a_gallery(service: Running, portrait_file: Path) -> None:
    picture = f"fileb://{portrait_file}"
    made = aws(service, "create-collection", "--collection-id", "cli", "--tags", "team=press")
    assert made["StatusCode"] == 200
    indexed = aws(
        service, "index-faces", "--collection-id", "cli", "--image-bytes", picture, "--external-image-id", "one"
    )
    face_id = indexed["FaceRecords"][0]["Face"]["FaceId"]
    found = aws(service, "search-faces-by-image", "--collection-id", "cli", "--image-bytes", picture)
    assert found["FaceMatches"][0]["Face"]["FaceId"] == face_id
    listed = aws(service, "list-faces", "--collection-id", "cli", "--page-size", "1")
    assert [face["ExternalImageId"] for face in listed["Faces"]] == ["one"]
    tags = aws(service, "list-tags-for-resource", "--resource-arn", made["CollectionArn"])["Tags"]
    assert tags["team"] == "press"
    deleted = aws(service, "delete-faces", "--collection-id", "cli", "--face-ids", face_id)
    assert deleted["DeletedFaces"] == [face_id]
    assert aws(service, "delete-collection", "--collection-id", "cli")["StatusCode"] == 200
