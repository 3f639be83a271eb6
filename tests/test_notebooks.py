"""What AWS's sample notebooks about faces do, step by step in our own words, with boto3 against the running service.

Each test is one notebook's flow, and reads each member of the answers that the notebook reads. A member may be absent
only where docs/coverage.md says so. Liveness and video, which some of them go on with, are on that page too.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageDraw, ImageOps

from tests.helpers.running import Running

pytestmark = pytest.mark.long

COVERAGE = (Path(__file__).parents[1] / "docs" / "coverage.md").read_text()
# A picture has at least 80 pixels a side, here as at AWS.
LEAST_SIDE = 80
# Each person: the picture that is known of them, and selfies.
People = dict[str, list[bytes]]


def _says_absent(operation: str, member: str) -> bool:
    """Whether the page says that the operation leaves the member out."""
    (row,) = re.findall(rf"^\| {operation} \| in part \| (.*) \|$", COVERAGE, re.MULTILINE)
    sentences = [each for each in row.split(". ") if re.search(r"\b(is|are) absent|only where", each)]
    return any(re.search(rf"\b{member}\b", each.split(" absent")[0]) for each in sentences)


def _read(operation: str, told: dict[str, Any], member: str) -> Any:
    """A member as a notebook reads it; None where it is absent, as the page has to say."""
    if told.get(member) in (None, []):
        assert _says_absent(operation, member), f"{operation} gave no {member}, and docs/coverage.md does not say so"
        return None
    return told[member]


def _bytes(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, kind)
    return file.getvalue()


def _open(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def _crop(image: Image.Image, box: dict[str, float], margin: float = 0) -> Image.Image:
    """What a notebook cuts out for a face: its box, and perhaps some pixels more, also beyond the edge."""
    left, top = image.width * box["Left"] - margin, image.height * box["Top"] - margin
    right, low = left + image.width * box["Width"] + 2 * margin, top + image.height * box["Height"] + 2 * margin
    return image.crop((int(left), int(top), int(right), int(low)))


@contextmanager
def _collection(client: Any) -> Iterator[str]:
    """A collection as notebooks make theirs, and delete it in the end."""
    name = f"notebook-{uuid4()}"
    made = client.create_collection(CollectionId=name)
    assert made["CollectionArn"].endswith(f"collection/{name}")
    assert made["StatusCode"] == 200
    yield name
    assert client.delete_collection(CollectionId=name)["StatusCode"] == 200


def _index(client: Any, collection: str, picture: bytes, name: str, **more: Any) -> str:
    """Index one face, and read what was and was not indexed; the id of the face."""
    answer = client.index_faces(
        CollectionId=collection,
        Image={"Bytes": picture},
        ExternalImageId=name,
        **{"MaxFaces": 1, "QualityFilter": "AUTO", "DetectionAttributes": ["ALL"], **more},
    )
    for unindexed in answer["UnindexedFaces"]:
        assert unindexed["FaceDetail"]["BoundingBox"]
        assert all(isinstance(reason, str) for reason in unindexed["Reasons"])
    (record,) = answer["FaceRecords"]
    assert record["Face"]["BoundingBox"] == record["FaceDetail"]["BoundingBox"]
    assert record["Face"]["ExternalImageId"] == name
    assert record["Face"]["ImageId"]
    face: str = record["Face"]["FaceId"]
    return face


@pytest.fixture(scope="module", params=["the portrait", pytest.param("generated people", marks=pytest.mark.long)])
def people(request: pytest.FixtureRequest, portrait: bytes) -> People:
    """People with several pictures each: one whose portrait a package ships, or, beside the checkout, six."""
    if request.param == "the portrait":
        image = _open(portrait)
        others = (ImageOps.mirror(image), image.crop((100, 0, 400, 300)), image.resize((300, 300)))
        return {"person-1": [portrait, *(_bytes(each) for each in others)]}
    folder = request.getfixturevalue("shared_data") / "synthetic_faces"
    return {
        f"person-{number}": [
            (folder / f"face_{number}.jpeg").read_bytes(),
            *((folder / f"face_{number}_{each}.jpeg").read_bytes() for each in range(4)),
        ]
        for number in range(1, 7)
    }


def test_faces_are_detected_described_and_drawn(service: Running, people: People) -> None:
    client = service.client()
    for picture in (pictures[0] for pictures in people.values()):
        image = _open(picture)
        draw = ImageDraw.Draw(image)
        answer = client.detect_faces(Image={"Bytes": picture}, Attributes=["ALL"])
        assert len(answer["FaceDetails"]) == 1
        for face in answer["FaceDetails"]:
            assert 0 <= face["AgeRange"]["Low"] < face["AgeRange"]["High"]
            assert face["Gender"]["Value"] in ("Male", "Female")
            assert face["Confidence"] > 50
            assert {*face["Pose"]} == {"Roll", "Yaw", "Pitch"}
            assert min(face["Quality"]["Brightness"], face["Quality"]["Sharpness"]) > 0
            for member in ("Smile", "MouthOpen", "EyesOpen", "Eyeglasses", "Sunglasses", "Beard", "Mustache"):
                told = _read("DetectFaces", face, member)
                assert told is None or (isinstance(told["Value"], bool) and told["Confidence"] >= 50)
            for emotion in _read("DetectFaces", face, "Emotions") or []:
                assert emotion["Type"]
                assert emotion["Confidence"] >= 0
            occluded, gaze = (_read("DetectFaces", face, each) for each in ("FaceOccluded", "EyeDirection"))
            assert occluded is None or isinstance(occluded["Value"], bool)
            assert gaze is None or gaze["Yaw"] == pytest.approx(gaze["Yaw"])
            for point in face["Landmarks"]:
                assert isinstance(point["Type"], str)
                draw.point((image.width * point["X"], image.height * point["Y"]))
            box = face["BoundingBox"]
            assert min(image.width * box["Width"], image.height * box["Height"]) > 50
            draw.line([(image.width * box["Left"], image.height * box["Top"])] * 2, width=10)
        json.dumps(answer)


def test_two_pictures_are_compared(service: Running, people: People) -> None:
    client = service.client()
    for pictures in people.values():
        answer = client.compare_faces(
            SourceImage={"Bytes": pictures[0]},
            TargetImage={"Bytes": pictures[1]},
            SimilarityThreshold=0,
            QualityFilter="NONE",
        )
        assert {*answer["SourceImageFace"]} == {"BoundingBox", "Confidence"}
        (match,) = answer["FaceMatches"]
        assert answer["UnmatchedFaces"] == []
        assert match["Similarity"] > 80
        face = match["Face"]
        assert face["Confidence"] > 50
        assert face["Quality"]["Sharpness"] > 0
        assert {point["Type"] for point in face["Landmarks"]} >= {"eyeLeft", "eyeRight", "nose"}
        assert abs(face["Pose"]["Yaw"]) < 45
        json.dumps(answer)


def test_faces_are_indexed_listed_searched_and_deleted(service: Running, people: People) -> None:
    client = service.client()
    with _collection(client) as collection:
        with pytest.raises(ClientError) as raised:
            client.create_collection(CollectionId=collection)
        assert raised.value.response["Error"]["Code"] == "ResourceAlreadyExistsException"
        faces = {
            _index(client, collection, picture, name): name for name, (_, *more) in people.items() for picture in more
        }
        listed, page = [], client.list_faces(CollectionId=collection, MaxResults=2)
        while True:
            listed += page["Faces"]
            if "NextToken" not in page:
                break
            page = client.list_faces(CollectionId=collection, MaxResults=2, NextToken=page["NextToken"])
        assert {face["FaceId"]: face["ExternalImageId"] for face in listed} == faces
        for name, (picture, *_) in people.items():
            answer = client.search_faces_by_image(
                CollectionId=collection, Image={"Bytes": picture}, MaxFaces=1, FaceMatchThreshold=80
            )
            assert answer["SearchedFaceConfidence"] > 50
            assert answer["FaceMatches"][0]["Face"]["ExternalImageId"] == name
            assert answer["FaceMatches"][0]["Face"]["FaceId"] in faces
            assert answer["FaceMatches"][0]["Similarity"] >= 80
            json.dumps(answer)
        gone = next(iter(faces))
        found = client.search_faces(CollectionId=collection, FaceId=gone, MaxFaces=10)
        assert found["SearchedFaceId"] == gone
        assert gone not in {match["Face"]["FaceId"] for match in found["FaceMatches"]}
        assert client.delete_faces(CollectionId=collection, FaceIds=[gone])["DeletedFaces"] == [gone]
        with pytest.raises(client.exceptions.InvalidParameterException):
            client.search_faces(CollectionId=collection, FaceId=gone, MaxFaces=10)
        known = client.list_collections(MaxResults=100)
        assert len(known["CollectionIds"]) == len(known["FaceModelVersions"])
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        client.delete_collection(CollectionId=collection)
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def _licence(picture: bytes) -> bytes:
    """A document with a face, and the same face small and pale beside it, as licences have them."""
    page = Image.new("RGB", (1000, 630), (225, 235, 240))
    face = _open(picture)
    page.paste(face.resize((380, 380)), (40, 160))
    page.paste(Image.blend(face, Image.new("RGB", face.size, (225, 235, 240)), 0.35).resize((190, 190)), (760, 400))
    draw = ImageDraw.Draw(page)
    for line in range(6):
        draw.text((470, 170 + 45 * line), f"FIELD {line}   {line * 1_234_567}", fill=(30, 30, 60))
    return _bytes(page, "JPEG")


def test_somebody_is_taken_in_by_a_document_and_a_selfie(service: Running, people: People) -> None:
    client = service.client()
    name, (known, selfie, *_) = next(iter(people.items()))
    document = _licence(known)
    on_document = client.detect_faces(Image={"Bytes": document}, Attributes=["ALL"])["FaceDetails"]
    assert len(on_document) == 2
    areas = [face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"] for face in on_document]
    assert areas == sorted(areas, reverse=True)
    assert len(client.detect_faces(Image={"Bytes": selfie}, Attributes=["ALL"])["FaceDetails"]) == 1
    compared = client.compare_faces(
        SourceImage={"Bytes": document}, TargetImage={"Bytes": selfie}, SimilarityThreshold=80, QualityFilter="NONE"
    )
    assert compared["FaceMatches"][0]["Similarity"] >= 80
    with _collection(client) as registered, _collection(client) as refused:
        for other, (picture, *_) in [*people.items()][1:]:
            _index(client, registered, picture, other, DetectionAttributes=["DEFAULT"])
        for collection in (registered, refused):
            answer = client.search_faces_by_image(
                CollectionId=collection,
                Image={"Bytes": selfie},
                MaxFaces=1,
                FaceMatchThreshold=90,
                QualityFilter="AUTO",
            )
            assert answer["FaceMatches"] == []
        for picture in (document, selfie):
            _index(client, registered, picture, name, DetectionAttributes=["DEFAULT"])
        # Whoever was taken in is known the next time.
        again = client.search_faces_by_image(CollectionId=registered, Image={"Bytes": selfie}, FaceMatchThreshold=90)
        assert {match["Face"]["ExternalImageId"] for match in again["FaceMatches"]} == {name}


def test_more_pictures_of_somebody_make_no_search_worse(service: Running, people: People) -> None:
    client = service.client()
    with _collection(client) as single, _collection(client) as several:
        for name, (_, first, *more) in people.items():
            for collection, pictures in ((single, [first]), (several, [first, *more])):
                for number, picture in enumerate(pictures):
                    _index(client, collection, picture, f"{name}_{number}.jpg")
        for name, (picture, *_) in people.items():
            best = []
            for collection in (single, several):
                answer = client.search_faces_by_image(
                    CollectionId=collection, Image={"Bytes": picture}, FaceMatchThreshold=50
                )
                best.append(answer["FaceMatches"][0]["Similarity"])
                assert answer["FaceMatches"][0]["Face"]["ExternalImageId"].split("_")[0] == name
            assert best[1] >= best[0]


def _group(pictures: list[bytes]) -> Image.Image:
    """A picture of all of them, side by side."""
    side = 600
    page = Image.new("RGB", (side * len(pictures), side), "gray")
    for place, picture in enumerate(pictures):
        page.paste(_open(picture).resize((side, side)), (side * place, 0))
    return page


def test_each_face_of_a_group_is_cut_out_and_named(service: Running, people: People) -> None:
    client = service.client()
    group = _group([pictures[0] for pictures in people.values()])
    with _collection(client) as collection:
        for name, (_, *more) in people.items():
            for picture in more:
                _index(client, collection, picture, f"{name}.jpg")
        named = set()
        for face in client.detect_faces(Image={"Bytes": _bytes(group)})["FaceDetails"]:
            cut = _bytes(_crop(group, face["BoundingBox"], margin=5))
            assert client.detect_faces(Image={"Bytes": cut})["FaceDetails"]
            answer = client.search_faces_by_image(CollectionId=collection, Image={"Bytes": cut}, FaceMatchThreshold=50)
            named.add(answer["FaceMatches"][0]["Face"]["ExternalImageId"].split(".")[0])
        assert named == {*people}


def test_users_are_made_of_faces_and_found_in_a_group(service: Running, people: People) -> None:
    client = service.client()
    group = _group([pictures[0] for pictures in people.values()])
    with _collection(client) as collection:
        for name, (_, *more) in people.items():
            assert client.create_user(CollectionId=collection, UserId=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
            ids = [_index(client, collection, picture, name) for picture in more]
            answer = client.associate_faces(CollectionId=collection, UserId=name, FaceIds=ids)
            assert {face["FaceId"] for face in answer["AssociatedFaces"]} == {*ids}
            assert answer["UnsuccessfulFaceAssociations"] == []
            assert answer["UserStatus"] in ("ACTIVE", "UPDATING")
        named = {}
        for face in client.detect_faces(Image={"Bytes": _bytes(group)}, Attributes=["ALL"])["FaceDetails"]:
            assert face["AgeRange"]["Low"] < face["AgeRange"]["High"]
            # This notebook cuts out the box, and nothing around it.
            answer = client.search_users_by_image(
                CollectionId=collection,
                Image={"Bytes": _bytes(_crop(group, face["BoundingBox"]), "JPEG")},
                UserMatchThreshold=80,
            )
            best = answer["UserMatches"][0]
            named[best["User"]["UserId"]] = best["Similarity"]
            assert best["User"]["UserStatus"] == "ACTIVE"
            assert answer["SearchedFace"]["FaceDetail"]["BoundingBox"]
            assert answer["UnsearchedFaces"] == []
        assert {*named} == {*people}
        name = next(iter(people))
        assert [user["UserId"] for user in client.list_users(CollectionId=collection)["Users"]] == sorted(people)
        found = client.search_users(CollectionId=collection, FaceId=ids[0])
        assert found["SearchedFace"]["FaceId"] == ids[0]
        assert found["UserMatches"][0]["User"]["UserId"] == [*people][-1]
        faces = client.list_faces(CollectionId=collection, UserId=name)["Faces"]
        gone = client.disassociate_faces(
            CollectionId=collection, UserId=name, FaceIds=[face["FaceId"] for face in faces]
        )
        assert len(gone["DisassociatedFaces"]) == len(people[name]) - 1
        assert gone["UnsuccessfulFaceDisassociations"] == []
        client.delete_user(CollectionId=collection, UserId=name)


def test_celebrities_are_told_apart_from_others(service: Running, people: People) -> None:
    for picture in (pictures[0] for pictures in people.values()):
        answer = service.client().recognize_celebrities(Image={"Bytes": picture})
        # Nobody was enrolled; tests/commands/gallery/test_figures.py reads the names of who was.
        assert answer["CelebrityFaces"] == []
        (face,) = answer["UnrecognizedFaces"]
        assert face["Confidence"] > 50
        assert face["BoundingBox"]["Height"] > 0
        assert {"Roll", "Yaw", "Pitch"} == {*face["Pose"]}
        assert face["Quality"]["Brightness"] > 0
        assert len(face["Landmarks"]) >= 5
        for member in ("Smile", "Emotions"):
            assert _read("RecognizeCelebrities", face, member) is None


@pytest.mark.slow("loads the models of equipment")
def test_protective_equipment_is_looked_for_and_summed_up(service: Running, people: People) -> None:
    client = service.client()
    required = ["FACE_COVER", "HEAD_COVER"]
    for picture in (pictures[0] for pictures in people.values()):
        answer = client.detect_protective_equipment(
            Image={"Bytes": picture},
            SummarizationAttributes={"MinConfidence": 50, "RequiredEquipmentTypes": required},
        )
        assert answer["ProtectiveEquipmentModelVersion"]
        assert answer["Persons"]
        for person in answer["Persons"]:
            assert person["BoundingBox"]["Width"] > 0
            for part in person["BodyParts"]:
                assert part["Name"] in ("FACE", "HEAD", "LEFT_HAND", "RIGHT_HAND")
                for item in part["EquipmentDetections"]:
                    assert item["Type"]
                    assert item["BoundingBox"]
                    assert item["CoversBodyPart"]["Value"] in (True, False)
                    assert item["CoversBodyPart"]["Confidence"] > 0
        parts = [{part["Name"] for part in person["BodyParts"]} for person in answer["Persons"]]
        assert {"FACE", "HEAD"} in parts
        summary = answer["Summary"]
        counted = [
            *summary["PersonsWithRequiredEquipment"],
            *summary["PersonsWithoutRequiredEquipment"],
            *summary["PersonsIndeterminate"],
        ]
        assert sorted(counted) == [person["Id"] for person in answer["Persons"]]


def test_pictures_of_users_are_moderated(service: Running, people: People) -> None:
    for picture in (pictures[0] for pictures in people.values()):
        answer = service.client().detect_moderation_labels(Image={"Bytes": picture}, MinConfidence=60)
        assert answer["ModerationModelVersion"]
        for label in answer["ModerationLabels"]:
            assert label["Name"]
            assert label["Confidence"] >= 60
            assert isinstance(label["ParentName"], str)
            assert label["TaxonomyLevel"] in (1, 2, 3)
        assert not answer["ModerationLabels"]


def test_no_face_of_a_photograph_is_lost_where_it_is_cut_out(service: Running, shared_data: Path) -> None:
    client = service.client()
    seen = 0
    with _collection(client) as collection:
        for file in sorted((shared_data / "aws_docs_media").glob("*.jpg")):
            image = _open(file.read_bytes())
            for face in client.detect_faces(Image={"Bytes": file.read_bytes()})["FaceDetails"]:
                for margin in (0, 5):
                    cut = _crop(image, face["BoundingBox"], margin)
                    if min(cut.size) < LEAST_SIDE:
                        continue
                    seen += 1
                    assert client.detect_faces(Image={"Bytes": _bytes(cut)})["FaceDetails"], (file.name, margin)
                    client.search_faces_by_image(CollectionId=collection, Image={"Bytes": _bytes(cut)})
    assert seen >= 8
