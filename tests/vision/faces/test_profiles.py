"""A change of profile through boto3, unchanged: collections go on with the one that they were made with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from regard.settings import from_environment
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from regard.vision.faces.faces import VERSIONS, FaceAnalyzer
from regard.vision.faces.similarity import PROFILES, shipped
from regard.vision.pictures.images import decode
from tests.helpers.running import running

pytestmark = pytest.mark.long

OTHER = {"fast": "accurate", "accurate": "fast"}


@pytest.fixture(scope="module")
def probe(portrait: bytes) -> bytes:
    """The same person in a picture so small that similarities of the two profiles lie apart."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(portrait)) as image:
        image.resize((110, 110), Image.Resampling.LANCZOS).save(file, "JPEG", quality=80)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@pytest.fixture(scope="module")
def clients(folder: Path, portrait: bytes) -> Iterator[dict[str, Any]]:
    """A service of each profile on the same data; each made a collection of its own and enrolled the portrait."""
    known, clients = None, dict[str, Any]()
    with ExitStack() as stack:
        for profile in PROFILES:
            service = stack.enter_context(running(folder, known, REGARD_PROFILE=profile))
            known, client = service.environment, service.client()
            made = client.create_collection(CollectionId=profile)
            assert made["FaceModelVersion"] == VERSIONS[profile]
            face = client.index_faces(CollectionId=profile, Image={"Bytes": portrait})["FaceRecords"][0]["Face"]
            client.create_user(CollectionId=profile, UserId="who")
            client.associate_faces(CollectionId=profile, UserId="who", FaceIds=[face["FaceId"]])
            clients[profile] = client
        yield clients


def _embedded(profile: str, file: bytes) -> Any:
    analyzer, picture = FaceAnalyzer.opened(from_environment(profile=profile)), decode(file)
    return analyzer.embed(picture, analyzer.detect(picture)[:1])[0]


def _expected(profile: str, portrait: bytes, probe: bytes) -> float:
    """The similarity by the profile's own embedding and table."""
    return shipped(profile).similarity(float(_embedded(profile, portrait) @ _embedded(profile, probe)))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("serving", PROFILES)
def test_a_picture_is_searched_by_the_profile_of_the_collection_whichever_is_set(
    clients: dict[str, Any], portrait: bytes, probe: bytes, profile: str, serving: str
) -> None:
    asked = {"CollectionId": profile, "Image": {"Bytes": probe}}
    expected = pytest.approx(_expected(profile, portrait, probe), abs=0.05)
    faces = clients[serving].search_faces_by_image(**asked, FaceMatchThreshold=1)
    assert faces["FaceModelVersion"] == VERSIONS[profile]
    assert max(match["Similarity"] for match in faces["FaceMatches"]) == expected
    users = clients[serving].search_users_by_image(**asked, UserMatchThreshold=1)
    assert users["FaceModelVersion"] == VERSIONS[profile]
    assert [match["Similarity"] for match in users["UserMatches"]] == [expected]


def test_the_two_tables_are_not_the_same(portrait: bytes, probe: bytes) -> None:
    fast, accurate = (_expected(profile, portrait, probe) for profile in PROFILES)
    assert abs(fast - accurate) > 0.2


@pytest.mark.parametrize("profile", PROFILES)
def test_faces_are_enrolled_by_the_profile_of_the_collection(
    clients: dict[str, Any], portrait: bytes, probe: bytes, profile: str
) -> None:
    other = clients[OTHER[profile]]
    indexed = other.index_faces(CollectionId=profile, Image={"Bytes": probe}, QualityFilter="NONE")
    assert indexed["FaceModelVersion"] == VERSIONS[profile]
    face = indexed["FaceRecords"][0]["Face"]
    assert face["IndexFacesModelVersion"] == VERSIONS[profile]
    found = other.search_faces(CollectionId=profile, FaceId=face["FaceId"], FaceMatchThreshold=1)["FaceMatches"]
    expected = pytest.approx(_expected(profile, portrait, probe), abs=0.05)
    assert [match["Similarity"] for match in found] == [expected]
    other.delete_faces(CollectionId=profile, FaceIds=[face["FaceId"]])


def test_who_was_erased_from_collections_of_one_profile_is_not_enrolled_in_those_of_the_other(
    clients: dict[str, Any], folder: Path, portrait: bytes
) -> None:
    arn = clients["fast"].describe_collection(CollectionId="fast")["CollectionARN"]
    holdings = open_holdings(open_office(from_environment(data_dir=folder)))
    objections, who = holdings.gallery.objections, (arn.split(":")[4], "external/somebody")
    for profile in PROFILES:
        objections.add(*who, 1.0, [], (VERSIONS[profile], _embedded(profile, portrait)))
        answer = clients["fast"].index_faces(CollectionId=OTHER[profile], Image={"Bytes": portrait})
        assert answer["FaceRecords"] == []
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-regard-suppressed"] == "1"
        objections.lift(*who)
    holdings.gallery.close()


def test_two_services_compare_each_by_its_own_profile(clients: dict[str, Any], portrait: bytes, probe: bytes) -> None:
    for profile, client in clients.items():
        images = {"SourceImage": {"Bytes": probe}, "TargetImage": {"Bytes": portrait}}
        (match,) = client.compare_faces(**images, SimilarityThreshold=0)["FaceMatches"]
        assert match["Similarity"] == pytest.approx(_expected(profile, portrait, probe), abs=0.05)
